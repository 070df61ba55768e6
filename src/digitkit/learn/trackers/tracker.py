"""What a tracker is to us: it is started, then told of records and pictures, and of the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from digitkit.core.registry import Registry

PROJECT = "digitkit"  # under which runs are collected, unless the tracker was told another name


@dataclass(frozen=True)
class Tracked:
    """What a tracker begins with.

    To go on with a run of its own it gets the `run_id` of that, else an empty one, and how often it was `told` things.
    """

    name: str
    recipe: Mapping[str, Any]
    folder: Path  # of our run
    run_id: str
    told: int
    say: Callable[[str], None]


class Tracker(Protocol):
    """One run in a tracker."""

    run_id: str

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Figures after a step."""

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """PNG files that show something after a step, by what they show."""

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        """The final figures and the files to keep; without figures the training was stopped and may go on later."""


@dataclass(frozen=True)
class Entry:
    """A tracker that can be chosen: the package that it needs, which is also our extra, and how it is started."""

    package: str
    start: Callable[[Tracked], Tracker]


TRACKERS: Registry[Entry] = Registry("tracker")


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A recipe as `group.key: value`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
