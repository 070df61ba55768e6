import numpy as np

from digitkit.data.synthetic.dice import Dice


def test_the_same_facts_give_the_same_draws_for_ever() -> None:
    dice = Dice("jersey", 7, "23")
    assert [dice.whole(0, 999) for _ in range(4)] == [349, 684, 970, 107]


def test_other_facts_give_other_draws() -> None:
    draws = {tuple(Dice(*facts).whole(0, 10**9) for _ in range(2)) for facts in (("a", 1), ("a", 2), ("a1",), ("b", 1))}
    assert len(draws) == 4


def test_draws_stay_in_their_range_and_reach_both_ends() -> None:
    dice = Dice(0)
    wholes = [dice.whole(3, 5) for _ in range(300)]
    numbers = [dice.between(-2, 2) for _ in range(300)]
    assert set(wholes) == {3, 4, 5}
    assert -2 <= min(numbers) < -1.8
    assert 1.8 < max(numbers) < 2
    assert max(abs(dice.lean(3)) for _ in range(300)) <= 3


def test_things_are_drawn_as_often_as_their_weights_say() -> None:
    dice = Dice(1)
    drawn = [dice.weigh({"often": 9.0, "seldom": 1.0}) for _ in range(2000)]
    assert 0.87 < drawn.count("often") / len(drawn) < 0.93


def test_grain_is_noise_of_mean_0_and_deviation_1_of_any_shape() -> None:
    grain = Dice(2).grain(3, 51, 67)
    assert grain.shape == (3, 51, 67)
    assert grain.dtype == np.float32
    assert abs(float(grain.mean())) < 0.03
    assert abs(float(grain.std()) - 1) < 0.03
