"""Every source by name; importing this module is what registers them."""

from collections.abc import Callable, Mapping

from digitkit.data import archive, folder, jsonl, nist, small
from digitkit.data.source import SOURCES, Source

__all__ = ["OWN", "SOURCES", "find_source", "nist", "small"]

OWN: Mapping[str, Callable[[str], Source]] = {  # pictures of people's own, by what stands before the place
    folder.PREFIX: folder.folder_source,
    archive.PREFIX: archive.archive_source,
    jsonl.PREFIX: jsonl.jsonl_source,
}


def find_source(spec: str) -> Source:
    """The source of a name, or of `folder:PATH`, `archive:PLACE` or `jsonl:PATH`.

    Raises: ConfigError for an unknown name, SourceError for a place that holds no such thing.
    """
    kind, mark, _ = spec.partition(":")
    return OWN[kind + mark](spec) if kind + mark in OWN else SOURCES[spec]
