"""Networks that answer together: the mean of their probabilities, and who belongs to them."""

import pytest
import torch
from torch import Tensor, nn

from digitkit.learn.calibrate import TEMPERATURES, temperature, temperature_of_mean
from digitkit.learn.ensemble import Ensemble, answers_to_views, choose, join_all, mean_answer, measure
from digitkit.learn.evaluate import probabilities
from digitkit.learn.loader import Images

LABELS = torch.arange(200) % 4


def reader(seed: int, skill: float) -> Tensor:
    """What a made-up reader says, (1,N,K): the true class rises with its skill, the rest is noise of its own."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, len(LABELS), 4, generator=rng)
    logits[0, torch.arange(len(LABELS)), LABELS] += skill
    return logits.softmax(2)


def small_network(seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 4)).eval()


def test_an_ensemble_says_the_mean_of_what_its_members_say() -> None:
    networks, images = [small_network(seed) for seed in range(3)], torch.rand(7, 1, 6, 6)
    with torch.inference_mode():
        each = torch.stack([(network(images) / 0.7).softmax(1) for network in networks])
        together = Ensemble(networks, 0.7)(images).softmax(1)
    assert (together - each.mean(0)).abs().max() < 1e-6


def test_an_ensemble_of_very_sure_members_says_no_infinity() -> None:
    last = nn.Linear(36, 4)
    network = nn.Sequential(nn.Flatten(), last)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([500.0, 0, -500, -1000]))
        answer = Ensemble([network, network], 0.1)(torch.zeros(2, 1, 6, 6))
    assert torch.isfinite(answer).all()
    assert answer.softmax(1)[:, 0].tolist() == [1, 1]


def test_answers_to_views_are_those_whose_mean_the_evaluation_takes() -> None:
    rng = torch.Generator().manual_seed(0)
    images = Images(torch.randint(0, 256, (9, 1, 6, 6), generator=rng).to(torch.uint8), torch.zeros(9).long())
    each = answers_to_views(small_network(0), images, 5)
    assert each.shape == (5, 9, 4)
    assert (each.mean(0) - probabilities(small_network(0), images, 5)).abs().max() < 1e-6


def test_one_answer_alone_gets_the_temperature_of_a_single_network() -> None:
    answer = reader(0, 2)
    assert temperature_of_mean(answer, LABELS) == pytest.approx(temperature(answer[0], LABELS), abs=1e-3)


def test_no_other_temperature_makes_the_mean_cheaper() -> None:
    answers = torch.cat([(reader(0, 2).log() + 0.3 * reader(seed, 0).log()).softmax(2) for seed in range(1, 5)])
    found = measure([answers], LABELS, (0,))
    low, high = TEMPERATURES
    assert low < found.temperature < high
    for degree in (0.8 * found.temperature, 1.25 * found.temperature):
        of_label = mean_answer(answers, degree)[torch.arange(len(LABELS)), LABELS]
        assert -float(of_label.log().mean()) > found.loss


def test_all_are_ranked_by_accuracy_then_loss_and_join_in_that_order() -> None:
    answers = [reader(1, 1), reader(2, 4), reader(3, 2)]
    joined = join_all(answers, LABELS)
    assert [each.members for each in joined.alone] == [(1,), (2,), (0,)]
    assert [each.members for each in joined.steps] == [(1,), (1, 2), (1, 2, 0)]
    sure, unsure = reader(4, 4), reader(4, 4)
    unsure[0, 0] = unsure[0, 0].roll(1) * 0.5 + unsure[0, 0] * 0.5  # as right, or less, and never so sure
    assert join_all([unsure, sure], LABELS).alone[0].members == (1,)


def test_whoever_lowers_the_loss_most_joins_next() -> None:
    answers = [reader(seed, 2.0 + 0.1 * seed) for seed in range(5)]
    chosen = choose(answers, LABELS, 3)
    first = chosen.alone[0].members[0]
    assert chosen.steps[0] == chosen.alone[0]
    losses = {place: measure(answers, LABELS, (first, place)).loss for place in range(5) if place != first}
    assert chosen.steps[1].members == (first, min(losses, key=lambda place: losses[place]))
    assert chosen.steps[0].loss > chosen.steps[1].loss > chosen.steps[2].loss
    assert len(chosen.chosen.members) == 3


def test_nobody_joins_who_does_not_help() -> None:
    good, copy, bad = reader(1, 4), reader(1, 4), reader(2, -3)
    assert choose([bad, good, copy], LABELS, 3).chosen.members == (1,)


def test_the_number_asked_for_is_the_most_there_will_be() -> None:
    answers = [reader(seed, 2) for seed in range(4)]
    assert [len(choose(answers, LABELS, most).chosen.members) for most in (1, 2, 9)] == [1, 2, 4]
