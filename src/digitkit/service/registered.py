"""Bundles of the registry: which words name one, and whether its file is here and the one that was registered."""

from pathlib import Path

from digitkit.core.bundle import Bundle
from digitkit.core.errors import BundleError
from digitkit.runtime.bundle import SHIPPED, read_bundle
from digitkit.store import BundleRow


def is_id(bundle: str) -> bool:
    """Whether a word for a bundle is an id of the registry, name@digest, and no file."""
    return "@" in bundle and not Path(bundle).is_file()


def location_of(row: BundleRow) -> str:
    """Where the file of a registered bundle lies; of one that ships its name.

    Raises: BundleError when the registry does not say.
    """
    if row.location is not None:
        return row.location
    if row.name in SHIPPED and read_bundle(row.name)[0].id == row.id:
        return row.name
    raise BundleError(f"{row.id}: the registry does not say where its file lies. Promote the file itself.")


def demand_same(row: BundleRow, found: Bundle) -> None:
    """Make sure that a file holds the bundle that was registered.

    Raises: BundleError when it is another one.
    """
    if found.id != row.id:
        raise BundleError(f"{row.location}: expected {row.id}, found {found.id}. Promote the file itself.")


def check_file(row: BundleRow) -> None:
    """Make sure that a service of this machine can open a registered bundle.

    Raises: BundleError when its file is not here, is damaged, or is another one.
    """
    demand_same(row, read_bundle(location_of(row))[0])
