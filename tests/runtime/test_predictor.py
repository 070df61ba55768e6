"""Any pictures in, one answer each, in the same order."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

import digitkit
from digitkit.core.bundle import OUTPUTS, sign
from digitkit.core.errors import BundleError, ConfigError, PictureError
from digitkit.core.picture import QUICK_BYTES, PictureSource, Pixels
from digitkit.core.prediction import Prediction
from digitkit.runtime.predictor import Predictor
from tests.fixtures.bundles import SIDE, TINY, signed, tiny_bundle, tiny_graph, tone, write_tiny


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(write_tiny(tmp_path_factory.mktemp("bundle")), device="cpu")


def png(picture: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def opened(folder: Path, content: bytes) -> Predictor:
    path = folder / "model.onnx"
    path.write_bytes(content)
    return Predictor.load(path, device="cpu")


SEVEN = tone(0.75)


def test_one_picture_of_every_kind_gives_one_prediction(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    path.write_bytes(png(SEVEN))
    sources: list[Any] = [path, str(path), png(SEVEN), io.BytesIO(png(SEVEN)), Image.fromarray(SEVEN), SEVEN]
    sources += [SEVEN[:, :, None], np.stack([SEVEN] * 3, axis=2), SEVEN / 255]
    answers = [predictor.predict(source) for source in sources]
    assert {answer.label for answer in answers} == {"7"}
    assert all(isinstance(answer, Prediction) for answer in answers)


def test_many_pictures_of_any_kinds_and_sizes_keep_their_order(predictor: Predictor) -> None:
    tones = [0.15, 0.85, 0.35, 0.75, 0.25]
    pictures = [tone(brightness, side) for brightness, side in zip(tones, (10, 20, 10, 400, 20), strict=True)]
    mixed: list[PictureSource] = [
        pictures[0],
        png(pictures[1]),
        Image.fromarray(pictures[2]),
        io.BytesIO(png(pictures[3])),
        pictures[4],
    ]
    assert [answer.label for answer in predictor.predict(mixed)] == ["1", "8", "3", "7", "2"]
    assert predictor.predict(tuple(pictures)) == predictor.predict(pictures)


def large(picture: Pixels) -> bytes:
    """A file that is decoded in a thread of its own."""
    buffer = io.BytesIO()
    Image.fromarray(picture).convert("RGB").save(buffer, "BMP")
    assert len(buffer.getvalue()) > QUICK_BYTES
    return buffer.getvalue()


def test_large_files_among_small_pictures_keep_their_order_and_their_errors(tmp_path: Path) -> None:
    tones = [0.05 + place % 10 / 10 for place in range(40)]
    mixed: list[PictureSource] = [
        tone(brightness) if place % 3 else large(tone(brightness, 90)) for place, brightness in enumerate(tones)
    ]
    path = tmp_path / "large.bmp"
    path.write_bytes(large(tone(0.75, 90)))
    reader = Predictor.load(write_tiny(tmp_path), "cpu", 3)
    assert [answer.label for answer in reader.predict([*mixed, path])] == [
        *(str(place % 10) for place in range(40)),
        "7",
    ]
    same = Image.open(path)  # loads when it is looked at, and stands there twice
    twice: list[PictureSource] = [path, same, path, same]
    assert [answer.label for answer in reader.predict(twice)] == ["7"] * 4
    with pytest.raises(PictureError, match=r"^picture 12: "):
        reader.predict([*mixed[:12], bytes(QUICK_BYTES), *mixed[12:], b"no picture"])


def test_a_picture_gets_the_same_answer_alone_and_among_others(predictor: Predictor) -> None:
    pictures = [tone(brightness) for brightness in np.linspace(0.02, 0.9, 600)]
    together = predictor.predict(pictures)
    assert together == [predictor.predict([picture])[0] for picture in pictures]


@pytest.mark.parametrize("shape", [(300, 10, 12), (300, 10, 12, 1), (300, 10, 12, 3), (1, 10, 12), (2, 1100, 2)])
def test_a_stack_of_pictures_gets_the_answers_of_a_list(predictor: Predictor, shape: tuple[int, ...]) -> None:
    stack = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert predictor.predict(stack) == predictor.predict(list(stack))


def test_probabilities_are_those_of_the_predictions(predictor: Predictor) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (150, 10, 12)).astype(np.uint8)
    answers = predictor.predict(stack)
    assert isinstance(answers, list)
    expected = [[answer.probabilities[name] for name in predictor.bundle.classes] for answer in answers]
    for pictures in (stack, list(stack), stack / 255):
        found = predictor.probabilities(pictures)
        assert found.dtype == np.float32
        assert np.array_equal(found, np.array(expected, np.float32))


def test_no_pictures_have_no_probabilities(predictor: Predictor) -> None:
    assert predictor.probabilities([]).shape == (0, 10)
    assert predictor.probabilities(np.zeros((0, 28, 28), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize(
    ("shape", "many"),
    [
        ((10, 12), None),
        ((10, 12, 1), None),
        ((10, 12, 3), None),
        ((10, 12, 4), None),
        ((10, 12, 12), 10),
        ((3, 12, 10), 3),
        ((10, 12, 10, 1), 10),
        ((2, 12, 10, 3), 2),
        ((2, 12, 10, 4), 2),
        ((2, 12, 3, 1), 2),
    ],
)
def test_an_array_is_one_picture_or_many_by_its_axes(
    predictor: Predictor, shape: tuple[int, ...], many: int | None
) -> None:
    answer = predictor.predict(np.zeros(shape, np.uint8))
    assert (len(answer) if isinstance(answer, list) else None) == many


@pytest.mark.parametrize("pictures", [[], (), np.zeros((0, 8, 8), np.uint8)])
def test_no_pictures_give_no_predictions(predictor: Predictor, pictures: Any) -> None:
    assert predictor.predict(pictures) == []
    assert predictor.images(pictures) == []


def test_the_numbers_are_plain_and_sum_to_one(predictor: Predictor) -> None:
    answer = predictor.predict(Image.fromarray(SEVEN))
    assert type(answer.confidence) is float
    assert {type(value) for value in answer.probabilities.values()} == {float}
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert list(answer.probabilities) == list(TINY.classes)
    assert answer.bundle == predictor.bundle.id


@pytest.mark.parametrize(
    ("picture", "verdict"),
    [
        (np.full((9, 9), 255, np.uint8), "blank"),
        (np.full((9, 9), 0, np.uint8), "blank"),
        (np.full((9, 9), 128, np.uint8), "blank"),
        (tone(0.75), "digit"),
        (tone(0.8), "unsure"),
        (np.array([[[255, 0, 0], [200, 0, 0]]], np.uint8), "not a digit"),
    ],
)
def test_every_verdict_can_be_reached(predictor: Predictor, picture: Pixels, verdict: str) -> None:
    assert predictor.predict([picture])[0].verdict == verdict


def test_a_bad_picture_in_a_list_is_named_by_its_place(predictor: Predictor) -> None:
    with pytest.raises(PictureError, match=r"^picture 1: "):
        predictor.predict([png(SEVEN), b"no picture"])
    with pytest.raises(PictureError, match=r"^lost\.png: "):
        predictor.predict([Path("lost.png")])


def test_the_images_are_what_the_graph_says_it_saw(predictor: Predictor) -> None:
    image = predictor.images(Image.fromarray(SEVEN))
    assert image.shape == (SIDE, SIDE)
    assert image.dtype == np.uint8
    assert abs(int(image[0, 0]) - 191) <= 1
    assert [int(seen[0, 0]) // 25 for seen in predictor.images([tone(0.15), tone(0.85, 30)])] == [1, 8]


def test_a_bundle_without_images_says_so(tmp_path: Path) -> None:
    predictor = opened(tmp_path, tiny_bundle(outputs=OUTPUTS))
    assert predictor.predict([SEVEN])[0].label == "7"
    with pytest.raises(BundleError, match="does not show what the model sees"):
        predictor.images([SEVEN])


def test_a_bundle_without_all_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: expected the input pixels and the outputs .*acceptance"):
        opened(tmp_path, tiny_bundle(outputs=OUTPUTS[:3]))


def test_a_bundle_with_another_number_of_classes_than_its_record_is_refused(tmp_path: Path) -> None:
    predictor = opened(tmp_path, signed(tiny_graph(10), replace(TINY, classes=("0", "1")).to_json()))
    with pytest.raises(BundleError, match="expected 2 probabilities per picture, got 10"):
        predictor.predict([SEVEN])
    with pytest.raises(BundleError, match="expected 2 probabilities per picture, got 10"):
        predictor.probabilities([SEVEN])


def test_a_graph_that_gives_no_numbers_is_an_error(tmp_path: Path) -> None:
    graph = tiny_graph(10)
    for constant in graph.initializer:
        if constant.name == "steep":
            constant.CopyFrom(onnx.numpy_helper.from_array(np.array(np.nan, np.float32), "steep"))
    predictor = opened(tmp_path, signed(graph, TINY.to_json()))
    with pytest.raises(BundleError, match="no numbers"):
        predictor.predict([SEVEN])
    with pytest.raises(BundleError, match="no numbers"):
        predictor.probabilities([SEVEN])


def test_a_graph_that_onnxruntime_cannot_open_is_a_bundle_error(tmp_path: Path) -> None:
    graph = tiny_graph(10)
    graph.node[0].op_type = "NoSuchOperation"
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.helper.set_model_props(model, {"digitkit": TINY.to_json()})
    content, _ = sign(model.SerializeToString())
    with pytest.raises(BundleError, match=r"model\.onnx: onnxruntime cannot open the graph"):
        opened(tmp_path, content)


def test_a_graph_that_fails_on_a_picture_is_a_bundle_error(tmp_path: Path) -> None:
    graph = tiny_graph(10)
    for constant in graph.initializer:
        if constant.name == "middles":
            constant.CopyFrom(onnx.numpy_helper.from_array(np.zeros((3, 7), np.float32), "middles"))
    predictor = opened(tmp_path, signed(graph, TINY.to_json()))
    with pytest.raises(BundleError, match=r"the graph failed|expected 2 answers"):
        predictor.predict([SEVEN, SEVEN])


@pytest.mark.parametrize(("device", "says"), [("cpuu", "Did you mean 'cpu'"), ("tpu", "device"), ("", "Known: auto")])
def test_an_unknown_device_is_a_bad_request(tmp_path: Path, device: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Predictor.load(write_tiny(tmp_path), device=device)


def test_cuda_where_there_is_none_is_a_bad_request(tmp_path: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(ConfigError, match="device=cuda: this onnxruntime has no CUDA"):
        Predictor.load(write_tiny(tmp_path), device="cuda")


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_than_one_thread_is_a_bad_request(tmp_path: Path, threads: int) -> None:
    with pytest.raises(ConfigError, match=f"threads must be 1 or more, got {threads}"):
        Predictor.load(write_tiny(tmp_path), threads=threads)


def test_any_number_of_threads_gives_the_same_answers(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    answers = [Predictor.load(path, "cpu", threads).predict([SEVEN, tone(0.31)]) for threads in (1, 3, None)]
    assert answers[0] == answers[1] == answers[2]


def test_one_predictor_serves_many_threads(predictor: Predictor) -> None:
    pictures = [tone(brightness, 10 + place % 7) for place, brightness in enumerate(np.linspace(0.05, 0.95, 60))]
    alone = [predictor.predict([picture])[0] for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: predictor.predict([picture])[0], pictures * 5))
    assert together == alone * 5


def test_digitkit_load_is_the_short_way_to_a_predictor(tmp_path: Path) -> None:
    path = write_tiny(tmp_path, "short")
    assert digitkit.load(str(path)).predict(Image.fromarray(SEVEN)).bundle.startswith("short@")


def test_opening_and_reading_write_nothing_to_the_terminal(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    code = "import sys, numpy, digitkit; digitkit.load(sys.argv[1]).predict(numpy.eye(9))"
    command = [sys.executable, "-W", "error", "-c", code, str(path)]
    search = {"PYTHONPATH": str(Path(digitkit.__file__).parents[1])}
    done = subprocess.run(command, env=os.environ | search, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
