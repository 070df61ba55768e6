"""Get the files of a source: cached, by hand, from mirrors, or by the source's other steps, each checked by sha256."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import is_zipfile

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import FetchError, HashMismatch, SourceError
from digitkit.core.files import atomic_path, make_folder, sha256
from digitkit.data.download import Downloads
from digitkit.data.lock import locked
from digitkit.data.source import Progress, RemoteFile, Report, Source, keep_quiet
from digitkit.data.stock import PINS, expected, missing, pin, remember, source_folder
from digitkit.data.unpack import unpack


def fetch(
    source: Source,
    progress: Progress | None = None,
    offline: bool = False,
    report: Report = keep_quiet,
    parts: Collection[str] | None = None,
) -> Path:
    """Make sure that the files of a source are here and are the published ones; returns their folder.

    `parts` limits that to the files which these parts need. `report` gets one line for each step that failed, and one
    for each file whose sha256 was seen for the first time. Interrupted downloads go on where they stopped.
    Raises: FetchError when a file cannot be had, HashMismatch when what came was wrong, StoreError when it cannot be
    written.
    """
    folder = source_folder(source)
    if not missing(source, parts):
        return folder
    with locked(folder / ".lock", report):
        job = _Job(source, folder, report, progress or _show_none, parts)
        job.adopt(offline)
        if not offline:
            job.ask_mirrors()
            job.take_steps()
        if job.missing():
            raise job.failure(offline)
    return folder


def read_part(source: Source, part: str, offline: bool = False, report: Report = keep_quiet) -> DigitSet:
    """One part of a source as native pixels, fetched first when it is not here.

    Raises: SourceError when the source has no such part, and what `fetch` raises.
    """
    check_part(source, part)
    folder = fetch(source, offline=offline, report=report, parts=(part,))
    opened = source.when_fetched()
    check_part(opened, part)
    return opened.read(folder, part)


def check_part(source: Source, part: str) -> None:
    """Refuse a part that a source does not have, once that can be told.

    Raises: SourceError.
    """
    if part not in source.parts and source.reopen is None:
        raise SourceError(f"{source.name} has no part {part!r}. Its parts: {', '.join(source.parts)}.")


def _show_none(name: str, done: int, total: int) -> None:
    """The progress of callers that show none."""


def _is_of_its_kind(file: RemoteFile, path: Path) -> bool:
    """Whether a file whose sha256 nobody tells can be what its name says; the page of a login is no zip."""
    return not file.name.endswith(".zip") or is_zipfile(path)


@dataclass
class _Job:
    """One fetch, under the lock of its folder."""

    source: Source
    folder: Path
    report: Report
    progress: Progress
    parts: Collection[str] | None
    downloads: Downloads = field(default_factory=Downloads)
    mismatch: HashMismatch | None = None
    failed: SourceError | None = None  # what was said last

    def missing(self) -> list[RemoteFile]:
        """What is still to be had; another process may have brought it while we waited."""
        return missing(self.source, self.parts)

    def adopt(self, offline: bool) -> None:
        """Take files that somebody put into the folder by hand, packed ones too."""
        lacking = self.missing()
        end = "is not used" if offline else "will be replaced"
        remember(self.source, [file for file in expected(self.source, self.parts) if file not in lacking])
        for file in lacking:
            here = self.folder / file.name
            if here.exists() and not file.sha256 and _is_of_its_kind(file, here):
                self._pin(file, sha256(here))
                remember(self.source, [file])
            elif here.exists():
                self.report(f"{self.source.name}: {here} is {self._fault(file)} and {end}.")
            packed = self.folder / file.download_name
            if file.packed_size and packed.exists():
                self._accept(file, packed, str(packed))

    def ask_mirrors(self) -> None:
        """Try the mirrors of each missing file in their order."""
        for file in self.missing():
            for url in file.urls:
                if self.downloads.can_try(url) and self._download(file, url):
                    break

    def take_steps(self) -> None:
        """Try the other steps of the source until nothing is missing."""
        for step in self.source.steps:
            if not self.missing():
                return
            self.report(f"{self.source.name}: trying {step.title}.")
            staging = self.folder / ".step"
            shutil.rmtree(staging, ignore_errors=True)  # of a process that was killed
            make_folder(staging)
            try:
                step.get(staging, self.report)
                for file in self.missing():
                    if (staging / file.name).exists():
                        self._accept(file, staging / file.name, step.title)
            except SourceError as error:
                self._say_failed(error)
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def failure(self, offline: bool) -> SourceError:
        """The error when nothing helped: a wrong checksum says more than a mirror that is away."""
        if self.mismatch:
            return self.mismatch
        files = self.missing()
        reason = "and the offline switch is on" if offline else "and nothing gave it"
        if self.failed and not files[0].urls:  # there was only this way
            reason += f" ({str(self.failed).rstrip('.')})"
        address = f" from {files[0].urls[0]}" if files[0].urls else f", see {self.source.homepage}"
        cure = "Connect and try again, or put" if files[0].urls or self.source.steps else "Put"
        return FetchError(
            f"{self.source.name}: {', '.join(file.name for file in files)} not in {self.folder}, {reason}."
            f" {cure} the files there by hand (e.g. {files[0].download_name}{address})."
        )

    def _download(self, file: RemoteFile, url: str) -> bool:
        """Get one file from one mirror; a wrong one that began with an old part is fetched once more, whole."""
        part = self.folder / f"{file.download_name}.part"
        resumed = part.exists()
        size = file.download_size
        if not file.sha256:  # nothing would tell that two halves are of two versions
            part.unlink(missing_ok=True)
        try:
            self.downloads.get(url, part, size, lambda done, total: self.progress(file.download_name, done, total))
        except FetchError as error:
            self._say_failed(error)
            return False
        return self._accept(file, part, url, quiet=resumed) or (resumed and self._download(file, url))

    def _accept(self, file: RemoteFile, arrived: Path, origin: str, quiet: bool = False) -> bool:
        """Check what arrived, unpack it and give it its name; what is wrong is deleted."""
        is_packed = file.packed_size and arrived.name != file.name
        try:
            with atomic_path(self.folder / file.name) as temporary:
                if is_packed:
                    unpack(arrived, temporary, file.size)
                else:
                    arrived.replace(temporary)
                digest = self._check(file, temporary, origin)
        except HashMismatch as error:
            arrived.unlink(missing_ok=True)
            if not quiet:
                self._say_failed(error)
            return False
        arrived.unlink(missing_ok=True)
        if not file.sha256:
            self._pin(file, digest)
        remember(self.source, [file])
        return True

    def _check(self, file: RemoteFile, path: Path, origin: str) -> str:
        """Compare a file with the sha256 that it should have, if that is known, else its kind; returns its own."""
        if not file.sha256 and not _is_of_its_kind(file, path):
            raise HashMismatch(
                f"{origin}: no zip file came, perhaps the page of a login. It was deleted; check the address, or put"
                f" {file.name} into {self.folder} by hand."
            )
        got = sha256(path)
        if file.sha256 not in ("", got):
            raise HashMismatch(
                f"{origin}: expected sha256 {file.sha256[:12]}... for {file.name}, got {got[:12]}... It was deleted; "
                + self._cure(file)
            )
        return got

    def _cure(self, file: RemoteFile) -> str:
        """What to do about a file that is not the one it should be."""
        if not self._is_pinned(file):
            return f"fetch again, or put the right {file.name} into {self.folder} by hand."
        return (
            f"its publisher tells no sha256, so the first one seen is kept in {self.folder / PINS}."
            f" If you trust the new file, delete that list and fetch again."
        )

    def _fault(self, file: RemoteFile) -> str:
        """Why a file that lies here is not used."""
        if not file.sha256:
            return "no zip file"
        return "not the file that came first" if self._is_pinned(file) else "not the published file"

    def _is_pinned(self, file: RemoteFile) -> bool:
        """Whether the sha256 of a file is the one seen first, not a published one."""
        return not any(published.sha256 for published in self.source.files if published.name == file.name)

    def _pin(self, file: RemoteFile, digest: str) -> None:
        """Keep and tell the sha256 of a file that came for the first time."""
        pin(self.source, file.name, digest)
        self.report(
            f"{self.source.name}: no sha256 is published for {file.name}; saw {digest}, and will take no other."
        )

    def _say_failed(self, error: SourceError) -> None:
        """One line for a step that failed."""
        if isinstance(error, HashMismatch):
            self.mismatch = error
        self.failed = error
        self.report(f"{self.source.name}: {error}")
