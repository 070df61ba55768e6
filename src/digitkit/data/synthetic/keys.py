"""Read the tables of a plan key by key: what is wrong is said with its key, its value and what was expected."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from digitkit.core.errors import ConfigError
from digitkit.core.registry import nearest
from digitkit.data.synthetic.colours import rgb

T = TypeVar("T")
Value = object  # whatever TOML can hold
NO_TEXTS: tuple[str, ...] = ()
NO_TABLES: tuple[Mapping[str, Value], ...] = ()
MAX_SHOWN = 60  # characters of a wrong value


class _Unfit(Exception):
    """A value that does not fit; its text says what was expected."""


class Keys:
    """One table of a plan: keys are taken by name, and one that nobody took is a mistake."""

    def __init__(self, values: Mapping[str, Value], place: str, table: str = "") -> None:
        self._values = values
        self._place = place
        self._table = f"{table}." if table else ""
        self._known: list[str] = []

    def take(self, key: str, default: T, read: Callable[[Value], T]) -> T:
        """The value of a key, or its default.

        Raises: ConfigError when the value does not fit.
        """
        self._known.append(key)
        if key not in self._values:
            return default
        try:
            return read(self._values[key])
        except _Unfit as error:
            raise self.wrong(key, str(error)) from error

    def wrong(self, key: str, expected: str) -> ConfigError:
        """The error for a value of a key."""
        shown = repr(self._values.get(key))
        shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
        return ConfigError(f"{self._place}: {self._table}{key} is {shown}, expected {expected}.")

    def has(self, key: str) -> bool:
        """Whether the plan has a key."""
        return key in self._values

    def finish(self) -> None:
        """Raises: ConfigError for a key that no plan has."""
        for key in self._values:
            if key not in self._known:
                where = f"the table {self._table[:-1]}" if self._table else "a plan"
                raise ConfigError(
                    f"{self._place}: {self._table}{key} is no key of {where}. {nearest(key, self._known)}"
                )


def whole(low: int, high: int) -> Callable[[Value], int]:
    """A whole number in a range."""

    def read(value: Value) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _Unfit(f"a whole number from {low:,} to {high:,}")
        return value

    return read


def number(low: float, high: float) -> Callable[[Value], float]:
    """A number in a range."""

    def read(value: Value) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Unfit(f"a number from {low:g} to {high:g}")
        if not (math.isfinite(value) and low <= value <= high):
            raise _Unfit(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def span(low: float, high: float) -> Callable[[Value], tuple[float, float]]:
    """A number, or a list of the lowest and the highest."""
    one = number(low, high)

    def read(value: Value) -> tuple[float, float]:
        values = value if isinstance(value, list) else [value, value]
        try:
            ends = [one(end) for end in values]
        except _Unfit as error:
            raise _Unfit(f"{error}, or a list of the lowest and the highest") from error
        if len(ends) != 2 or ends[0] > ends[1]:
            raise _Unfit(f"a number from {low:g} to {high:g}, or a list of the lowest and the highest")
        return ends[0], ends[1]

    return read


def choice(options: Sequence[str]) -> Callable[[Value], str]:
    """One of some words."""

    def read(value: Value) -> str:
        if not isinstance(value, str) or value not in options:
            hint = f"; {nearest(value, list(options))}" if isinstance(value, str) else ""
            raise _Unfit(f"one of {', '.join(options)}{hint}".removesuffix("."))
        return value

    return read


def texts(least: int = 1) -> Callable[[Value], tuple[str, ...]]:
    """A list of words."""

    def read(value: Value) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) < least or not all(isinstance(item, str) for item in value):
            raise _Unfit('a list of words, such as ["7", "23"]')
        return tuple(value)

    return read


def text(value: Value) -> str:
    """A word."""
    if not isinstance(value, str):
        raise _Unfit("a word")
    return value


def colour(value: Value) -> str:
    """The name of a colour, or `#rrggbb`."""
    try:
        rgb(text(value))
    except ConfigError as error:
        raise _Unfit(str(error).removeprefix("expected ").removesuffix(".")) from error
    return text(value)


def table(value: Value) -> Mapping[str, Value]:
    """A table."""
    if not isinstance(value, dict):
        raise _Unfit("a table")
    return value


def tables(value: Value) -> tuple[Mapping[str, Value], ...]:
    """A list of tables."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _Unfit("a list of tables")
    return tuple(value)
