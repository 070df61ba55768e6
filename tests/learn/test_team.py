"""A batch is shared out between processes: every image once, whole ghosts together."""

from itertools import chain

import pytest
import torch
from torch import nn

from digitkit.core.errors import ConfigError
from digitkit.learn.layers import GhostBatchNorm2d, ghost_sizes
from digitkit.learn.shared import share_layers
from digitkit.learn.team import Team


def shares(batch: int, count: int, ghost: int = 1) -> list[list[int]]:
    return [list(range(batch))[Team(rank, count, ghost=ghost).share(batch)] for rank in range(count)]


@pytest.mark.parametrize("ghost", [1, 8, 32])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("batch", [1, 31, 64, 65, 511])
def test_every_image_is_learnt_by_one_process(batch: int, count: int, ghost: int) -> None:
    assert list(chain(*shares(batch, count, ghost))) == list(range(batch))


def test_parts_are_as_even_as_the_batch_allows() -> None:
    assert [len(part) for part in shares(64, 2)] == [32, 32]
    assert {len(part) for part in shares(65, 4)} == {16, 17}


@pytest.mark.parametrize("batch", [64, 65, 70, 97])
def test_ghosts_stay_whole(batch: int) -> None:
    sizes = [ghost_sizes(len(part), 32) for part in shares(batch, 2, ghost=32)]
    assert list(chain(*sizes)) == ghost_sizes(batch, 32)


@pytest.mark.parametrize(
    ("batch", "pieces", "ghost", "message"),
    [(3, 1, 1, "4 processes cannot share 3 images"), (96, 1, 32, "3 ghosts of 32"), (32, 16, 1, "share 2 images")],
)
def test_a_process_without_an_image_is_refused(batch: int, pieces: int, ghost: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Team(count=4, ghost=ghost).check(batch, pieces)


def test_enough_images_for_all_are_taken() -> None:
    team = Team(count=4, ghost=32)
    team.check(128, 1)
    assert team.share(128) == slice(0, 32)


def test_one_process_sums_nothing_up() -> None:
    team, values = Team(), torch.tensor([1.0, 2.0])
    assert team.leads
    assert torch.equal(team.add_up(values), torch.tensor([1.0, 2.0]))
    assert torch.equal(team.whole(values), values)


def test_shared_layers_keep_names_and_read_as_before() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), GhostBatchNorm2d(4, ghost=8))
    network(torch.rand(8, 1, 6, 6))
    network.eval()
    images, state = torch.rand(8, 1, 6, 6), {name: value.clone() for name, value in network.state_dict().items()}
    before, team = network(images), Team(0, 2)
    share_layers(network, team)
    assert network.state_dict().keys() == state.keys()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in state.items())
    assert torch.equal(network(images), before)
    assert team.ghost == 8


def test_a_norm_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="SyncBatchNorm cannot be shared between 2 processes"):
        share_layers(nn.Sequential(nn.SyncBatchNorm(4)), Team(0, 2))
