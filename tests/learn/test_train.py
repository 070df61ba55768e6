"""A training is repeatable, can be stopped and resumed, and leaves a folder that tells everything."""

import json
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError
from digitkit.core.intervals import wilson
from digitkit.core.prediction import Thresholds
from digitkit.data.splits import build
from digitkit.learn.card import write
from digitkit.learn.evaluate import probabilities, report
from digitkit.learn.loader import prepared
from digitkit.learn.parts import split_plan
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import STEPS, Trained, compose_small, train_small
from tests.learn.short_runs import KINDS, SHORT, history_without_seconds, same, weights

NAMES = {
    "best.safetensors", "history.jsonl", "last.ckpt", "pictures", "precision.json", "recipe.yaml", "report.json",
}  # fmt: skip


def test_a_run_leaves_all_files_of_fixed_names(trained: Trained) -> None:
    assert {path.name for path in trained.run.path.iterdir()} == NAMES
    sheets = {path.stem for path in trained.run.file("pictures").iterdir()}
    assert {name for name in sheets if "-step-" not in name} == {
        "curves", "batch", "confusion-val", "mistakes-val", "confusion-test", "mistakes-test",
    }  # fmt: skip


def test_drawn_digits_are_learnt(trained: Trained) -> None:
    assert trained.run.report()["test"]["accuracy"] > 0.9


def test_the_report_is_json_with_figures_and_intervals(trained: Trained) -> None:
    stored = json.loads(trained.run.file("report.json").read_text())
    assert stored["steps"] == STEPS
    assert stored["train_seconds"] > 0
    assert stored["data"]["classes"] == list("0123456789")
    assert (stored["data"]["train"], stored["data"]["val"], stored["data"]["test"]) == (360, 40, 100)
    for part, n in (("val", 40), ("test", 100)):
        assert stored[part]["n"] == n
        assert stored[part]["interval"] == list(wilson(round(n * stored[part]["accuracy"]), n))
    assert set(stored["test"]["accuracy_views"]) == {str(trained.recipe.run.views)}
    assert stored["calibration"]["temperature"] > 0


def test_the_history_is_json_lines_up_to_the_last_step(trained: Trained) -> None:
    lines = trained.run.file("history.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    steps = [record["step"] for record in records]
    assert steps == sorted(set(steps))
    assert steps[-1] == STEPS
    assert all({"train_loss", "lr", "seconds"} <= set(record) for record in records)
    assert "val_accuracy" in records[-1]
    assert sum("val_accuracy" in record for record in records) == trained.recipe.run.validations
    assert records[-1]["train_loss"] < records[0]["train_loss"]


def test_the_recipe_in_the_folder_is_the_one_that_was_trained(trained: Trained) -> None:
    assert Run.open(trained.run.path).recipe() == trained.recipe


def test_the_stored_weights_give_the_stored_accuracy(trained: Trained) -> None:
    network, stored = trained.run.network(), trained.run.report()
    for part, digits in (("val", trained.splits.val), ("test", trained.splits.test)):
        images = prepared(digits, trained.recipe.prepare)
        made = report(part, probabilities(network, images), images.labels, stored["data"]["classes"])
        assert made.accuracy == stored[part]["accuracy"]
        assert made.confusion == stored[part]["confusion"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path, kind: str
) -> None:
    first = uninterrupted[kind]
    again, other = (
        train_small(drawn_source, tmp_path / name, (*SHORT, *KINDS[kind], f"seed={seed}")).run
        for name, seed in (("again", 0), ("other", 2))
    )
    assert same(weights(first), weights(again))
    assert history_without_seconds(first) == history_without_seconds(again)
    assert not same(weights(first), weights(other))


def test_the_weights_that_count_are_the_average_after_the_last_step(drawn_source: str, tmp_path: Path) -> None:
    overrides = (*SHORT, "run.validations=1", "average.every=5")  # the last step is no multiple of 5
    run = train_small(drawn_source, tmp_path / "run", overrides).run
    state = torch.load(run.file("last.ckpt"), weights_only=True)["state_dict"]
    average = {name.removeprefix("average.network."): value for name, value in state.items() if "average.net" in name}
    assert same(weights(run), average)
    assert int(state["average.updates"]) == 3


def test_swa_weights_are_scored_and_stored_with_norms_of_their_own(drawn_source: str, tmp_path: Path) -> None:
    run = train_small(drawn_source, tmp_path / "run", (*SHORT, *KINDS["swa"], "run.validations=1")).run
    state = torch.load(run.file("last.ckpt"), weights_only=True)["state_dict"]
    average = {name.removeprefix("average.network."): value for name, value in state.items() if "average.net" in name}
    assert same(weights(run), average)
    assert run.history()[-1]["val_accuracy"] == run.report()["val"]["accuracy"]


def test_a_checkpoint_lies_before_each_restart_and_the_card_tells_the_cycles(
    uninterrupted: dict[str, Run],
) -> None:
    run = uninterrupted["blends"]
    cycles = run.report()["cycles"]
    assert len(cycles) > 1
    rates = [record["lr"] for record in run.history()]
    for number in range(1, len(cycles)):
        state = torch.load(run.file(f"restart-{number}.ckpt"), weights_only=True)
        next_one = state["global_step"] - 1  # a record tells the learning rate of the step after it
        assert rates[next_one - 1] < rates[next_one] == max(rates)
    write(run)
    told = f"{len(cycles)} cycles of {', '.join(map(str, cycles))} steps after the warm-up"
    assert told in run.file("card.md").read_text()
    assert not list(uninterrupted["tiny"].path.glob("restart-*"))


def test_the_test_part_is_left_alone_when_asked(drawn_source: str, tmp_path: Path) -> None:
    run = train_small(drawn_source, tmp_path / "run", SHORT).run
    assert run.report()["test"] is None
    assert not list(run.file("pictures").glob("*test*"))


def test_without_a_validation_part_the_last_weights_count(drawn_source: str, tmp_path: Path) -> None:
    run = train_small(drawn_source, tmp_path / "run", (*SHORT, "data.val_size=0")).run
    stored = run.report()
    assert stored["val"] is None
    assert stored["calibration"]["temperature"] == 1
    assert Thresholds(**stored["calibration"]["thresholds"]) == Thresholds()
    assert run.network()


def test_few_pictures_fill_smaller_batches(drawn_source: str, tmp_path: Path) -> None:
    run = train_small(drawn_source, tmp_path / "run", (*SHORT, "data.limit=20", "budget.batch=512")).run
    assert run.report()["data"]["train"] == 20


def test_a_device_that_is_absent_stops_before_anything_is_prepared(drawn_source: str, tmp_path: Path) -> None:
    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(ConfigError, match=f"run.device={absent}"):
        train_small(drawn_source, tmp_path / "run", (*SHORT, f"run.device={absent}"))
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"recipe.yaml"}


def test_progress_tells_of_preparing_and_of_every_record(drawn_source: str, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "prepare.box=19")
    train(recipe, build(split_plan(recipe.data)), Run.create(recipe), lambda *each: told.append(each))
    texts = [text for _, _, text in told]
    assert {"preparing train", "preparing val", "preparing test"} <= set(texts)
    assert told[-1][:2] == (12, 12)
    assert "val 0." in texts[-1] or "val 1." in texts[-1]
    assert all(0 <= done <= total for done, total, _ in told)
