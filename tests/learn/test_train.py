"""A training is repeatable, can be stopped and resumed, and leaves a folder that tells everything."""

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from digitkit.core.errors import ConfigError, DataError
from digitkit.core.prediction import Thresholds
from digitkit.data.splits import build
from digitkit.learn.evaluate import probabilities, report, wilson
from digitkit.learn.loader import prepared
from digitkit.learn.run import Run
from digitkit.learn.train import split_plan, train
from tests.fixtures.runs import STEPS, Trained, compose_small, quiet, train_small

NAMES = {
    "best.safetensors", "history.jsonl", "last.ckpt", "pictures", "recipe.yaml", "report.json",
}  # fmt: skip
SHORT = ("budget.least_steps=12", "data.limit=200", "run.test=false")
KINDS: dict[str, tuple[str, ...]] = {
    "tiny": (),
    "muon": (
        "model=fast_cnn",
        "model.stem=4",
        "model.first=8",
        "model.second=8",
        "optim=muon",
        "budget.hard_share=0.3",
    ),
}


@pytest.fixture(scope="module")
def uninterrupted(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A short run of each kind, from the first step to the last at once."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    return {kind: train_small(drawn_source, folder / kind, (*SHORT, *KINDS[kind])).run for kind in KINDS}


def weights(run: Run) -> dict[str, Tensor]:
    return load_file(run.file("best.safetensors"))


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def history_without_seconds(run: Run) -> list[dict[str, object]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in run.history()]


def stop_at(step: int, number: signal.Signals, source: str, folder: Path, *overrides: str) -> Run:
    """Train and send a signal to ourselves when a step is done."""

    def progress(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == step:
            signal.raise_signal(number)

    recipe = compose_small(source, folder, *overrides)
    run = Run.create(recipe)
    with pytest.raises(KeyboardInterrupt, match=rf"stopped at step {step} of \d+; .* digitkit train --resume {folder}"):
        train(recipe, build(split_plan(recipe.data)), run, progress)
    return run


def resume(run: Run) -> Run:
    recipe = run.recipe()
    return train(recipe, build(split_plan(recipe.data)), run, quiet, resume=True)


def test_a_run_leaves_all_files_of_fixed_names(trained: Trained) -> None:
    assert {path.name for path in trained.run.path.iterdir()} == NAMES
    sheets = {path.stem for path in trained.run.file("pictures").iterdir()}
    assert sheets == {"curves", "batch", "confusion-val", "mistakes-val", "confusion-test", "mistakes-test"}


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


@pytest.mark.parametrize("step", [1, 5, 11])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_ends_as_the_uninterrupted_one(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path, step: int, kind: str
) -> None:
    whole = uninterrupted[kind]
    run = stop_at(step, signal.SIGINT, drawn_source, tmp_path / "cut", *SHORT, *KINDS[kind])
    assert not run.file("report.json").exists()
    resume(run)
    assert same(weights(run), weights(whole))
    assert history_without_seconds(run) == history_without_seconds(whole)
    assert run.report()["val"] == whole.report()["val"]


def test_a_run_can_be_stopped_again_and_again(uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path) -> None:
    run = stop_at(3, signal.SIGTERM, drawn_source, tmp_path / "cut", *SHORT)
    recipe = run.recipe()

    def stop_later(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 7:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped at step 7 of 12"):
        train(recipe, build(split_plan(recipe.data)), run, stop_later, resume=True)
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))
    seconds = [record["seconds"] for record in run.history()]
    assert seconds == sorted(seconds)


def test_a_stop_at_the_last_step_is_a_finished_run(drawn_source: str, tmp_path: Path) -> None:
    def stop_at_the_end(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == total:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT)
    run = train(recipe, build(split_plan(recipe.data)), Run.create(recipe), stop_at_the_end)
    assert run.report()["steps"] == 12


def test_signals_go_back_to_whom_they_belonged(drawn_source: str, tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop_at(2, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_run_stopped_before_its_first_checkpoint_starts_from_its_beginning(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path
) -> None:
    run = Run.create(compose_small(drawn_source, tmp_path / "bare", *SHORT))
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))


def test_a_run_does_not_go_on_with_other_pictures(drawn_source: str, tmp_path: Path) -> None:
    run = stop_at(2, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    recipe = compose_small(drawn_source, run.path, *SHORT, "data.limit=100")
    with pytest.raises(DataError, match="stopped with 200 training pictures, now there are 100"):
        train(recipe, build(split_plan(recipe.data)), run, quiet, resume=True)


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
