"""The wheel: everything is in it, and with the base install alone it reads pictures."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "digitkit"
PACKAGE_DATA = ("py.typed", "*.onnx", "*.yaml", "*.jinja", "*.js", "*.css", "*.html")
MAX_BYTES = 200_000_000  # that a base install may add to site-packages
NO_REGISTRY = ("No matching distribution", "Could not find a version", "Connection", "Temporary failure", "Retrying")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program outside the project, so that nothing is found by accident."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(sys.prefix), env=environment)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """digitkit's wheel, built from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def size_of(folder: Path) -> int:
    """All bytes of the files in a folder, compiled ones too."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@dataclass(frozen=True)
class Bare:
    """An environment with the locked base requirements and the wheel, nothing else.

    `added` is what they added to site-packages, in bytes: the pip that every environment starts with does not count.
    """

    programs: Path
    packages: Path
    added: int


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    programs, packages = folder / "bin", next((folder / "lib").glob("python*/site-packages"))
    before = size_of(packages)
    locked = run(programs / "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "requirements" / "base.txt")
    required = os.environ.get("DIGITKIT_TEST_REGISTRY") == "required"
    if locked.returncode and not required and any(sign in locked.stderr for sign in NO_REGISTRY):
        pytest.skip(f"no package registry answers: {locked.stderr.strip().splitlines()[-1]}")
    assert locked.returncode == 0, locked.stderr
    installed = run(programs / "pip", "install", "--quiet", "--no-deps", wheel)
    assert installed.returncode == 0, installed.stderr
    return Bare(programs, packages, size_of(packages) - before)


def test_the_wheel_holds_every_module_experiment_and_bundle(wheel: Path) -> None:
    packed = set(ZipFile(wheel).namelist())
    wanted = {
        f"digitkit/{path.relative_to(PACKAGE).as_posix()}"
        for pattern in ("*.py", *PACKAGE_DATA)
        for path in PACKAGE.rglob(pattern)
    }
    assert {"digitkit/py.typed", "digitkit/bundles/default.onnx", "digitkit/bundles/default-int8.onnx"} <= wanted
    assert wanted - packed == set()


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert [
        name
        for name in ZipFile(wheel).namelist()
        if not name.startswith(("digitkit/", "digitkit-")) or "__pycache__" in name
    ] == []


@pytest.mark.registry
def test_a_base_install_reads_a_picture_with_the_bundle_that_ships(bare: Bare) -> None:
    picture = sorted((ROOT / "examples").glob("*.png"))[0]
    done = run(bare.programs / "digitkit", "predict", picture, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["picture"] == str(picture)
    assert answer["verdict"] in ("digit", "unsure", "not a digit", "blank")


@pytest.mark.registry
def test_a_base_install_can_be_imported_and_opens_the_default_bundle(bare: Bare) -> None:
    done = run(bare.programs / "python", "-W", "error", "-c", "import digitkit; print(digitkit.load().bundle.id)")
    assert done.returncode == 0, done.stderr
    assert "@" in done.stdout


@pytest.mark.registry
@pytest.mark.parametrize(
    ("verb", "extra"), [("train", "train"), ("serve", "serve"), ("app", "app"), ("db check", "serve")]
)
def test_a_verb_without_its_extra_says_what_to_install(bare: Bare, verb: str, extra: str) -> None:
    done = run(bare.programs / "digitkit", *verb.split())
    assert done.returncode == 2, done.stderr
    assert f"digitkit[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.registry
def test_a_base_install_is_small_and_has_no_torch(bare: Bare) -> None:
    assert not (bare.packages / "torch").exists()
    assert bare.added < MAX_BYTES
