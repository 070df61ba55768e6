"""A tracker hears everything once and in order, and nothing that befalls it reaches the training."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn.trackers import TRACKERS
from digitkit.learn.trackers import threads as at_work
from digitkit.learn.trackers.threads import Trackers, TrackerThread, check_trackers
from digitkit.learn.trackers.tracker import Entry, Tracked


def is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


class Notebook:
    """A tracker that writes down what it hears; it fails at a step where it is asked to."""

    def __init__(self, heard: list[object], run_id: str = "", fails_at: int = -1) -> None:
        self.heard, self.run_id, self.fails_at = heard, run_id or "new", fails_at

    def record(self, step: int, values: Mapping[str, float]) -> None:
        if step == self.fails_at:
            raise ConnectionResetError("the server is gone\nand more lines")
        self.heard.append((step, dict(values)))

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        self.heard.append((step, *paths))

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        self.heard.append((figures, list(files)))


class Table:
    """One run folder with everything that its trackers hear and say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[object] = []
        self.said: list[str] = []

    def trackers(self, start: Callable[[Tracked], Notebook] | None = None) -> Trackers:
        begin = start or (lambda tracked: Notebook(self.heard, tracked.run_id))
        tracked = Tracked("seven", {"seed": 1}, self.folder, "", 0, self.said.append)
        return Trackers([TrackerThread("notebook", Entry("json", begin), tracked)])


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_records_pictures_and_the_end_are_told_in_order(table: Table) -> None:
    trackers, file = table.trackers(), table.folder / "a.png"
    trackers.record(3, {"step": 3, "train_loss": 0.5, "drawn": [{"epoch": 1}], "ended": "early"})
    trackers.pictures(3, {"confusion": file, "grid": file})
    trackers.end({"val_accuracy": 0.9}, [file])
    assert table.heard == [(3, {"train_loss": 0.5}), (3, "confusion"), (3, "grid"), ({"val_accuracy": 0.9}, [file])]
    assert table.said == []


def test_a_resumed_run_tells_nothing_twice_and_keeps_its_tracker_run(table: Table) -> None:
    first = table.trackers(lambda tracked: Notebook(table.heard, "41c"))
    for step in (1, 2, 3):
        first.record(step, {"lr": 0.1})
    first.pictures(2, {"grid": table.folder / "a.png"})
    first.end()
    resumed: list[tuple[str, int]] = []

    def start(tracked: Tracked) -> Notebook:
        resumed.append((tracked.run_id, tracked.told))
        return Notebook(table.heard, tracked.run_id)

    table.heard.clear()
    second = table.trackers(start)
    for step in (2, 3, 4):  # the checkpoint was older than what had been told
        second.record(step, {"lr": 0.1})
        second.pictures(step, {"grid": table.folder / "a.png"})
    second.end()
    assert resumed == [("41c", 4)]
    assert table.heard == [(3, "grid"), (4, {"lr": 0.1}), (4, "grid"), (None, [])]


def test_a_tracker_that_fails_is_said_once_and_left_alone(table: Table) -> None:
    trackers = table.trackers(lambda tracked: Notebook(table.heard, fails_at=2))
    for step in (1, 2, 3):
        trackers.record(step, {"lr": 0.1})
    trackers.end({}, [])
    assert table.heard == [(1, {"lr": 0.1})]
    assert len(table.said) == 1
    assert table.said[0].startswith("notebook: the server is gone. The training goes on without it")


def test_a_tracker_that_cannot_start_is_said_once(table: Table) -> None:
    def start(tracked: Tracked) -> Notebook:
        raise PermissionError("no room")

    trackers = table.trackers(start)
    trackers.record(1, {"lr": 0.1})
    trackers.end({}, [])
    assert len(table.said) == 1
    assert "no room" in table.said[0]


def test_a_tracker_that_never_answers_is_not_waited_for(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_work, "LAST_WAIT_S", 0.1)
    released = threading.Event()

    def start(tracked: Tracked) -> Notebook:
        released.wait(20)
        return Notebook(table.heard)

    begun = time.monotonic()
    trackers = table.trackers(start)
    trackers.record(1, {"lr": 0.1})
    trackers.end({}, [])
    waited = time.monotonic() - begun
    released.set()
    assert waited < 10
    assert table.said == ["notebook: has not answered for 0 s; digitkit goes on without it."]


def test_the_end_is_told_once(table: Table) -> None:
    trackers = table.trackers()
    trackers.record(1, {"lr": 0.1})
    trackers.end({"a": 1.0}, [])
    trackers.end()
    assert table.heard == [(1, {"lr": 0.1}), ({"a": 1.0}, [])]


def test_a_training_that_does_not_begin_leaves_no_run_in_a_tracker(table: Table) -> None:
    begun: list[Tracked] = []

    def start(tracked: Tracked) -> Notebook:
        begun.append(tracked)
        return Notebook(table.heard)

    table.trackers(start).end()
    assert (begun, table.heard, table.said) == ([], [], [])
    assert not (table.folder / "trackers").exists()


def test_what_was_told_is_kept_in_the_run(table: Table) -> None:
    trackers = table.trackers()
    trackers.record(7, {"lr": 0.1})
    trackers.end()
    kept = json.loads((table.folder / "trackers" / "notebook.json").read_text())
    assert kept == {"run_id": "new", "told": {"record": 7}, "count": 1}


def test_a_damaged_note_of_what_was_told_is_no_reason_to_stop(table: Table) -> None:
    note = table.folder / "trackers" / "notebook.json"
    note.parent.mkdir()
    note.write_text("[1, 2")
    trackers = table.trackers()
    trackers.record(1, {"lr": 0.1})
    trackers.end({}, [])
    assert (len(table.said), table.heard) == (1, [])


@pytest.mark.parametrize("name", TRACKERS)
def test_an_absent_tracker_is_named_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_work, "find_spec", lambda package: None)
    with pytest.raises(ConfigError, match=rf"{name}, which is not installed: pip install 'digitkit\[{name}\]'"):
        check_trackers([name])


def test_a_folder_that_is_called_as_a_tracker_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trackio").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    if is_installed("trackio"):
        pytest.skip("trackio is installed here")
    with pytest.raises(ConfigError, match="not installed"):
        check_trackers(["trackio"])


def test_an_unknown_tracker_stops_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"Unknown tracker 'tensorbord'. Did you mean 'tensorboard'\?"):
        check_trackers(["tensorbord"])
