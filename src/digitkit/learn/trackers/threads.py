"""Trackers at work: each in a thread of its own, so that none can stop a training, hold it up or keep its results."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType

from digitkit.core.errors import ConfigError
from digitkit.core.files import write_text
from digitkit.learn.compose import to_plain
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.trackers import TRACKERS
from digitkit.learn.trackers.tracker import Entry, Tracked, Tracker

KEPT = ("model.onnx", "card.md", "card.html", "report.json", "recipe.yaml", "history.jsonl")
LAST_WAIT_S = 45.0  # for all trackers together, when everything else is done
Call = Callable[[Tracker], None]
Say = Callable[[str], None]


class TrackerThread:
    """One tracker. What it was told is kept in `trackers/NAME.json` of the run: a resumed run tells nothing twice.

    Its package is loaded at once, its run begins with the first thing that there is to tell.
    Whatever a tracker raises is said once and ends it. That is caught here in one place and for every error: trackers
    raise those of databases, networks and servers, and none of them is worth a training.
    """

    def __init__(self, name: str, entry: Entry, tracked: Tracked) -> None:
        self.name, self.say = name, tracked.say
        self.file = tracked.folder / "trackers" / f"{name}.json"
        self.told: dict[str, int] = {}  # the last step of each kind of thing
        self.count = 0  # of all that was told
        self.failed = self._begun = False
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._thread = Thread(target=self._work, args=(entry, tracked), name=f"tracker-{name}", daemon=True)
        self._thread.start()

    def tell(self, kind: str, step: int, call: Call) -> None:
        """Let the tracker do something about a step, unless it was told that before the run was resumed."""
        if self.failed:
            return

        def once(tracker: Tracker) -> None:
            if step > self.told.get(kind, -1):
                call(tracker)
                self.told[kind] = step
                self.count += 1
                self._keep(tracker)

        self._begun = True
        self._calls.put(once)

    def end(self, call: Call) -> None:
        """Let it do a last thing, if it has begun."""
        if self._begun:
            self._calls.put(call)
        self._calls.put(None)

    def wait(self, until: float) -> None:
        """Wait for it until a moment of the monotonic clock, then go on without it."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            self.say(f"{self.name}: has not answered for {LAST_WAIT_S:.0f} s; digitkit goes on without it.")

    def _work(self, entry: Entry, tracked: Tracked) -> None:
        with self:
            import_module(entry.package)
            call = self._calls.get()
            if call is None:
                return
            known = json.loads(self.file.read_text(encoding="utf-8")) if self.file.is_file() else {}
            self.told, self.count = dict(known.get("told", {})), int(known.get("count", 0))
            tracker = entry.start(replace(tracked, run_id=str(known.get("run_id", "")), told=self.count))
            self._keep(tracker)
            while call is not None:
                call(tracker)
                call = self._calls.get()

    def _keep(self, tracker: Tracker) -> None:
        write_text(self.file, json.dumps({"run_id": tracker.run_id, "told": self.told, "count": self.count}))

    def __enter__(self) -> "TrackerThread":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self.failed = True
            logging.getLogger(__name__).debug("%s failed", self.name, exc_info=error)
            reason = (str(error) or type(error).__name__).splitlines()[0]
            self.say(f"{self.name}: {reason}. The training goes on without it; the run's own files hold everything.")
        return True


class Trackers:
    """The trackers of a run, told the same things."""

    def __init__(self, threads: Sequence[TrackerThread] = ()) -> None:
        self.threads = threads
        self._ended = False

    def record(self, step: int, values: Mapping[str, object]) -> None:
        """Figures after a step; what is no number is left out."""
        numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
        numbers.pop("step", None)
        for thread in self.threads:
            thread.tell("record", step, lambda tracker: tracker.record(step, numbers))

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        """PNG files that show something after a step, by what they show."""
        for thread in self.threads:
            for name, path in paths.items():
                thread.tell(name, step, partial(_show, step, {name: path}))

    def finish(self, run: Run) -> None:
        """Tell all that the run has finished: its final figures, and those of its files that are worth keeping."""
        stored = run.report()
        figures = {name: float(stored[name]) for name in ("train_seconds", "steps", "parameters")}
        for part in ("val", "raw_val", "test"):
            figures |= {f"{part}_{name}": stored[part][name] for name in ("accuracy", "f1", "loss") if stored[part]}
        self.end(figures, [run.file(name) for name in KEPT if run.file(name).is_file()])

    def end(self, figures: Mapping[str, float] | None = None, files: Sequence[Path] = ()) -> None:
        """Tell all the end, once, and wait for them a while; see `Tracker.end`."""
        if self._ended:
            return
        self._ended = True
        for thread in self.threads:
            thread.end(lambda tracker: tracker.end(figures, files))
        until = time.monotonic() + LAST_WAIT_S
        for thread in self.threads:
            thread.wait(until)


def _show(step: int, paths: Mapping[str, Path], tracker: Tracker) -> None:
    tracker.pictures(step, paths)


def check_trackers(names: Sequence[str]) -> None:
    """See that the packages of some trackers are here.

    Raises: ConfigError that says how to install one that is not, or names the nearest tracker there is.
    """
    for name in names:
        found = find_spec(TRACKERS[name].package)
        if found is None or found.origin is None:  # a folder of that name is no package
            raise ConfigError(
                f"run.trackers names {name}, which is not installed: pip install 'digitkit[{name}]'."
                " Nothing was trained; without a tracker all figures and pictures are in the run's folder all the same."
            )


@contextmanager
def trackers_of(recipe: Recipe, run: Run, say: Say) -> Iterator[Trackers]:
    """Start the trackers that a recipe names and let them go at the end, whatever ends it.

    Raises: ConfigError when one is unknown or not installed.
    """
    check_trackers(recipe.run.trackers)
    tracked = Tracked(run.path.resolve().name, to_plain(recipe), run.path, "", 0, say)
    trackers = Trackers([TrackerThread(name, TRACKERS[name], tracked) for name in dict.fromkeys(recipe.run.trackers)])
    try:
        yield trackers
    finally:
        trackers.end()
