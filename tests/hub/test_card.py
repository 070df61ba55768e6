from dataclasses import replace

from digitkit.core.bundle import with_digest
from digitkit.hub.card import write_card
from digitkit.runtime.bundle import read_bundle
from tests.fixtures.bundles import TINY

FIGURES = {"n": 10_000, "accuracy": 0.9949, "interval": [0.9933, 0.9961], "f1": 0.9948}


def card_of(licences: dict[str, str] | None = None, **values: object) -> str:
    """The card of the tiny bundle with other values."""
    return write_card(replace(TINY, **values), "alice/reader", licences or {})  # type: ignore[arg-type]


def test_the_card_gives_accuracy_with_the_number_of_pictures() -> None:
    text = card_of(report={"test": FIGURES, "val": {**FIGURES, "n": 5_000}})
    assert "| test | 10,000 | 99.49 % | 99.33 % to 99.61 % | 99.48 % |" in text
    assert "| validation (chosen on it) | 5,000 |" in text


def test_the_card_says_what_is_inside_and_how_to_use_it() -> None:
    text = write_card(with_digest(TINY, "ab" * 32), "alice/reader", {"mnist": "CC BY-SA 3.0"})
    assert "10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in text
    assert "acceptance 0.4, margin 0.25" in text
    assert f"digest {'ab' * 32}" in text
    assert "digitkit models pull --repo alice/reader" in text
    assert 'digitkit.load("model.onnx")' in text
    assert "- mnist: CC BY-SA 3.0" in text


def test_the_card_of_the_bundle_that_ships_has_its_figures() -> None:
    record, _ = read_bundle("default")
    text = write_card(record, "alice/reader", {})
    assert "| test | 19,867 | 99." in text
    assert record.digest in text


def test_a_bundle_without_figures_says_so() -> None:
    assert "The bundle carries no figures." in card_of()
    assert "| test | ? | ? | ? | ? |" in card_of(report={"test": {"n": "many", "interval": [1]}})


def test_figures_that_mean_nothing_are_marked() -> None:
    text = card_of(report={"test": FIGURES, "contaminated": ["mnist/test", "|<b>"]})
    assert "**Contaminated**: learnt from digits of mnist/test, \\|\\<b\\>, so its accuracy there means" in text
    assert "Contaminated" not in card_of(report={"test": FIGURES, "contaminated": []})
    assert "Contaminated" not in card_of(report={"test": FIGURES, "contaminated": 7})


def test_numbers_are_called_numbers_and_an_empty_label_can_be_seen() -> None:
    text = card_of(classes=("", "00", "23"))
    assert text.count("Reads numbers") == 1
    assert "3 classes: (no number), 00, 23" in text


def test_words_of_a_bundle_have_no_power_over_the_page() -> None:
    text = card_of({"![x](y)": "<script>"}, name="---\nlicense: mit\n# <img> | [a](b)", versions={"torch\n## x": "`1`"})
    head, _, page = text.removeprefix("---\n").partition("\n---\n")
    assert "license" not in head
    assert "<" not in page.replace("\\<", "")
    assert [line for line in page.splitlines() if line.startswith("## x") or line.startswith("license")] == []
    assert "![x](y)" not in page
