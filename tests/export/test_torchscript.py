"""A run as one TorchScript file: the same answers from torch alone, whatever kind of tensor a program has."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from digitkit.core.bundle import Bundle
from digitkit.core.errors import BundleError
from digitkit.export import torchscript
from digitkit.export.torchscript import RECORD, as_bundles_take_them, check, open_pipeline, to_torchscript
from digitkit.learn.loader import as_colour
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.predictor import Predictor
from tests.conftest import DrawDigits
from tests.fixtures.runs import Trained

ALONE = """
import sys
import torch
model = torch.jit.load(sys.argv[1])
answer = model(torch.load(sys.argv[2], weights_only=True))
assert not [name for name in sys.modules if name.partition(".")[0] in ("digitkit", "onnxruntime")], "more than torch"
print(model.classes[int(answer.probabilities[0].argmax())], tuple(model.prepare(torch.rand(2, 1, 50, 40)).shape))
"""


@pytest.fixture(scope="module")
def written(trained: Trained, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scripted") / "small.pt"
    found = torchscript.export(trained.run, exported, trained.splits.test, path)
    assert (found.pictures, found.agreement) == (100, 1)
    return path


@pytest.fixture(scope="module")
def pipeline(written: Path) -> nn.Module:
    return open_pipeline(written.read_bytes())


def digits(drawn_digits: DrawDigits, side: int, count: int = 4) -> Tensor:
    """Drawn digits as torch has them: dark ink, uint8 (N,3,S,S)."""
    drawn = drawn_digits(count, np.random.default_rng(side), side=side)
    pixels = as_colour(255 - np.stack([drawn.pictures[index] for index in range(count)]))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("side", [20, 28, 65, 300])
def test_the_pipeline_answers_as_the_bundle_does(
    pipeline: nn.Module, exported: Path, drawn_digits: DrawDigits, side: int
) -> None:
    pixels = digits(drawn_digits, side)
    theirs = Predictor.load(exported, "cpu", 1).probabilities(pixels.permute(0, 2, 3, 1).numpy())
    assert np.abs(pipeline(pixels).probabilities.numpy() - theirs).max() < 1e-4


@pytest.mark.parametrize("side", [28, 40])
def test_float_pictures_of_any_size_get_the_answers_of_whole_numbers(
    pipeline: nn.Module, drawn_digits: DrawDigits, side: int
) -> None:
    """A size that needs no resizing is no reason to leave a step out."""
    pixels = digits(drawn_digits, side)
    expected = pipeline(pixels)
    for floats in (pixels.float() / 255, pixels.double() / 255):
        assert all(torch.equal(mine, its) for mine, its in zip(pipeline(floats), expected, strict=True))


def test_grey_pictures_and_single_ones_get_the_same_answers(pipeline: nn.Module, drawn_digits: DrawDigits) -> None:
    pixels = digits(drawn_digits, 33)
    expected = pipeline(pixels).probabilities
    assert torch.equal(pipeline(pixels[:, :1]).probabilities, expected)
    assert torch.allclose(pipeline(pixels[0]).probabilities, expected[:1], atol=1e-5)
    assert torch.allclose(pipeline(pixels[0, :1].float() / 255).probabilities, expected[:1], atol=1e-5)


def test_prepare_alone_shows_what_the_network_sees(pipeline: nn.Module, drawn_digits: DrawDigits) -> None:
    pixels = digits(drawn_digits, 70)
    seen = pipeline.prepare(pixels.float() / 255)  # type: ignore[operator]
    assert seen.shape == (4, 1, 28, 28)
    assert 0 <= float(seen.min()) < 0.1 < 0.9 < float(seen.max()) <= 1
    assert torch.equal((seen * 255).round().to(torch.uint8), pipeline(pixels).image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (16, 90)])
def test_noise_of_any_shape_has_an_answer(pipeline: nn.Module, shape: tuple[int, int]) -> None:
    answer = pipeline(torch.rand(2, 3, *shape))
    assert answer.probabilities.shape == (2, 10)
    assert all(values.isfinite().all() for values in answer[:4])


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (torch.rand(2, 1, 28, 28) * 255, r"must lie in 0\.\.1"),
        (torch.randn(2, 1, 28, 28), r"must lie in 0\.\.1"),
        (torch.full((1, 1, 28, 28), torch.nan), r"must lie in 0\.\.1"),
        (torch.zeros(28, 28, dtype=torch.uint8), r"\(N,C,H,W\) or \(C,H,W\)"),
        (torch.zeros(1, 28, 28, 3, dtype=torch.uint8), "1 or 3 channels"),
        (torch.zeros(1, 1, 28, 28, dtype=torch.int64), "uint8, or as floats"),
    ],
)
def test_tensors_that_are_no_pictures_are_refused(pipeline: nn.Module, pixels: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_bundles_take_them(pixels)
    with pytest.raises(torch.jit.Error, match=message):
        pipeline(pixels)


def test_the_file_needs_torch_and_nothing_else(
    written: Path, pipeline: nn.Module, drawn_digits: DrawDigits, tmp_path: Path
) -> None:
    pixels = digits(drawn_digits, 28)
    torch.save(pixels, tmp_path / "pixels.pt")
    command = [sys.executable, "-W", "ignore", "-c", ALONE, str(written), str(tmp_path / "pixels.pt")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    best = int(pipeline(pixels).probabilities[0].argmax())
    assert done.stdout.split(maxsplit=1) == [str(best), "(2, 1, 28, 28)\n"]


def test_the_file_holds_the_record_of_its_bundle_and_gives_nothing_of_its_maker_away(
    written: Path, exported: Path
) -> None:
    content = written.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        [record] = [parts.read(name).decode() for name in parts.namelist() if name.endswith(RECORD)]
        text = "".join(parts.read(name).decode("latin-1") for name in parts.namelist())
    assert Bundle.from_json(record, "the file") == read_bundle(exported)[0]
    assert str(Path(torchscript.__file__).parent) not in text
    assert "torchscript.py" not in text


def test_a_file_that_differs_from_its_bundle_is_refused(trained: Trained, exported: Path) -> None:
    from digitkit.export.readers import graph_of

    graph, (record, signed) = graph_of(trained.run), read_bundle(exported)
    with torch.no_grad():
        for weight in graph.reader.network.parameters():
            weight.mul_(0.9)
    with pytest.raises(BundleError, match="The TorchScript file differs from the bundle"):
        check(to_torchscript(graph, record), signed, trained.splits.test)
