"""Two runs become one bundle in which the second is asked only where the first is not sure."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from digitkit.export import quantise, torchscript
from digitkit.export.cascade import join_in_turn
from digitkit.export.ensemble import export
from digitkit.export.members import open_members
from digitkit.export.torchscript import open_pipeline, reading
from digitkit.learn.cascade import Cascade
from digitkit.learn.loader import as_colour
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.session import Session
from tests.fixtures.joined import Written
from tests.fixtures.runs import Trained, sibling, train_small


@pytest.fixture(scope="module")
def written(drawn_source: str, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("cascade")
    first = train_small(drawn_source, folder / "first", ["prepare.mode=photo"]).run.path
    runs = [first, sibling(first, folder / "second", 1)]
    quick, thorough = sorted(open_members(runs), key=lambda member: member.name)
    joined = join_in_turn(quick, thorough, trained.splits, 1, 1.0)
    path = folder / "two.onnx"
    return Written(runs, joined, path, *export(joined, trained.splits, path, trained.splits.test))


def test_the_file_says_what_torch_says_however_many_are_asked_again(trained: Trained, written: Written) -> None:
    session, network = Session(written.path.read_bytes(), "two", device="cpu"), written.joined.network
    assert isinstance(network, Cascade)
    plain = as_colour(np.stack([trained.splits.test.pictures[index] for index in range(60)]))
    pixels = np.concatenate([plain[:30], np.minimum(plain[:30], plain[30:])])  # two digits in one are doubtful
    with torch.inference_mode():
        graph = written.joined.graph()
        best = network.quick(graph.prepare(torch.from_numpy(pixels)).image).softmax(1).amax(1).numpy()
    order = np.argsort(best)
    sure = int((best >= network.sure).sum())
    assert 1 < sure < len(pixels) - 1, "the pictures are all of one kind, so nothing is tested"
    # All are sure, none is, one of many, one alone.
    for some in (order[-sure:], order[:-sure], [*order[-sure:], order[0]], order[:1], order[-1:]):
        [said] = session.run(["probabilities"], pixels[some])
        with torch.inference_mode():
            wanted = graph(torch.from_numpy(pixels[some])).probabilities.numpy()
        assert np.abs(said - wanted).max() < 1e-5
        assert said.sum(1) == pytest.approx(1, abs=1e-5)


def test_the_record_tells_both_runs_and_how_many_are_asked_again(written: Written) -> None:
    record, _ = read_bundle(written.path)
    assert record == written.record
    assert [member["run"] for member in record.members] == ["first", "second"]
    assert record.report["asked"] == written.joined.asked
    assert (record.joined_as, record.temperature, record.name) == ("a cascade", 1.0, "tiny-x2")
    val = record.report["val"]
    assert isinstance(val, dict)
    assert val["accuracy"] == pytest.approx(written.joined.selection.chosen.accuracy)
    assert written.parity.difference < 1e-4


def test_it_becomes_torchscript_and_8_bits(trained: Trained, written: Written, tmp_path: Path) -> None:
    torchscript.export_graph(written.joined.graph(), written.path, trained.splits.test, tmp_path / "two.pt")
    pixels = as_colour(np.stack([trained.splits.test.pictures[index] for index in range(30)]))
    [said] = Session(written.path.read_bytes(), "two", device="cpu").run(["probabilities"], pixels)
    answers = reading(open_pipeline((tmp_path / "two.pt").read_bytes()))(pixels)
    assert np.abs(answers - said).max() < 1e-5
    record, figures = quantise.export(
        written.path, tmp_path / "int8.onnx", trained.splits.primary, {"val": trained.splits.val}
    )
    assert record.joined_as == "a cascade"
    assert figures["val"]["agreement"] >= 0.95


def test_views_are_each_read_in_turn(trained: Trained, written: Written) -> None:
    members = sorted(open_members(written.runs), key=lambda member: member.name)
    joined = join_in_turn(members[0], members[1], trained.splits, 5, 1.0)
    assert joined.graph().reader.view_count == 5
    assert joined.val.loss == pytest.approx(joined.selection.chosen.loss, rel=1e-3)
    assert json.dumps(joined.val.to_plain())


def test_who_can_wait_lets_it_ask_more_often(trained: Trained, written: Written) -> None:
    members = sorted(open_members(written.runs), key=lambda member: member.name)
    seldom, often = (join_in_turn(members[0], members[1], trained.splits, 1, share).asked for share in (0.0, 1.0))
    assert seldom is not None
    assert often is not None
    assert seldom < often
