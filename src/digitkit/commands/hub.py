"""The verbs that carry data sets and bundles to a Hugging Face hub and back."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import in_kilobytes, print_json, progress_bar, say

if TYPE_CHECKING:
    from digitkit.core.bundle import Bundle
    from digitkit.data.source import Source
    from digitkit.hub.caches import Cache
    from digitkit.hub.repo import Listing, Progress, Repo

Name = Annotated[str, typer.Argument(help="A data set by name, as `digitkit data list` shows them.")]
Repository = Annotated[str, typer.Option("--repo", metavar="USER/REPO", help="The repository on the hub.")]
Public = Annotated[
    bool, typer.Option("--public", help="Let all see a new repository; without this it is private to its owner.")
]
Revision = Annotated[str, typer.Option(help="A branch, tag or commit of the repository.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def push_data(name: Name, repo: Repository, public: Public = False, json: Json = False) -> None:
    """Send the fetched files of a data set to a hub, private unless --public; nothing else is sent."""
    from digitkit.core.errors import SourceError
    from digitkit.data.stock import missing
    from digitkit.hub import caches
    from digitkit.hub.repo import Repo

    source, place = _with_files(name), Repo.open(repo, "dataset")
    lacking = {file.name for file in missing(source)}
    cache = _cache(source, without=lacking)
    if names := ", ".join(file.name for file in cache.files if file.name in lacking):
        raise SourceError(f"{name}: {names} not here. Run `digitkit data fetch {name}` first.")
    with _shown(json) as progress:
        listing = caches.push(place, cache, public, progress)
    files = [file.name for file in (*cache.files, *cache.more)]
    _answer(json, place, listing, {"source": name, "files": files}, f"{name}: {len(files)} files sent to")


def pull_data(name: Name, repo: Repository, revision: Revision = "main", json: Json = False) -> None:
    """Bring the files of a data set from a hub, each checked by its sha256; goes on where it stopped."""
    from digitkit.data.fetch import fetch
    from digitkit.data.lock import locked
    from digitkit.data.stock import expected, missing, remember
    from digitkit.hub import caches
    from digitkit.hub.repo import Repo

    source, place = _with_files(name), Repo.open(repo, "dataset")
    cache = _cache(source)
    with _shown(json) as progress, locked(cache.folder / ".lock", say):
        listing = caches.pull(place, cache, revision, progress)
    fetch(
        source, offline=True, report=say, parts=source.usual_parts
    )  # the record has the last word, and pins what it can
    lacking = {file.name for file in missing(source)}
    here = [file for file in expected(source) if file.name not in lacking]
    remember(source, here)
    facts = {"source": name, "files": [file.name for file in here], "folder": str(cache.folder)}
    _answer(json, place, listing, facts, f"{name}: {cache.folder}, from")


def push_model(
    path: Annotated[Path, typer.Argument(metavar="RUN_OR_BUNDLE", help="A run's folder, or a bundle (.onnx).")],
    repo: Repository,
    public: Public = False,
    json: Json = False,
) -> None:
    """Send a bundle and a card written from its report to a hub, private unless --public."""
    from digitkit.hub import models
    from digitkit.hub.card import write_card
    from digitkit.hub.repo import Repo
    from digitkit.runtime.bundle import read_bundle

    place, file = Repo.open(repo, "model"), path.absolute()  # absolute: a file may be called "default"
    file = file / models.BUNDLE if file.is_dir() else file
    record, _ = read_bundle(file)
    card = write_card(record, repo, _licences(record))
    with _shown(json) as progress:
        listing = models.push(place, file, record, card, public, progress)
    facts = {"bundle": record.id, "files": [models.BUNDLE, models.CARD]}
    _answer(json, place, listing, facts, f"{record.id} and its card sent to")


def pull_model(
    repo: Repository,
    revision: Revision = "main",
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to put it; else the cache folder.")] = None,
    json: Json = False,
) -> None:
    """Bring a bundle from a hub, checked by its digest, and say how to use it."""
    from digitkit.core.files import cache_folder
    from digitkit.data.lock import locked
    from digitkit.hub import models
    from digitkit.hub.repo import Repo
    from digitkit.runtime.bundle import check

    place = Repo.open(repo, "model")
    folder = to if to is not None else cache_folder() / "models" / repo
    with _shown(json) as progress, locked(cache_folder() / "models" / ".lock", say):
        listing, target, record = models.pull(place, revision, folder, check, progress)
    facts = {"bundle": record.id, "path": str(target)}
    _answer(json, place, listing, facts, f"{record.id}: {target}, from")
    if not json:
        print(f"Read with it: digitkit predict PICTURE --bundle {target}")


def _answer(json: bool, repo: "Repo", listing: "Listing", facts: Mapping[str, object], text: str) -> None:
    """What was done, as one object or one line."""
    if json:
        print_json({"repo": repo.name, "commit": listing.commit, "private": listing.is_private, **facts})
    else:
        seen = "private" if listing.is_private else "public"
        print(f"{text} {repo.name} ({seen}, commit {listing.commit[:12]})")


def _with_files(name: str) -> "Source":
    """A source that keeps files in the cache.

    Raises: ConfigError for any other.
    """
    from digitkit.core.errors import ConfigError
    from digitkit.data.catalogue import find_source

    if ":" in name:
        raise ConfigError(
            f"{name}: pictures of your own are not fetched files. Send them as they are with `hf upload`."
        )
    source = find_source(name)
    if not source.files:
        raise ConfigError(f"{name} has no files to send or bring: it comes with a package that digitkit installs.")
    return source


def _cache(source: "Source", without: Collection[str] = ()) -> "Cache":
    """The files of a source as the hub knows them, those of its extra part only where they are not to be left out."""
    from digitkit.data.stock import expected, source_folder
    from digitkit.hub.caches import Cache, Kept

    files = [Kept(file.name, file.sha256, file.size) for file in expected(source, source.usual_parts)]
    more = [Kept(file.name, file.sha256, file.size) for file in expected(source)]
    more = [file for file in more if file not in files and file.name not in without]
    folder = source_folder(source)
    return Cache(source.name, source.title, source.licence, source.homepage, folder, tuple(files), tuple(more))


def _licences(record: "Bundle") -> dict[str, str]:
    """The terms of each source that a bundle learnt from, by name; where a source lies is nobody's business."""
    from digitkit.data.catalogue import SOURCES, known_name

    licences = {}
    for spec in record.listed("sources", "extra", "negatives"):
        name = known_name(re.sub(r"/(train|extra)$", "", spec))
        is_known = name in SOURCES
        licences[name if is_known else "pictures of its makers"] = SOURCES[name].licence if is_known else "not stated"
    return licences


@contextmanager
def _shown(json: bool) -> "Iterator[Progress]":
    """Progress as a bar of kB."""
    with progress_bar(not json) as show:
        yield in_kilobytes(show)
