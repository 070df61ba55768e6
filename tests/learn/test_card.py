"""The run card tells a reader what was trained, how well it reads and how to do it again."""

import re
import shlex
import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

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


def test_the_raw_weights_have_a_row_of_their_own(run: Run) -> None:
    raw = run.report()["raw_val"]
    [row] = [line for line in written(run).splitlines() if line.startswith("| val, raw weights |")]
    assert f"| {raw['f1']:.4f} | {raw['loss']:.4f} |" in row
    assert row.count("|") == 11  # the first 2, 3 and 5 stand at its end


def test_the_hardest_classes_stand_first_with_what_they_are_taken_for(run: Run) -> None:
    stored = run.report()
    names = [str(n) for n in range(20)]
    table = [[10 if row == column else 0 for column in range(20)] for row in range(20)]
    table[7][3] = 10
    shares = {name: (0.5 if name == "7" else 1.0) for name in names}
    stored["test"] |= {"confusion": table, "per_class": shares}
    run.write_report(stored)
    text = written(run)
    assert "Of test, the hardest first; 8 more stand in `report.json`." in text
    rows = [line for line in text.splitlines() if line.startswith("| '") and "%" in line]
    assert rows[0] == "| '7' | 20 | 50.00% | 29.93% to 70.07% | '3': 10 |"
    assert len(rows) == 12


def test_names_from_outside_stay_names(run: Run) -> None:
    stored = run.report()
    stored["splits"]["notes"] = ["a|b `c` <script>alert(1)</script> [x](http://evil) ![y](http://evil/z.png)\n# d"]
    run.write_report(stored)
    text = written(run)
    page = run.file("card.html").read_text()
    assert r"- note: a\|b \`c\` \<script\>" in text
    assert "\n# d" not in text
    assert "a|b `c` &lt;script&gt;alert(1)&lt;/script&gt; [x](http://evil) ![y](http://evil/z.png) # d" in page


def test_the_page_holds_all_its_pictures_and_asks_nobody(run: Run) -> None:
    written(run)
    page = run.file("card.html").read_text()
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 7
    for source in sources:
        with Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,")))) as picture:
            assert picture.format == "PNG"
    assert "default-src 'none'; img-src data:" in page
    assert not re.search(r"<script|href=|@import|url\(|srcset", page)
    assert f"{run.report()['test']['accuracy']:.2%}" in page
    assert "<title>tiny, seed 0</title>" in page


def test_a_recipe_cannot_leave_its_block(run: Run) -> None:
    recipe = run.file("recipe.yaml")
    recipe.write_text(recipe.read_text().replace("name: tiny\n", "name: 'tiny```x'\n", 1))
    text = written(run)
    assert "````yaml\nname: 'tiny```x'" in text
    assert "name: 'tiny```x'" in run.file("card.html").read_text()


def test_the_pictures_of_a_card_exist(run: Run) -> None:
    links = [line.partition("](")[2].rstrip(")") for line in written(run).splitlines() if line.startswith("![")]
    assert len(links) == 7
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
        ["experiment=default", "data.weights={mnist:2,a\\ b\\:c:0.5}"],
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
