"""Small networks are quickest on one thread, most of all while the machine is busy."""

import pytest
import torch

from digitkit.learn.run import Run
from tests.fixtures.runs import train_small
from tests.learn.short_runs import KINDS, SHORT


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def uninterrupted(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A short run of each kind, from the first step to the last at once."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return {kind: train_small(drawn_source, folder / kind, (*SHORT, *KINDS[kind])).run for kind in KINDS}
