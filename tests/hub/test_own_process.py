"""The verbs in a process of their own, with the environment that a user sets: killed, and logged in."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures.bundles import write_tiny
from tests.fixtures.hub_server import TOKEN, FakeHub, digest
from tests.fixtures.toy_source import IMAGES
from tests.test_imports import CLI, TRAINING, loaded_by

ROOT = Path(__file__).parents[2]


@pytest.fixture
def machine(hub: FakeHub, tmp_path: Path) -> tuple[dict[str, str], Path]:
    """The environment of a process of its own, as a user sets it, and its home for everything that is written."""
    home = tmp_path / "machine"
    places = {"HF_HOME": home / "hf", "DIGITKIT_CACHE": home / "cache", "PYTHONPATH": ROOT, "HOME": home}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return clean | {name: str(path) for name, path in places.items()} | {"HF_ENDPOINT": hub.address}, home


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """`digitkit` in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "tests.fixtures.toy_source", *words]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process printed that did its work."""
    stdout, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return stdout, said


def test_a_pull_that_was_killed_leaves_a_clean_start_and_goes_on(
    hub: FakeHub,
    fetched: Path,
    machine: tuple[dict[str, str], Path],
) -> None:
    environment, home = machine
    environment["HF_TOKEN"] = TOKEN
    here = {"DIGITKIT_CACHE": str(fetched.parents[1])}
    finish(start(environment | here, "data", "push", "toy", "--repo", "alice/digits"))
    hub.stalls = threading.Event()
    pull = start(environment, "data", "pull", "toy", "--repo", "alice/digits")
    part = home / "cache" / "sources" / "toy" / ".hub" / f"{digest(IMAGES)}.part"
    while pull.poll() is None and not (part.exists() and part.stat().st_size > len(IMAGES) // 3):
        with suppress(subprocess.TimeoutExpired):
            pull.wait(0.01)
    pull.send_signal(signal.SIGKILL)
    pull.communicate()
    assert not (part.parents[1] / "images").exists()
    hub.stalls.set()
    hub.stalls = None
    _, said = finish(start(environment, "data", "pull", "toy", "--repo", "alice/digits"))
    assert said == ""
    assert (part.parents[1] / "images").read_bytes() == IMAGES
    assert int(hub.asked(f"GET /cdn/{digest(IMAGES)}")[-1].range.removeprefix("bytes=").removesuffix("-")) > 0
    assert not part.parent.exists()


def test_a_login_is_enough_and_its_token_is_written_nowhere_else(
    hub: FakeHub,
    fetched: Path,
    machine: tuple[dict[str, str], Path],
    tmp_path: Path,
) -> None:
    environment, home = machine
    (home / "hf").mkdir(parents=True)
    (home / "hf" / "token").write_text(TOKEN)
    environment["HF_DEBUG"] = "1"  # the library then tells of every request
    answers = [
        finish(start(environment | {"DIGITKIT_CACHE": str(fetched.parents[1])}, *words.split()))
        for words in ("data push toy --repo alice/digits", f"models push {write_tiny(tmp_path)} --repo alice/reader")
    ]
    answers += [
        finish(start(environment, *words.split()))
        for words in ("data pull toy --repo alice/digits", "models pull --repo alice/reader")
    ]
    assert TOKEN not in str(answers)
    written = [path for folder in (home, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == 2 * [home / "hf" / "token"]
    assert {one.token for one in hub.asked("POST /api")} == {TOKEN}
    assert {one.path for one in hub.requests if "telemetry" in one.path or "agent" in one.path} == set()


def test_the_hub_never_loads_training() -> None:
    code = (
        "from digitkit.hub import caches, card, models\nfrom digitkit.hub.repo import Repo\nRepo.open('a/b', 'model')"
    )
    assert loaded_by(code) & TRAINING == set()


def test_the_help_loads_nothing_of_the_hub() -> None:
    assert loaded_by(CLI, "models", "--help") & {"huggingface_hub", "httpx2", "numpy"} == set()
