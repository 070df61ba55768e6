"""A run becomes one file that says what it is, answers as torch does, and gives nothing away."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from digitkit.core.bundle import INPUT, METADATA_KEY, OUTPUTS, Bundle
from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import BundleAltered, BundleError
from digitkit.core.picture import Pixels
from digitkit.core.prediction import Thresholds
from digitkit.export.graph import Graph
from digitkit.export.parity import Parity
from digitkit.export.write import IMAGE, OPSET, export, part_figures, summary
from digitkit.learn.compose import from_plain, to_plain
from digitkit.learn.loader import as_colour, prepared
from digitkit.learn.run import Run
from digitkit.learn.views import views
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.session import Session
from tests.conftest import DrawDigits
from tests.fixtures.runs import Trained, in_mode_photo

SHAPES = [(1, 1), (1, 60), (60, 1), (2, 3), (28, 28), (33, 17), (16, 90), (200, 150), (1, 2000)]


class Five(NamedTuple):
    """An export of five views under a name of its own."""

    path: Path
    record: Bundle
    parity: Parity


@pytest.fixture(scope="module")
def five(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Five:
    path = tmp_path_factory.mktemp("five") / "deeper" / "chosen.onnx"
    return Five(path, *export(trained.run, trained.splits.test, view_count=5, target=path, name="chosen"))


def session_of(path: Path) -> Session:
    return Session(path.read_bytes(), path.name, device="cpu", threads=1)


def torch_graph(trained: Trained, view_count: int = 1) -> Graph:
    """The reader as torch computes it."""
    degree = trained.run.report()["calibration"]["temperature"]
    return Graph(trained.recipe.prepare, trained.run.network(), view_count, degree).eval()


def noise(shape: tuple[int, int], count: int = 2) -> Pixels:
    rng = np.random.default_rng(shape)
    return rng.integers(0, 256, (count, *shape, 3)).astype(np.uint8)


def drawn(drawn_digits: DrawDigits, side: int, count: int = 8) -> Pixels:
    digits = drawn_digits(count, np.random.default_rng(side), side=side)
    return as_colour(255 - np.stack([digits.pictures[index] for index in range(count)]))


def test_inputs_and_outputs_have_the_names_of_the_format(exported: Path) -> None:
    graph = onnx.load(exported).graph
    assert [value.name for value in graph.input] == [INPUT]
    assert [value.name for value in graph.output] == [*OUTPUTS, IMAGE]
    assert not [tensor for tensor in graph.initializer if tensor.external_data]
    assert [opset.version for opset in onnx.load(exported).opset_import] == [OPSET]


def test_outputs_have_the_shapes_and_types_of_the_format(exported: Path) -> None:
    answers = dict(zip([*OUTPUTS, IMAGE], session_of(exported).run([*OUTPUTS, IMAGE], noise((40, 30), 5)), strict=True))
    assert answers["probabilities"].shape == (5, 10)
    assert answers["probabilities"].sum(1) == pytest.approx(np.ones(5), abs=1e-5)
    for name in OUTPUTS[1:]:
        assert answers[name].shape == (5,)
        assert 0 <= answers[name].min() <= answers[name].max() <= 1
    assert answers[IMAGE].shape == (5, 1, 28, 28)
    assert answers[IMAGE].dtype == np.uint8
    assert all(answers[name].dtype == np.float32 for name in OUTPUTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_file_answers_as_torch_does_whatever_the_shape(
    trained: Trained, exported: Path, drawn_digits: DrawDigits, shape: tuple[int, int]
) -> None:
    sheets = drawn(drawn_digits, 28)
    pixels = np.stack([np.asarray(Image.fromarray(sheet).resize(shape[::-1])) for sheet in sheets])
    with torch.inference_mode():
        ours = torch_graph(trained)(torch.from_numpy(pixels)).probabilities.numpy()
    [theirs] = session_of(exported).run(["probabilities"], pixels)
    assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_the_file_has_an_answer_to_noise(exported: Path, shape: tuple[int, int]) -> None:
    answers = session_of(exported).run(OUTPUTS, noise(shape))
    assert all(np.isfinite(answer).all() for answer in answers)
    assert answers[0].shape == (2, 10)


@pytest.mark.parametrize("side", [20, 28, 65, 300])
def test_the_file_answers_as_torch_does_for_digits(
    trained: Trained, exported: Path, drawn_digits: DrawDigits, side: int
) -> None:
    pixels = drawn(drawn_digits, side)
    with torch.inference_mode():
        ours = torch_graph(trained)(torch.from_numpy(pixels))
    theirs = session_of(exported).run([*OUTPUTS, IMAGE], pixels)
    for mine, its in zip(ours[:-1], theirs[:-1], strict=True):
        assert np.abs(mine.numpy() - its).max() < 1e-4
    assert np.abs(ours.image.numpy().astype(int) - theirs[-1]).max() <= 1


def test_the_file_accepts_solid_shapes_as_torch_does(trained: Trained, exported: Path) -> None:
    pixels = np.full((6, 40, 40, 3), 255, np.uint8)
    for index in range(6):
        pixels[index, 8:32, 20 - 2 * index : 22 + 2 * index] = 0
    with torch.inference_mode():
        ours = torch_graph(trained)(torch.from_numpy(pixels))
    [theirs] = session_of(exported).run(["acceptance"], pixels)
    assert np.abs(ours.acceptance.numpy() - theirs).max() < 1e-4
    less = ours.probabilities.amax(1) - ours.acceptance
    assert float(less[0]) == pytest.approx(0, abs=1e-5)
    assert float(less.max()) > 0.01


def test_one_picture_and_many_give_the_same(exported: Path, drawn_digits: DrawDigits) -> None:
    session, pixels = session_of(exported), drawn(drawn_digits, 40)
    [together] = session.run(["probabilities"], pixels)
    alone = [session.run(["probabilities"], picture[None])[0] for picture in pixels]
    assert np.abs(together - np.concatenate(alone)).max() < 1e-5


def test_the_file_sees_what_training_saw(trained: Trained, exported: Path) -> None:
    images = prepared(trained.splits.test, trained.recipe.prepare).pixels.numpy()
    pictures = as_colour(np.stack([trained.splits.test.pictures[index] for index in range(20)]))
    [seen] = session_of(exported).run([IMAGE], pictures)
    assert np.abs(seen.astype(int) - images[:20]).max() <= 1


def test_the_metadata_holds_what_the_run_says(trained: Trained, exported: Path) -> None:
    record, _ = read_bundle(exported)
    stored = trained.run.report()
    assert (record.name, record.mode, record.size, record.views) == ("tiny", "ink", 28, 1)
    assert record.classes == tuple("0123456789")
    assert record.temperature == stored["calibration"]["temperature"]
    assert record.thresholds == Thresholds(**stored["calibration"]["thresholds"])
    assert record.data_fingerprint == stored["data"]["fingerprint"]
    assert record.versions == stored["versions"]
    assert record.report["test"]["accuracy"] == stored["test"]["accuracy"]  # type: ignore[index]
    assert to_plain(from_plain(record.recipe)) == to_plain(trained.recipe, run_folder="")


def test_the_metadata_is_one_entry_of_sorted_ascii(exported: Path) -> None:
    [entry] = onnx.load(exported).metadata_props
    assert entry.key == METADATA_KEY
    assert entry.value.isascii()
    assert entry.value == json.dumps(json.loads(entry.value), sort_keys=True)


def test_the_figures_that_travel_leave_the_lists_at_home(trained: Trained) -> None:
    short = summary(trained.run.report())
    assert set(short["val"]) == {"n", "accuracy", "interval", "accuracy_views", "f1", "loss", "confusion"}
    assert sum(map(sum, short["val"]["confusion"])) == short["val"]["n"]
    assert short["contaminated"] == []
    assert len(json.dumps(short)) < 2000


def test_a_confusion_too_large_to_be_looked_at_stays_at_home(trained: Trained) -> None:
    scored = trained.run.report()["val"]
    few, many = ([[1] * count] * count for count in (20, 21))
    assert "confusion" in part_figures(scored | {"confusion": few})
    assert "confusion" not in part_figures(scored | {"confusion": many})


def test_the_bundle_says_whose_test_digits_it_has_learnt_from(trained: Trained) -> None:
    stored = trained.run.report()
    stored["splits"]["contaminated"] = ["mnist/test"]
    assert summary(stored)["contaminated"] == ["mnist/test"]


def test_the_digest_holds_and_breaks_with_any_byte(exported: Path, tmp_path: Path) -> None:
    content, altered = exported.read_bytes(), tmp_path / "altered.onnx"
    assert read_bundle(exported)[0].digest in content.decode("latin-1")
    for place in np.random.default_rng(0).integers(0, len(content), 50):
        changed = bytearray(content)
        changed[place] ^= 1
        altered.write_bytes(changed)
        with pytest.raises(BundleError, match=r"altered\.onnx"):
            read_bundle(altered)


def test_an_altered_weight_is_told(trained: Trained, exported: Path, tmp_path: Path) -> None:
    weight = trained.run.network().state_dict()["1.0.weight"].numpy().tobytes()[:8]
    content = exported.read_bytes()
    assert content.count(weight) == 1
    altered = tmp_path / "altered.onnx"
    altered.write_bytes(content.replace(weight, weight[:-1] + bytes([weight[-1] ^ 0x80])))
    with pytest.raises(BundleAltered):
        read_bundle(altered)


def test_the_file_gives_nothing_of_its_maker_away(trained: Trained, exported: Path) -> None:
    text = exported.read_bytes().decode("latin-1")
    private = [str(Path.cwd()), str(trained.run.path), os.path.expanduser("~") + "/", "site-packages", "Traceback"]
    assert [word for word in private if word in text.replace(trained.recipe.data.sources[0], "")] == []
    assert re.findall(r"[\w/]+\.py\b", text) == []


def test_the_name_and_the_place_can_be_chosen_and_the_run_keeps_its_own(trained: Trained, five: Five) -> None:
    assert read_bundle(five.path)[0] == five.record
    assert five.record.id.startswith("chosen@")
    assert not trained.run.file("model.onnx").exists()


def test_an_export_tells_how_it_was_checked(five: Five) -> None:
    assert (five.parity.pictures, five.parity.agreement) == (100, 1)
    assert five.parity.sizes >= 4
    assert five.parity.difference < 1e-4


def test_five_views_are_averaged_inside(trained: Trained, exported: Path, five: Five, drawn_digits: DrawDigits) -> None:
    pixels = drawn(drawn_digits, 28, 12)
    [many], [one] = (session_of(path).run(["probabilities"], pixels) for path in (five.path, exported))
    graph = torch_graph(trained)
    with torch.inference_mode():
        image = graph.prepare(torch.from_numpy(pixels)).image
        each = [(graph.reader.network(view) / graph.reader.temperature).softmax(1) for view in views(image, 5)]
    assert five.record.views == 5
    assert np.abs(many - torch.stack(each).mean(0).numpy()).max() < 1e-4
    assert np.abs(many - one).max() > 1e-3


def test_when_torch_and_the_file_differ_no_file_is_written(
    trained: Trained, tmp_path: Path, drawn_digits: DrawDigits
) -> None:
    """The pictures come from a set that changes the network before it is compared with the file."""
    run = in_mode_photo(trained.run, tmp_path / "run")
    network = run.network()

    class OpenRun(Run):
        def network(self) -> torch.nn.Module:
            return network

    class Meddling(Dense):
        def __getitem__(self, index: int) -> Pixels:
            with torch.no_grad():
                for weight in network.parameters():
                    weight.mul_(0.5)
            return super().__getitem__(index)

    digits = drawn_digits(4, np.random.default_rng(0))
    meddling = Meddling(np.stack([digits.pictures[index] for index in range(4)]))
    check_with = DigitSet(meddling, digits.labels, digits.classes, digits.origins)
    with pytest.raises(BundleError, match=r"differs from torch: .* No bundle was written"):
        export(OpenRun(run.path), check_with, target=tmp_path / "never" / "never.onnx")
    assert not (tmp_path / "never").exists()
