"""What a data set is to digitkit: one record that says where its files are and how to read them."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from digitkit.core.digitset import DigitSet
from digitkit.core.registry import Registry

TRAIN, VAL, TEST = "train", "val", "test"
EXTRA = "extra"  # more to learn from, which the publisher keeps apart from the training part
PARTS = (TRAIN, VAL, TEST, EXTRA)
BRIGHT, DARK, MIXED = "bright", "dark", "mixed"  # the ink against its paper; mixed: either, as on signs
DIGITS = tuple("0123456789")

Report = Callable[[str], None]  # takes one line for people
Progress = Callable[[str, int, int], None]  # takes a file's name, bytes so far, bytes in all (0: unknown)
SHA256 = re.compile(r"[0-9a-f]{64}")


def keep_quiet(line: str) -> None:
    """The report of callers that do not want one."""


@dataclass(frozen=True)
class RemoteFile:
    """One published file as it is kept here.

    `sha256` and `size` (bytes) are those of the kept file. Where the publisher tells no sha256 it is empty: the one
    that comes first is kept in mind (see `stock.pin`). A size of 0 is unknown. When the URLs give the file packed by
    gzip, `packed_size` is the size of the packed file in bytes; 0 means they give the file itself. Without URLs it is
    put into its folder by hand. `part` names the one part that needs the file; empty means that all do.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str = ""
    size: int = 0
    packed_size: int = 0
    part: str = ""

    def __post_init__(self) -> None:
        """Our own mistakes stop here."""
        assert not self.sha256 or SHA256.fullmatch(self.sha256), (
            f"{self.name}: the sha256 has 64 small hexadecimal characters"
        )
        assert self.size > 0 or not self.packed_size, f"{self.name}: what comes out of a packed file has a known size"
        assert self.part in ("", *PARTS), f"{self.name}: parts are {PARTS}, got {self.part}"
        assert all(urlsplit(url).scheme in ("http", "https") for url in self.urls), (
            f"{self.name}: mirrors are web addresses"
        )

    @property
    def download_name(self) -> str:
        """The name of what the URLs give."""
        return f"{self.name}.gz" if self.packed_size else self.name

    @property
    def download_size(self) -> int:
        """The bytes of what the URLs give; more is never read. 0: unknown."""
        return self.packed_size or self.size

    def belongs_to(self, parts: Collection[str] | None) -> bool:
        """Whether one of these parts needs the file; None stands for all parts."""
        return parts is None or not self.part or self.part in parts


@dataclass(frozen=True)
class Step:
    """A way to files that is no URL, tried when no mirror gave them.

    `get(folder, report)` writes the source's files, or some of them, into the folder; `fetch` checks their sha256.
    Raises: FetchError or HashMismatch when this step does not work either.
    """

    title: str
    get: Callable[[Path, Report], None]


def no_notes(folder: Path, part: str) -> tuple[str, ...]:
    """The notes of a source that reads every picture it has."""
    return ()


def no_metadata(folder: Path, part: str) -> Mapping[str, Mapping[str, int]]:
    """The metadata of a source whose pictures carry none."""
    return {}


@dataclass(frozen=True)
class Source:
    """A data set by name.

    `read(folder, part)` gives one part of native pixels from the folder that `fetch` filled; `notes(folder, part)` says
    what was skipped in reading it, one line each, and `metadata(folder, part)` how many pictures have which value of
    which key. `parts` are some of "train", "val", "test" and "extra".
    `ink` is "bright", "dark" or "mixed", empty where nobody knows. `contains` names for a part the test parts, such as
    mnist/test, whose digits are in it too: a run that learns from it is contaminated. `reframed`: its digits are cut or
    shrunk in another way than in other sources, so that copies between them are not found. `family` names the
    collection of writers that it is taken from, where others are too. `folder` names the folder of its files, where
    sources share one; for both, empty means its own name. `others` says what those of its pictures show that are
    no digits, such as letters. `drawn`: digitkit draws it, so it is always here. `reopen` gives the source anew where
    only its files tell which parts it has, as long as they are not here.
    """

    name: str
    title: str
    licence: str
    homepage: str
    files: tuple[RemoteFile, ...]
    parts: tuple[str, ...]
    read: Callable[[Path, str], DigitSet]
    steps: tuple[Step, ...] = ()
    notes: Callable[[Path, str], tuple[str, ...]] = no_notes
    metadata: Callable[[Path, str], Mapping[str, Mapping[str, int]]] = no_metadata
    ink: str = ""
    contains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reframed: bool = False
    family: str = ""
    folder: str = ""
    others: str = ""
    drawn: bool = False
    reopen: Callable[[], "Source"] | None = None

    def __post_init__(self) -> None:
        """Our own mistakes stop here."""
        assert self.parts, f"{self.name}: a source has a part"
        assert set(self.parts) <= set(PARTS), f"{self.name}: parts are {PARTS}, got {self.parts}"
        assert self.ink in ("", BRIGHT, DARK, MIXED), f"{self.name}: ink is bright, dark or mixed, got {self.ink}"

    def when_fetched(self) -> "Source":
        """This source now that its files are here, with the parts that they hold."""
        return self.reopen() if self.reopen else self

    @property
    def usual_parts(self) -> tuple[str, ...]:
        """The parts that are meant where only the name is given: all but the extra one, which can be very large."""
        return tuple(part for part in self.parts if part != EXTRA) or self.parts


SOURCES: Registry[Source] = Registry("source")
