"""Every tracker for real, without a network: what was told is read back from its own files."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitkit.learn.trackers import TRACKERS
from digitkit.learn.trackers.tracker import Tracked, Tracker

RECIPE = {"seed": 3, "optim": {"name": "sgd", "lr": 0.1}}
BLOCK = 32_768  # bytes, of the log that W&B writes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder, for a user who has set nothing, is logged in nowhere and wants no reports of usage."""
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "TRACKIO_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    run = tmp_path / "runs" / "seven"
    run.mkdir(parents=True)
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(run / "grid.png")
    (run / "report.json").write_text('{"n": 1}')
    return run


def start(name: str, folder: Path, said: list[str], run_id: str = "", told: int = 0) -> Tracker:
    return TRACKERS[name].start(Tracked("seven", RECIPE, folder, run_id, told, said.append))


def train_twice(name: str, folder: Path, said: list[str]) -> str:
    """A run that is stopped after step 1 and ends after step 2; the id in the tracker, the same both times."""
    first = start(name, folder, said)
    first.record(1, {"train_loss": 2.5, "lr": 0.1})
    first.end(None, [])
    second = start(name, folder, said, first.run_id, 1)
    second.record(2, {"train_loss": 1.5, "lr": 0.05})
    second.pictures(1, {"grid": folder / "grid.png"})  # drawn later than it was scored
    second.end({"val_accuracy": 0.75}, [folder / "report.json"])
    assert second.run_id == first.run_id
    return second.run_id


@pytest.mark.filterwarnings("ignore::DeprecationWarning:(tensorboard|google|pkg_resources)")
def test_tensorboard_shows_both_pieces_of_a_run(folder: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    event_accumulator = import_module("tensorboard.backend.event_processing.event_accumulator")
    train_twice("tensorboard", folder, [])
    events = event_accumulator.EventAccumulator(str(folder / "trackers" / "tensorboard"), size_guidance={"tensors": 0})
    events.Reload()
    assert [(each.step, each.value) for each in events.Scalars("train_loss")] == [(1, 2.5), (2, 1.5)]
    assert [each.step for each in events.Images("grid")] == [1]
    texts = {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in events.Tags()["tensors"]}
    assert "lr: 0.1" in texts["recipe/text_summary"]
    assert "val_accuracy: 0.75" in texts["report/text_summary"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_mlflow_keeps_both_pieces_of_a_run_in_a_database_beside_it(folder: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    run_id = train_twice("mlflow", folder, [])
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder.parent / 'mlflow.db'}")
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "seven"
    assert run.data.params["optim.lr"] == "0.1"
    assert run.data.metrics["final_val_accuracy"] == 0.75
    assert [(each.step, each.value) for each in client.get_metric_history(run_id, "train_loss")] == [(1, 2.5), (2, 1.5)]
    names = {artifact.path for artifact in client.list_artifacts(run_id)}
    assert {"report.json", "images"} <= names
    [image] = [each.path for each in client.list_artifacts(run_id, "images") if each.path.endswith("png")]
    assert image.startswith("images/grid+step+1+")
    assert not (Path.cwd() / "mlruns").exists()


@pytest.fixture
def wandb_at_rest() -> Iterator[None]:
    """W&B takes some doors of the interpreter for itself; here they are given back."""
    before = (sys.excepthook, sys.exit)
    yield
    if wandb := sys.modules.get("wandb"):
        wandb.teardown()
    sys.excepthook, sys.exit = before


@pytest.mark.usefixtures("wandb_at_rest")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(wandb|google|pydantic|sentry_sdk)")
def test_wandb_without_a_login_runs_offline_and_says_so(folder: Path) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    said: list[str] = []
    run_id = train_twice("wandb", folder, said)
    assert said
    assert all("nobody is logged in, so it runs offline" in line for line in said)
    deadline = time.monotonic() + 30
    while kinds(records := offline_records(folder, run_id)).count("exit") < 2:
        assert time.monotonic() < deadline, "W&B has not written the end of the run"
        time.sleep(0.05)  # its own process writes, some time after `finish` is back
    history = [items(record.history.item) for record in records if record.WhichOneof("record_type") == "history"]
    losses = [(row["step"], row["train_loss"]) for row in history if "train_loss" in row]
    assert losses == [(1, 2.5), (2, 1.5)]
    assert [row["step"] for row in history if "grid._type" in row] == [1]
    assert [row["_step"] for row in history] == [0, 1, 2]  # so that `wandb sync` joins the pieces
    assert "artifact" in kinds(records)


def kinds(records: list[Any]) -> list[str]:
    return [record.WhichOneof("record_type") for record in records]


def offline_records(folder: Path, run_id: str) -> list[Any]:
    logs = sorted((folder / "trackers" / "wandb").glob(f"offline-run-*-{run_id}*/*.wandb"))
    return [record for log in logs for record in wandb_records(log)]


def items(pairs: Any) -> dict[str, Any]:
    return {each.key or ".".join(each.nested_key): json.loads(each.value_json) for each in pairs}


def wandb_records(path: Path) -> Iterator[Any]:
    """The records of an offline run: a LevelDB log, each block of 32 kB in pieces of checksum, length and kind."""
    record = import_module("wandb.proto.wandb_internal_pb2").Record
    content, place, whole = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        if not kind:
            return
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # all of it, or the last piece
            yield record.FromString(whole)
            whole = b""


def test_trackio_takes_both_pieces_of_a_run(folder: Path) -> None:
    pytest.importorskip("trackio", reason="trackio wants an older Pillow, so it is in no locked environment")
    run_id = train_twice("trackio", folder, [])
    rows = import_module("trackio.sqlite_storage").SQLiteStorage.get_logs("digitkit", run_id)
    assert [(row["step"], row["train_loss"]) for row in rows if "train_loss" in row] == [(1, 2.5), (2, 1.5)]
    assert [row["step"] for row in rows if "grid" in row] == [1]
    assert [row["final_val_accuracy"] for row in rows if "final_val_accuracy" in row] == [0.75]
