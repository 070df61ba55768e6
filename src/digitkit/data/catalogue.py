"""Every source by name; importing this module is what registers them."""

from digitkit.data import nist, small
from digitkit.data.folder import PREFIX, folder_source
from digitkit.data.source import SOURCES, Source

__all__ = ["SOURCES", "find_source", "nist", "small"]


def find_source(spec: str) -> Source:
    """The source of a name, or of `folder:PATH`.

    Raises: ConfigError for an unknown name, SourceError for a folder that is none.
    """
    return folder_source(spec) if spec.startswith(PREFIX) else SOURCES[spec]
