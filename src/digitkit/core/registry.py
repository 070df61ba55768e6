"""Things chosen by name: models, sources, experiments."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from digitkit.core.errors import ConfigError

T = TypeVar("T")


def nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    """The ending of an error message that names the nearest known names."""
    matches = get_close_matches(name, list(known), n=3, cutoff=0.5)
    if matches:
        return f"Did you mean {' or '.join(repr(match) for match in matches)}?"
    return f"Known: {', '.join(sorted(known))}."


class Registry(Mapping[str, T]):
    """A mapping that is filled by decorators and explains an unknown name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise ConfigError(f"Unknown {self.kind} {name!r}. {nearest(name, self)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, name: str, entry: T) -> T:
        """Put an entry under a new name; a second entry of that name is our own mistake."""
        assert name not in self._entries, f"{self.kind} {name!r} is registered twice"
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """The decorator form of `add`."""
        return lambda entry: self.add(name, entry)
