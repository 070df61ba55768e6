"""A bundle with its card, in a repository and back."""

from collections.abc import Callable
from pathlib import Path

from digitkit.core.bundle import MAX_BYTES, Bundle
from digitkit.core.errors import BundleError
from digitkit.core.files import atomic_path, make_folder, sha256, size_of
from digitkit.hub.repo import Listing, Progress, Repo

BUNDLE = "model.onnx"
CARD = "README.md"

Check = Callable[[bytes, str], Bundle]  # takes the bytes of a bundle and where they are from; raises BundleError


def push(repo: Repo, path: Path, record: Bundle, card: str, public: bool, progress: Progress) -> Listing:
    """Send a bundle that was checked, and its card; the repository is made when there is none.

    Raises: as `Repo.create` and `Repo.send`.
    """
    repo.create(public)
    return repo.send({BUNDLE: path, CARD: card.encode()}, f"{record.id}", progress)


def pull(repo: Repo, revision: str, folder: Path, check: Check, progress: Progress) -> tuple[Listing, Path, Bundle]:
    """Bring the bundle of a repository into a folder, as model.onnx; it gets its name only when `check` accepts it.

    An interrupted pull goes on where it stopped.
    Raises: BundleError when there is none or `check` does not accept it, HubError and StoreError as `Repo.bring`.
    """
    listing = repo.contents(revision)
    name = _find_bundle(repo, listing)
    entry, where = listing.files[name], f"{repo.name}: {name}"
    if entry.size > MAX_BYTES:
        raise BundleError(f"{where} is over {MAX_BYTES // 2**20} MB, more than a bundle may have. Check --repo.")
    target, part = make_folder(folder) / BUNDLE, folder / f".{BUNDLE}.{(entry.sha256 or listing.commit)[:40]}.part"
    if entry.sha256 and target.is_file() and sha256(target) == entry.sha256:
        return listing, target, check(target.read_bytes(), where)
    resumed = size_of(part) > 0
    repo.bring(name, listing, part, progress)
    try:
        record = check(part.read_bytes(), where)
    except BundleError:
        part.unlink()
        if resumed:  # it may have begun with something else
            return pull(repo, listing.commit, folder, check, progress)
        raise
    with atomic_path(target) as temporary:
        part.replace(temporary)
    for old in folder.glob(f".{BUNDLE}.*.part"):  # of pulls of other revisions that never ended
        old.unlink()
    return listing, target, record


def _find_bundle(repo: Repo, listing: Listing) -> str:
    """The path of the one bundle in a repository."""
    if BUNDLE in listing.files:
        return BUNDLE
    found = [path for path in listing.files if path.endswith(".onnx")]
    if len(found) != 1:
        raise BundleError(
            f"{repo.name} has {len(found)} .onnx files and none is called {BUNDLE}, so there is no one bundle to bring."
            " Check --repo."
        )
    return found[0]
