"""The run card tells a reader what was trained, how well it reads and how to do it again."""

import shlex
import shutil
from pathlib import Path

import pytest

from digitkit.learn import card
from digitkit.learn.compose import compose, to_plain
from digitkit.learn.run import Run
from tests.fixtures.runs import Trained

BUNDLE = {"id": "seven@0123456789ab", "bytes": 123_456, "views": 5, "difference": 2e-6, "pictures": 100, "sizes": 4}


@pytest.fixture
def run(trained: Trained, tmp_path: Path) -> Run:
    """A copy of the finished run, to write a card into."""
    return Run(Path(shutil.copytree(trained.run.path, tmp_path / "run")))


def written(run: Run, bundle: dict[str, object] | None = None) -> str:
    card.write(run, bundle)
    return run.file("card.md").read_text()


def command(text: str) -> list[str]:
    """The overrides of the command that a card gives."""
    [line] = [line for line in text.splitlines() if line.startswith("digitkit train ")]
    return shlex.split(line)[2:]


def test_a_card_has_the_figures_of_both_parts(run: Run) -> None:
    text, stored = written(run), run.report()
    assert text.startswith("# tiny, seed 0\n")
    for part in ("val", "test"):
        [row] = [line for line in text.splitlines() if line.startswith(f"| {part} ")]
        assert f"{stored[part]['accuracy']:.2%}" in row
        assert f"{stored[part]['interval'][0]:.2%}" in row
    assert stored["data"]["fingerprint"] in text
    assert "torch " in text


def test_the_pictures_of_a_card_exist(run: Run) -> None:
    links = [line.partition("](")[2].rstrip(")") for line in written(run).splitlines() if line.startswith("![")]
    assert len(links) == 6
    assert all((run.path / link).is_file() for link in links)


def test_a_card_tells_of_the_bundle_when_there_is_one(run: Run) -> None:
    assert "model.onnx" not in written(run)
    text = written(run, dict(BUNDLE))
    assert "`model.onnx`, seven@0123456789ab, 123 kB, 5 view(s)" in text
    assert "2.0e-06 over 100 digits of 4 sizes" in text


def test_a_run_that_was_not_tested_has_no_row_for_it(run: Run) -> None:
    run.write_report({**run.report(), "test": None})
    assert "| test " not in written(run)


def test_the_command_of_a_card_gives_the_same_recipe(run: Run) -> None:
    again = compose(command(written(run)))
    assert to_plain(again, run_folder="") == to_plain(run.recipe(), run_folder="")


@pytest.mark.parametrize(
    "overrides",
    [
        ["experiment=sprint"],
        ["experiment=tiny", "optim=sgd", "optim.lr=1e-5", "seed=3"],
        ["model=tiny_cnn", "model.dense=7", "run.test=false", "run.views=1"],
        ["name=mine", "prepare.mode=photo", "prepare.channels=3", "budget.epochs=0.01"],
        ["data.sources=['folder:my digits/a=b, c',\"folder:it's\",mnist]", "data.fallback=optdigits"],
        ['name="null"', "data.sources=['folder:say \"hi\"','folder:C\\\\d']"],
    ],
)
def test_any_recipe_can_be_pasted_back_from_its_card(trained: Trained, tmp_path: Path, overrides: list[str]) -> None:
    recipe = compose(overrides)
    run = Run.create(compose([*overrides, f"run.folder={tmp_path / 'run'}"]))
    run.write_report(trained.run.report())
    assert compose(command(written(run))) == recipe


def test_notes_of_the_data_stand_on_the_card(run: Run) -> None:
    stored = run.report()
    stored["splits"]["notes"] = ["mnist cannot be had; optdigits takes its place"]
    run.write_report(stored)
    assert "- note: mnist cannot be had; optdigits takes its place" in written(run)


def test_a_card_shows_what_each_epoch_drew(run: Run) -> None:
    stored = run.report()
    text = written(run)
    first = stored["drawn"][0]
    assert f"| 1 | {first['pictures']:,} | 0 |" in text
    stored["drawn"] = [{"epoch": n, "pictures": 30, "extra": 3, "classes": {"": 10, "7": 20}} for n in range(1, 21)]
    run.write_report(stored)
    rows = [line for line in written(run).splitlines() if line.endswith("| '': 10 | '7': 20 |")]
    assert [row.split()[1] for row in rows] == ["1", "2", "3", "4", "5", "16", "17", "18", "19", "20"]
    assert "| ... | 10 more stand in `history.jsonl` |" in run.file("card.md").read_text()


def test_the_pictures_drawn_add_up_over_card_and_history(run: Run) -> None:
    stored = run.report()
    drawn = sum(epoch["pictures"] for epoch in stored["drawn"])
    assert drawn == stored["steps"] * 64
    told = [epoch for record in run.history() for epoch in record.get("drawn", ())]
    assert told == stored["drawn"]


def test_a_card_tells_what_the_parts_share(run: Run) -> None:
    assert "- copies between and within the parts: none, to the pixel or nearly" in written(run)
    stored = run.report()
    overlap = {"part": "a/train", "of": "b/test", "exact": 1_234, "near": 5, "examples": []}
    stored["splits"]["copies"] = {"method": "near", "overlaps": [overlap], "conflicts": 2}
    stored["splits"] |= {"test_copies": 1_239, "val_copies": 7, "extra_copies": 1_001}
    run.write_report(stored)
    text = written(run)
    assert "| a/train | b/test | 1,234 | 5 |" in text
    assert "Dropped: 1,239 pictures that the test part has a copy of, 7 of training" in text
    assert "1,001 extra ones that validation or training has one of" in text
    assert "2 drawings have copies with different labels." in text


def test_a_card_shows_the_copies_that_were_drawn(run: Run) -> None:
    assert "copies.png" not in written(run)
    shutil.copy(run.file("pictures") / "batch.png", run.file("pictures") / "copies.png")
    assert "(pictures/copies.png)" in written(run)


def test_a_card_tells_which_sources_are_mixed_in(run: Run) -> None:
    stored = run.report()
    stored["splits"] |= {"sources": ["mnist", "svhn/extra"], "extra_sources": ["svhn/extra"]}
    run.write_report(stored)
    assert "- data: mnist, svhn/extra (extra); " in written(run)


def test_a_contaminated_run_says_so_at_the_top(run: Run) -> None:
    assert "Contaminated" not in written(run)
    stored = run.report()
    stored["splits"]["contaminated"] = ["mnist/test", "qmnist/test"]
    run.write_report(stored)
    top = written(run).split("| part |")[0]
    assert "**Contaminated**: learnt from digits of mnist/test, qmnist/test" in top
