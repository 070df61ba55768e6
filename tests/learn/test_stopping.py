"""A training ends early when it no longer gets better, and then it has finished."""

from pathlib import Path

import pytest

from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.stopping import fruitless
from digitkit.learn.train import train
from tests.fixtures.runs import quiet, train_small
from tests.learn.short_runs import SHORT, history_without_seconds, same, weights


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], 0),
        ([(0.5, 1.0)], 0),
        ([(0.5, 1.0), (0.6, 1.0)], 0),
        ([(0.6, 1.0), (0.5, 0.1), (0.5, 0.1)], 2),
        ([(0.6, 1.0), (0.6, 0.9)], 0),  # as often right, and surer
        ([(0.6, 1.0), (0.6, 1.0)], 1),
        ([(0.6, 1.0), (0.5, 1.0), (0.7, 1.0), (0.1, 1.0)], 1),
    ],
)
def test_validations_since_the_best_one_are_counted(scores: list[tuple[float, float]], expected: int) -> None:
    records: list[dict[str, float]] = [
        {"step": 1},
        *({"val_accuracy": accuracy, "val_loss": loss} for accuracy, loss in scores),
    ]
    assert fruitless(records) == expected


def test_a_training_that_gets_no_better_ends_with_its_best_weights_and_has_finished(
    drawn_source: str, tmp_path: Path
) -> None:
    given = (*SHORT, "run.validations=6", "budget.patience=2", "optim.lr=0.3")
    trained = train_small(drawn_source, tmp_path / "run", given)
    run, records = trained.run, trained.run.history()
    assert records[-1]["ended"] == run.report()["ended"] == "2 validations without a better one"
    assert fruitless(records) == 2
    assert records[-1]["step"] == run.report()["steps"] < 12
    assert run.report()["val"]["accuracy"] == max(record.get("val_accuracy", 0) for record in records)

    # Killed after its last step, before its report: there is nothing left to learn.
    before, learnt, told = run.report(), weights(run), history_without_seconds(run)
    run.file("report.json").unlink()
    train(trained.recipe, build(split_plan(trained.recipe.data)), run, quiet, start=Start(resume=True))
    assert same(weights(run), learnt)
    assert history_without_seconds(run) == told
    assert run.report()["steps"] == before["steps"]
