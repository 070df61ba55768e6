"""The fetched files of a data set, in a repository and back: exactly those that its record names.

In the repository they lie in a folder of the data set's name, with a manifest beside them, so that one repository can
hold several data sets.
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from digitkit import __version__
from digitkit.core.errors import FetchError, HashMismatch, StoreError
from digitkit.core.files import atomic_path, make_folder, sha256, size_of
from digitkit.hub.repo import Listing, Progress, Repo

MANIFEST = "digitkit.json"
FORMAT = 1
MAX_MANIFEST_BYTES = 2**20
SHA256 = re.compile(r"[0-9a-f]{64}")
STAGING = ".hub"  # in the folder of the source: what has come so far


@dataclass(frozen=True)
class Kept:
    """A file as it is kept; before a pull `sha256` is "" and `size` 0 where the publisher gives none."""

    name: str
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class Cache:
    """A data set on this disk: its facts for people, its folder and the files that its record names.

    `files` are those that it cannot do without, `more` those that are sent when they are here and brought when a
    repository has them.
    """

    name: str
    title: str
    licence: str
    homepage: str
    folder: Path
    files: tuple[Kept, ...]
    more: tuple[Kept, ...] = ()


def push(repo: Repo, cache: Cache, public: bool, progress: Progress) -> Listing:
    """Send the files of a data set, which must be here, with their manifest.

    Raises: HubError, ConfigError as `Repo.create`; StoreError when a file cannot be read.
    """
    try:
        paths = {file.name: cache.folder / file.name for file in (*cache.files, *cache.more)}
        kept = [Kept(name, sha256(path), path.stat().st_size) for name, path in paths.items()]
    except OSError as error:
        raise StoreError(f"Cannot read {error.filename}: {error.strerror}. Fetch {cache.name} again.") from error
    facts = {"source": cache.name, "title": cache.title, "licence": cache.licence, "homepage": cache.homepage}
    manifest = {"format": FORMAT, "digitkit": __version__, **facts, "files": [asdict(file) for file in kept]}
    files: dict[str, Path | bytes] = {f"{cache.name}/{name}": path for name, path in paths.items()}
    files[f"{cache.name}/{MANIFEST}"] = json.dumps(manifest, indent=1).encode()
    repo.create(public)
    return repo.send(files, f"{cache.name}, sent by digitkit {__version__}", progress)


def pull(repo: Repo, cache: Cache, revision: str, progress: Progress) -> Listing:
    """Bring the files of a data set into its folder; each gets its name only when its sha256 is the right one.

    Files that are here already are left alone, an interrupted pull goes on where it stopped.
    Raises: FetchError when the repository holds no such data set, HashMismatch when it holds another one, HubError and
    StoreError as `Repo.bring`.
    """
    listing = repo.contents(revision)
    staging = make_folder(cache.folder / STAGING)
    published = _read_manifest(repo, cache.name, listing, staging, progress)
    named = [*cache.files, *(file for file in cache.more if file.name in published)]
    wanted = [_agreed(repo, cache.name, file, published, listing) for file in named]
    for file in wanted:
        if not _is_here(cache.folder / file.name, file):
            _bring(repo, cache, file, listing, progress)
    shutil.rmtree(staging, ignore_errors=True)
    return listing


def _read_manifest(repo: Repo, name: str, listing: Listing, staging: Path, progress: Progress) -> dict[str, Kept]:
    """What the repository says that it holds, by name; nothing in it is ever used as a path."""
    path = f"{name}/{MANIFEST}"
    if path not in listing.files:
        raise FetchError(
            f"{repo.name} holds no {name}: it has no {path}. Send it with `digitkit data push {name}`, or check --repo."
        )
    if listing.files[path].size > MAX_MANIFEST_BYTES:
        raise FetchError(f"{repo.name}: {path} is too large for a manifest. Push {name} again.")
    part = staging / MANIFEST
    part.unlink(missing_ok=True)
    repo.bring(path, listing, part, progress)
    try:
        manifest = json.loads(part.read_bytes())
        if manifest["format"] != FORMAT:
            raise FetchError(
                f"{repo.name}: {path} has format {manifest['format']}, expected {FORMAT}. Update digitkit."
            )
        files = [_read_entry(file) for file in manifest["files"]]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise FetchError(f"{repo.name}: {path} is no manifest ({error}). Push {name} again.") from error
    return {file.name: file for file in files}


def _read_entry(entry: Mapping[str, object]) -> Kept:
    """One file of a manifest; ValueError when it makes no sense."""
    name, digest, size = entry["name"], entry["sha256"], entry["size"]
    if not isinstance(name, str) or not isinstance(digest, str) or not isinstance(size, int):
        raise ValueError("a name, a sha256 and a size are expected for each file")
    if not SHA256.fullmatch(digest) or size < 0:
        raise ValueError(f"{name} has no sha256 of 64 small hexadecimal characters, or no size")
    return Kept(name, digest, size)


def _agreed(repo: Repo, name: str, file: Kept, published: dict[str, Kept], listing: Listing) -> Kept:
    """The file as both the record and the manifest have it; where they differ, nothing is brought."""
    theirs, entry = published.get(file.name), listing.files.get(f"{name}/{file.name}")
    if theirs is None or entry is None:
        raise FetchError(f"{repo.name} lacks {file.name} of {name}. Push {name} again, or check --repo.")
    digest, size = file.sha256 or theirs.sha256, file.size or theirs.size
    if (digest, size, size) != (theirs.sha256, theirs.size, entry.size):
        raise HashMismatch(
            f"{repo.name}: its {file.name} is not the one of {name} (expected sha256 {digest[:12]}... and {size:,}"
            f" bytes, got {theirs.sha256[:12]}... and {entry.size:,})."
            " Push it again, or check --repo."
        )
    return theirs


def _is_here(path: Path, file: Kept) -> bool:
    """Whether the file lies in its place already."""
    try:
        return path.stat().st_size == file.size and sha256(path) == file.sha256
    except OSError:
        return False


def _bring(repo: Repo, cache: Cache, file: Kept, listing: Listing, progress: Progress) -> None:
    """Bring one file and check it; one that began with an old part and came out wrong is brought once more, whole."""
    part = cache.folder / STAGING / f"{file.sha256}.part"
    resumed = size_of(part) > 0
    repo.bring(f"{cache.name}/{file.name}", listing, part, progress)
    got = sha256(part)
    if got == file.sha256:
        with atomic_path(cache.folder / file.name) as temporary:
            part.replace(temporary)
        return
    part.unlink()
    if resumed:
        _bring(repo, cache, file, listing, progress)
        return
    raise HashMismatch(
        f"{repo.name}: expected sha256 {file.sha256[:12]}... for {file.name}, got {got[:12]}..."
        " It was deleted; pull again, or push it again from where it is right."
    )
