"""Every source by name; importing this module is what registers them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from digitkit.data import (
    archive,
    drawings,
    folder,
    jsonl,
    kaggle,
    nist,
    nist_family,
    npz,
    npz_records,
    small,
    svhn,
    uci,
)
from digitkit.data.source import SOURCES, Source

__all__ = [
    "LOCAL",
    "OWN",
    "SOURCES",
    "drawings",
    "family_of",
    "find_source",
    "known_name",
    "nist",
    "nist_family",
    "npz_records",
    "small",
    "svhn",
    "uci",
]

OWN: Mapping[str, Callable[[str], Source]] = {  # pictures of people's own, by what stands before the place
    folder.PREFIX: folder.folder_source,
    archive.PREFIX: archive.archive_source,
    jsonl.PREFIX: jsonl.jsonl_source,
    npz.PREFIX: partial(npz.npz_source, records=npz_records.RECORDS),
    kaggle.PREFIX: kaggle.kaggle_source,
    "synthetic:": lambda spec: _synthetic_source(spec),
}
LOCAL = (archive.PREFIX, folder.PREFIX, jsonl.PREFIX, kaggle.PREFIX, npz.PREFIX)  # on this disk, where their name says


def find_source(spec: str) -> Source:
    """The source of a name, or of `folder:PATH`, `archive:PLACE`, `jsonl:PATH`, `npz:FILE`, `kaggle:FOLDER` or
    `synthetic:PLAN`.

    Raises: ConfigError for an unknown name, SourceError for a place that holds no such thing.
    """
    kind, mark, _ = spec.partition(":")
    return OWN[kind + mark](spec) if kind + mark in OWN else SOURCES[spec]


def known_name(spec: str) -> str:
    """The name of the source that a spec means, of `npz:FILE` by its file's name; one of one's own by its whole path.

    No file is opened.
    """
    if spec.startswith(kaggle.PREFIX):
        return "mnist"  # what Kaggle's two files hold
    name = Path(spec.removeprefix(npz.PREFIX)).stem if spec.startswith(npz.PREFIX) else spec
    if name in SOURCES or not spec.startswith(LOCAL) or "://" in spec:
        return name if name in SOURCES else spec
    kind, _, place = spec.partition(":")
    return f"{kind}:{Path(place).expanduser().resolve()}"


def family_of(spec: str) -> str:
    """The collection of writers that a source is taken from, known by its name; see `Source.family`."""
    name = known_name(spec)
    return (SOURCES[name].family if name in SOURCES else "") or name


def _synthetic_source(spec: str) -> Source:
    """The source of a plan; what draws is imported only for it, since it takes 50 ms."""
    from digitkit.data.synthetic.source import synthetic_source

    return synthetic_source(spec, find_source)
