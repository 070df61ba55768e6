"""A quick network and a thorough one that answer in turn."""

import pytest
import torch
from torch import Tensor, nn

from digitkit.learn.cascade import OVERRULED, SAYS, Cascade, answers, choose, deferral, measure_limits

SURE = 0.95
MOST_ASKED = 0.06


class Fixed(nn.Module):
    """Says a class with a probability that the image's first pixel tells; counts the images that it was shown."""

    def __init__(self, place: int, to_second: bool = False) -> None:
        super().__init__()
        self.place, self.to_second = place, to_second
        self.shown: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(len(images))
        best = torch.full((len(images),), 0.9) if self.to_second else images[:, 0, 0, 0]
        rest = ((1 - best) / 3)[:, None].expand(-1, 4).clone()
        rest[:, self.place] = best
        return rest.log()


def images(*sureness: float) -> Tensor:
    made = torch.zeros(len(sureness), 1, 6, 6)
    made[:, 0, 0, 0] = torch.tensor(sureness)
    return made


def cascade(say: float = 1.0) -> tuple[Cascade, Fixed]:
    thorough = Fixed(2, to_second=True)
    return Cascade(Fixed(1), thorough, SURE, say).eval(), thorough


def test_the_thorough_network_is_shown_only_what_the_quick_one_is_not_sure_of() -> None:
    network, thorough = cascade()
    said = network(images(0.99, 0.5, 0.97, 0.9)).softmax(1)
    assert thorough.shown == [2]
    assert said[0].tolist() == pytest.approx([0.01 / 3, 0.99, 0.01 / 3, 0.01 / 3])
    assert said[1].tolist() == pytest.approx([0.1 / 3, 0.1 / 3, 0.9, 0.1 / 3])
    assert said[2, 1] == pytest.approx(0.97)


def test_where_all_are_sure_one_is_asked_and_not_listened_to() -> None:
    network, thorough = cascade()
    assert network(images(0.99, 0.97)).softmax(1)[:, 1].tolist() == pytest.approx([0.99, 0.97])
    assert thorough.shown == [1]


def test_below_the_limit_the_thorough_answer_comes_to_count_by_the_odds_and_nothing_jumps() -> None:
    network, _ = cascade()
    against = torch.tensor([0.999, 1.001, (1 + OVERRULED) / 2, OVERRULED - 1e-3, OVERRULED + 1e-3]) * (1 - SURE) / SURE
    above, below, middle, low, lowest = network(images(*(1 / (1 + against)).tolist())).softmax(1)[:, 1].tolist()
    assert above == pytest.approx(below, abs=3e-3)
    quick = float(1 / (1 + against[2]))
    assert middle == pytest.approx((quick + 0.1 / 3) / 2, abs=1e-5)
    assert low == pytest.approx(lowest, abs=3e-3)
    assert lowest == pytest.approx(0.1 / 3)


def test_the_quick_network_keeps_its_share_of_the_say() -> None:
    network, _ = cascade(0.7)
    said = network(images(0.5, 0.97)).softmax(1)
    assert said[0].tolist() == pytest.approx([0.3 * each + 0.7 * other for each, other in (
        (0.5 / 3, 0.1 / 3), (0.5, 0.1 / 3), (0.5 / 3, 0.9), (0.5 / 3, 0.1 / 3),
    )])  # fmt: skip
    assert said[1, 1] == pytest.approx(0.97)


@pytest.mark.parametrize("sureness", [[0.99, 0.98], [0.5], [0.5, 0.6, 0.99], [0.91]])
def test_what_else_is_in_the_batch_changes_nothing(sureness: list[float]) -> None:
    network, _ = cascade()
    together = network(images(*sureness))
    assert torch.equal(together, torch.cat([network(images(one)) for one in sureness]))


def test_an_impossible_class_gives_no_infinity() -> None:
    network, _ = cascade()
    assert torch.isfinite(network(images(1.0, 0.5))).all()


def reader(seed: int, skill: float, labels: Tensor) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, len(labels), 4, generator=rng)
    logits[0, torch.arange(len(labels)), labels] += skill
    return logits.softmax(2)


def test_the_lowest_limit_is_taken_that_loses_almost_nothing() -> None:
    labels = torch.arange(4000) % 4
    first, second = reader(0, 9, labels), reader(1, 12, labels)
    tried = measure_limits(first, second, labels)
    chosen = choose(tried, MOST_ASKED)
    affordable = [limit for limit in tried if limit.asked <= MOST_ASKED]
    least = min(limit.loss for limit in affordable)
    assert chosen.loss <= least * 1.02
    assert all(limit.loss > least * 1.02 for limit in affordable if limit.sure < chosen.sure)
    together = answers(first, second, chosen.sure, chosen.say)
    assert chosen.accuracy == float((together.argmax(1) == labels).float().mean())
    assert chosen.asked == pytest.approx(float((deferral(first, chosen.sure, 1) > 0).float().mean()))
    assert [limit.asked for limit in tried] == sorted(limit.asked for limit in tried)


def test_a_limit_that_asks_too_often_is_not_taken_however_much_it_would_win() -> None:
    labels = torch.arange(4000) % 4
    tried = measure_limits(reader(0, 7, labels), reader(1, 12, labels), labels)
    assert tried[0].asked <= MOST_ASKED < tried[-1].asked
    assert tried[-1].loss < 0.9 * choose(tried, MOST_ASKED).loss
    assert choose(tried, MOST_ASKED).asked <= MOST_ASKED < choose(tried, 1).asked
    never_sure = measure_limits(reader(0, 1, labels), reader(1, 12, labels), labels)
    assert min(limit.asked for limit in never_sure) > MOST_ASKED
    assert choose(never_sure, MOST_ASKED) == never_sure[0]


def test_the_say_is_the_one_with_the_lowest_loss() -> None:
    labels = torch.arange(4000) % 4
    first, second = reader(0, 2, labels), reader(1, 2, labels)
    hasty = (second.log() * 3).softmax(2)  # far too sure of itself
    for thorough in (second, hasty):
        for limit in measure_limits(first, thorough, labels):
            together = (answers(first, thorough, limit.sure, say) for say in SAYS)
            losses = [-answer[torch.arange(4000), labels].log().mean() for answer in together]
            assert limit.loss == pytest.approx(float(min(losses)), rel=1e-5)
    assert choose(measure_limits(first, hasty, labels), 1).say < choose(measure_limits(first, second, labels), 1).say


def test_a_thorough_network_that_knows_no_better_is_asked_least() -> None:
    labels = torch.arange(4000) % 4
    first = reader(0, 9, labels)
    tried = measure_limits(first, first, labels)
    assert choose(tried, 1) == tried[0]
