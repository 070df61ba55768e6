"""Every source by name; importing this module is what registers them."""

from collections.abc import Callable, Mapping
from functools import partial

from digitkit.data import archive, folder, jsonl, kaggle, nist, nist_family, npz, npz_records, small, svhn, uci
from digitkit.data.source import SOURCES, Source
from digitkit.data.synthetic import source as synthetic

__all__ = ["OWN", "SOURCES", "find_source", "nist", "nist_family", "npz_records", "small", "svhn", "uci"]

OWN: Mapping[str, Callable[[str], Source]] = {  # pictures of people's own, by what stands before the place
    folder.PREFIX: folder.folder_source,
    archive.PREFIX: archive.archive_source,
    jsonl.PREFIX: jsonl.jsonl_source,
    npz.PREFIX: partial(npz.npz_source, records=npz_records.RECORDS),
    kaggle.PREFIX: kaggle.kaggle_source,
    synthetic.PREFIX: lambda spec: synthetic.synthetic_source(spec, find_source),
}


def find_source(spec: str) -> Source:
    """The source of a name, or of `folder:PATH`, `archive:PLACE`, `jsonl:PATH`, `npz:FILE`, `kaggle:FOLDER` or
    `synthetic:PLAN`.

    Raises: ConfigError for an unknown name, SourceError for a place that holds no such thing.
    """
    kind, mark, _ = spec.partition(":")
    return OWN[kind + mark](spec) if kind + mark in OWN else SOURCES[spec]
