"""What a search may change: `key=a,b,c` chooses, `key=1..9` and `key=log:1e-4..1e-1` draw from a range."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import compose

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"(?P<log>log:)?(?P<low>{NUMBER})\.\.(?P<high>{NUMBER})")
WHOLE = re.compile(r"[+-]?\d+")
LOG = "log:"
OPEN, CLOSE, QUOTES = "([{", ")]}", "'\""
# A search chooses by validation, and gives each trial a folder and a process of its own.
OURS = {
    "run.test": "a search never reads the test part",
    "run.export": "a search exports nothing",
    "run.folder": "each trial has a folder of its own; name the search with --study",
    "run.devices": "trials share no batches; start the same command several times instead",
    "run.trackers": "trials are kept in the study",
}
FORCED = ("run.test=false", "run.export=false", "run.keep=0")


@dataclass(frozen=True)
class Choice:
    """One of several values, each written as an override is."""

    key: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """A number from `low` to `high`, both included; whole when both are written so."""

    key: str
    low: float
    high: float
    log: bool
    whole: bool


Axis = Choice | Span


@dataclass(frozen=True)
class Space:
    """The overrides that hold for all trials, and the axes along which they differ."""

    plain: tuple[str, ...]
    axes: tuple[Axis, ...]

    @property
    def size(self) -> float:
        """How many different settings there are; infinite where a number need not be whole."""
        return math.prod(map(_count, self.axes))

    def overrides(self, values: dict[str, str | int | float]) -> list[str]:
        """The overrides of one setting: a value for each axis."""
        return [*self.plain, *(f"{axis.key}={written(values[axis.key])}" for axis in self.axes)]


def written(value: str | float) -> str:
    """A value as an override is written."""
    return value if isinstance(value, str) else repr(value)


def parse(words: Sequence[str]) -> Space:
    """What the words of a command ask for.

    Raises: ConfigError when a range makes no sense, a key is not for the user to set, what varies is named twice, or
    nothing varies.
    """
    plain: list[str] = []
    axes: list[Axis] = []
    for word in words:
        key, _, value = word.partition("=")
        if key in OURS:
            raise ConfigError(f"{word}: {OURS[key]}. Leave {key} out.")
        axis = _axis(key, value)
        if axis is None:
            plain.append(word)
        else:
            axes.append(axis)
    keys = [word.partition("=")[0] for word in words]
    if twice := next((axis.key for axis in axes if keys.count(axis.key) > 1), None):
        raise ConfigError(f"{twice} is named twice; give all its values at once, as in {twice}=a,b")
    if not axes:
        raise ConfigError(
            "Nothing varies. Give a key several values or a range: model.width=16,32 optim.lr=log:1e-4..1e-1"
        )
    return Space(tuple(plain), tuple(axes))


def check(space: Space) -> None:
    """Compose the recipe at both ends of every axis, so that a mistake is told before the first trial.

    Raises: ConfigError naming the key, the value and the nearest known key.
    """
    usual = {axis.key: _ends(axis)[0] for axis in space.axes}
    for axis in space.axes:
        for end in _ends(axis):
            compose([*space.overrides({**usual, axis.key: end}), *FORCED])


def first(space: Space) -> list[str]:
    """The overrides of the setting that begins every axis."""
    return space.overrides({axis.key: _ends(axis)[0] for axis in space.axes})


def _axis(key: str, value: str) -> Axis | None:
    """The axis that a word describes; None when it is a plain override."""
    found = RANGE.fullmatch(value)
    if found:
        return _span(key, value, found)
    options = tuple(_split(value))
    if value.startswith(LOG) and len(options) == 1:
        raise ConfigError(f"{key}={value}: a range has two numbers, as in {key}=log:1e-4..1e-1")
    if len(options) == 1:
        return None
    if "" in options or len(set(options)) < len(options):
        raise ConfigError(f"{key}={value}: name each value once, as in {key}=a,b; text with a comma needs quotes.")
    return Choice(key, options)


def _span(key: str, value: str, found: re.Match[str]) -> Span:
    low, high, log = float(found["low"]), float(found["high"]), bool(found["log"])
    whole = bool(WHOLE.fullmatch(found["low"]) and WHOLE.fullmatch(found["high"]))
    if not low < high or not math.isfinite(high - low) or (log and low <= 0):
        above = ", and above 0 for log:" if log else ""
        raise ConfigError(f"{key}={value}: a range goes from a lower number to a higher one{above}.")
    return Span(key, low, high, log, whole)


def _split(text: str) -> Iterator[str]:
    """The pieces between commas, brackets and quotes left whole."""
    depth, quote, piece = 0, "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        else:
            depth += (letter in OPEN) - (letter in CLOSE)
        if letter == "," and not depth and not quote:
            yield piece
            piece = ""
        else:
            piece += letter
    yield piece


def _ends(axis: Axis) -> list[str | int | float]:
    """All choices, or the lowest and the highest number."""
    if isinstance(axis, Choice):
        return list(axis.options)
    return [int(axis.low), int(axis.high)] if axis.whole else [axis.low, axis.high]


def _count(axis: Axis) -> float:
    if isinstance(axis, Choice):
        return len(axis.options)
    return axis.high - axis.low + 1 if axis.whole else math.inf
