"""The pictures of a plan as a source, `synthetic:plan.toml`, or as a folder of PNG files."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL

from digitkit import __version__
from digitkit.core.errors import ConfigError, StoreError
from digitkit.core.files import make_folder
from digitkit.data.album import Album, AlbumReader, PictureFile, Read
from digitkit.data.fetch import read_part
from digitkit.data.skipped import Skipped
from digitkit.data.source import MIXED, TRAIN, Source
from digitkit.data.synthetic.plan import Job, Plan, list_jobs
from digitkit.data.synthetic.plan_file import find_plan, read_plan
from digitkit.data.synthetic.studio import Find, Studio, encoding, open_studio

PREFIX = "synthetic:"
MANIFEST = "manifest.json"

Made = Callable[[int, int], None]  # takes the pictures made so far, and all of them


def no_progress(done: int, total: int) -> None:
    """The progress of callers that show none."""


@dataclass(frozen=True)
class Commission:
    """A plan that is ready to be drawn: every picture is listed, and the fonts are found."""

    plan: Plan
    jobs: Mapping[str, list[Job]]
    studio: Studio
    find: Find

    def content(self, part: str) -> str:
        """A hash of all that the pictures of a part depend on."""
        facts = repr((self.studio.facts(part), PIL.__version__, __version__))
        return hashlib.sha256(facts.encode()).hexdigest()

    def count(self, part: str) -> dict[str, int]:
        """How many pictures each class gets in a part."""
        return dict(sorted(Counter(job.label for job in self.jobs[part]).items()))

    @contextmanager
    def draw(self, part: str, workers: int = 1) -> Iterator[Iterator[tuple[Job, bytes]]]:
        """Each picture of a part with its PNG, in the order of the jobs."""
        with encoding(self.studio, self.jobs[part], self.find, workers) as contents:
            yield zip(self.jobs[part], contents, strict=True)


def commission(path: Path, find: Find) -> Commission:
    """Get a plan ready.

    Raises: ConfigError when it makes no sense, and what reading the sources raises that it names.
    """
    plan = read_plan(path)
    existing: Mapping[str, int] = {}
    if plan.existing:
        existing = read_part(find(plan.existing), TRAIN).counts()
    return Commission(plan, list_jobs(plan, existing), open_studio(plan, find), find)


def synthetic_source(spec: str, find: Find) -> Source:
    """The source of `synthetic:PLAN`; its pictures are drawn when they are first read, and kept in the cache.

    Raises: ConfigError when the plan makes no sense.
    """
    path = find_plan(spec.removeprefix(PREFIX))
    plan = read_plan(path)
    opened: list[Commission] = []

    def album(folder: Path, part: str) -> Album:
        if not opened:
            opened.append(commission(path, find))
        return _album(opened[0], part, 1, no_progress)

    reader = AlbumReader(plan.name, album)
    title = f"{plan.style} numbers drawn by the plan {path}"
    return Source(spec, title, "your own", "", (), plan.parts, reader.read, notes=reader.notes, ink=MIXED)


def keep(ready: Commission, workers: int = 1, made: Made = no_progress) -> None:
    """Draw a plan into the cache, so that its `synthetic:PLAN` can be read at once.

    Raises: StoreError when it cannot be written.
    """
    reader = AlbumReader(ready.plan.name, lambda folder, part: _album(ready, part, workers, made))
    for part in ready.jobs:
        reader.read(Path(), part)


def _album(ready: Commission, part: str, workers: int, made: Made) -> Album:
    """A part as files that are drawn when they are read."""
    jobs = ready.jobs[part]
    earlier = sum(len(ready.jobs[other]) for other in list(ready.jobs)[: list(ready.jobs).index(part)])
    total = sum(map(len, ready.jobs.values()))

    @contextmanager
    def drawing() -> Iterator[Read]:
        with ready.draw(part, workers) as pictures:
            numbered = enumerate(pictures, start=1)

            def read(name: str) -> bytes:
                number, (job, content) = next(numbered)
                assert job.name == name, "pictures are read in the order in which they are drawn"
                made(earlier + number, total)
                return content

            yield read

    files = [PictureFile(job.name, job.label) for job in jobs]
    classes = tuple(sorted({job.label for job in jobs}))
    return Album(f"{ready.plan.name} {part}", files, classes, drawing, ready.content(part), Skipped())


def write_folder(ready: Commission, target: Path, workers: int = 1, made: Made = no_progress) -> str:
    """Draw a plan into a folder that `folder:PATH` reads: class folders, below part folders when there are several.

    The folder appears whole or not at all. Returns one hash of all files.
    Raises: ConfigError when there is such a folder with something in it, StoreError when it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} is there already, expected a new folder. Choose another name, or delete it.")
    growing = target.with_name(f".{target.name}.new")
    try:
        shutil.rmtree(growing, ignore_errors=True)  # of a process that was killed
        manifest = _write_parts(ready, make_folder(growing), workers, made)
        if target.exists():
            target.rmdir()
        growing.rename(target)
        return str(manifest["sha256"])
    except OSError as error:
        raise StoreError(
            f"Cannot write {target}: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _write_parts(ready: Commission, root: Path, workers: int, made: Made) -> dict[str, object]:
    """Every picture of every part, and the manifest."""
    total, done = sum(len(jobs) for jobs in ready.jobs.values()), 0
    hashes: dict[str, str] = {}
    for part, jobs in ready.jobs.items():
        place = root / part if len(ready.jobs) > 1 else root
        for label in {job.label for job in jobs}:
            make_folder(place / label)
        with ready.draw(part, workers) as pictures:
            for job, content in pictures:
                (place / job.name).write_bytes(content)
                hashes[(place / job.name).relative_to(root).as_posix()] = hashlib.sha256(content).hexdigest()
                done += 1
                made(done, total)
    manifest = _manifest(ready, hashes)
    (root / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return manifest


def _manifest(ready: Commission, hashes: Mapping[str, str]) -> dict[str, object]:
    """What was drawn, with what, and what came out."""
    parts = {}
    for part in ready.jobs:
        faces = [{"name": face.name, "sha256": face.sha256} for face in ready.studio.casts[part].faces]
        parts[part] = {"pictures": ready.count(part), "fonts": faces}
    versions = {"digitkit": __version__, "pillow": PIL.__version__, "numpy": np.__version__}
    whole = hashlib.sha256("".join(f"{name} {hashes[name]}\n" for name in sorted(hashes)).encode()).hexdigest()
    return {"plan": ready.plan.to_plain(), "parts": parts, "versions": versions, "sha256": whole}
