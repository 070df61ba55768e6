"""Whether the pictures of a training are prepared already: known in no time, from what the system says of files.

It takes seconds to read a million pictures only to find that nothing has changed. So `digitkit data prepare` leaves a
note: what was asked, the state of every source, and what came out. A note is believed as long as nothing was touched.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import digitkit
from digitkit.core.files import cache_folder, write_text
from digitkit.data import archive, jsonl
from digitkit.data.cache import is_cached, key_of
from digitkit.data.catalogue import LOCAL, SOURCES
from digitkit.data.contents import SETTLED_NS, look
from digitkit.data.source import Source
from digitkit.data.stock import expected, missing

MOST_FILES = 100_000  # of a source of one's own; looking at more takes as long as reading them

Stamps = Mapping[str, str]  # of each source its state, "" where that cannot be told


def recall(asked: Sequence[str]) -> dict[str, object] | None:
    """What came out when the same was asked before, if all of it would come out again; None when that is not sure."""
    try:
        note = json.loads(_place(asked).read_text(encoding="utf-8"))
        specs, keys, facts = dict(note["sources"]), list(note["arrays"]), dict(note["facts"])
    except (OSError, ValueError, TypeError, LookupError):
        return None
    is_here = not any(missing(*known) for known in map(_named, specs) if known)
    return facts if is_here and stamps(specs)[0] == specs and all(map(is_cached, keys)) else None


def remember(asked: Sequence[str], before: Stamps, keys: Sequence[str], facts: Mapping[str, object]) -> None:
    """Leave a note for the next time, unless a source was touched meanwhile or can be touched without being noticed.

    `before` are the stamps of all sources, taken before they were read; `keys` name the cached arrays.
    Raises: StoreError when it cannot be written.
    """
    now, newest_ns = stamps(before)
    if dict(before) == now and all(now.values()) and newest_ns < time.time_ns() - SETTLED_NS:
        note = {"sources": now, "arrays": list(keys), "facts": dict(facts)}
        write_text(_place(asked), json.dumps(note, indent=1))


def stamps(specs: Iterable[str]) -> tuple[dict[str, str], int]:
    """The state of these sources, and when the newest file of one's own was touched, in ns."""
    found, newest_ns = {}, 0
    for spec in specs:
        found[spec], touched_ns = _own(spec) if spec.startswith(LOCAL) else (_published(spec), 0)
        newest_ns = max(newest_ns, touched_ns)
    return found, newest_ns


def _place(asked: Sequence[str]) -> Path:
    """Where the note of a request is kept; another digitkit, even one changed by hand, keeps its own."""
    root = Path(digitkit.__file__).parent
    code = look((path.name, path) for path in sorted(root.rglob("*.*")) if path.suffix in (".py", ".yaml"))[0]
    own = [Path(word.partition("=")[2]) for word in asked if word.startswith("experiment=")]
    written = [path.read_text(encoding="utf-8", errors="replace") for path in own if path.is_file()]
    return cache_folder() / "prepared" / f"{key_of(list(asked), written, code)}.json"


def _published(spec: str) -> str:
    """The state of a source by name: the hashes of its files. It is the same before they are fetched."""
    known = _named(spec)
    return key_of(spec, *(file.sha256 for file in expected(*known))) if known else ""


def _named(spec: str) -> tuple[Source, tuple[str, ...]] | None:
    """A source by name with the parts that are used of it, as in svhn or svhn/extra; None: it is no such source."""
    if spec in SOURCES:
        return SOURCES[spec], SOURCES[spec].usual_parts
    name, _, part = spec.rpartition("/")
    return (SOURCES[name], (part,)) if name in SOURCES else None


def _own(spec: str) -> tuple[str, int]:
    """The state of a source of one's own, and when its newest file was touched, in ns."""
    kind, _, name = spec.partition(":")
    place = Path(archive.take_apart(spec)[0] if f"{kind}:" == archive.PREFIX else name).expanduser().resolve()
    root = place.parent if f"{kind}:" == jsonl.PREFIX and place.is_file() else place
    listing = list(islice(_files(root), MOST_FILES + 1))
    if not listing or len(listing) > MOST_FILES:
        return "", 0
    state, newest_ns = look((os.fspath(path), path) for path in listing)
    return key_of(spec, state), newest_ns


def _files(root: Path) -> Iterator[Path]:
    """A file, or every file and folder in a folder, in a fixed order."""
    if root.is_file():
        yield root
    for folder_name, folders, files in os.walk(root):
        folders.sort()
        yield Path(folder_name)
        for name in sorted(files):
            yield Path(folder_name) / name
