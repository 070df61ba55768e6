"""What two processes compute from their parts is what one computes from the whole batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from digitkit.learn.gathering import gathered
from digitkit.learn.running import RunConfig
from tests.fixtures.team_steps import CASES, differences

ROOT = Path(__file__).parents[2]


def free_port() -> str:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return str(door.getsockname()[1])


@pytest.fixture(scope="module")
def found() -> dict[str, tuple[float, str]]:
    """The steps of two processes, ours leading, against those of one."""
    numbers = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in numbers.items():
            patch.setenv(name, value)
        patch.setenv("RANK", "0")
        command, environment = [sys.executable, "-m", "tests.fixtures.team_steps"], os.environ | {"PYTHONPATH": path}
        other = subprocess.Popen(command, env=environment | {"RANK": "1"}, cwd=ROOT)
        try:
            with gathered(RunConfig(), ROOT) as team:
                made = differences(team)
        finally:
            assert other.wait(60) == 0
    return made


@pytest.mark.parametrize("case", CASES)
def test_gradients_buffers_losses_and_draws_are_those_of_one_process(
    found: dict[str, tuple[float, str]], case: str
) -> None:
    difference, where = found[case]
    assert difference < 1e-6, where  # losses are computed in fp32
