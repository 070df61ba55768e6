"""The champion is exchanged while requests run, and an id asks for any other bundle of the registry."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest
from fastapi.testclient import TestClient

from digitkit.core.errors import BundleError
from digitkit.runtime.bundle import read_bundle
from digitkit.service.readers import Readers
from digitkit.service.registered import location_of
from digitkit.store import Store
from digitkit.store.tables import promotions
from tests.fixtures.bundles import tone, write_tiny
from tests.service.conftest import png, serving

PATIENCE_S = 30


def register(store: Store, path: Path) -> str:
    """Make a bundle known, and give its id."""
    return store.bundles.register(read_bundle(path)[0], str(path)).id


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    pause = Event()
    for _ in range(PATIENCE_S * 100):
        if holds():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


def test_a_new_champion_answers_without_restart_and_without_a_failed_request(
    database: Path, store: Store, tmp_path: Path
) -> None:
    bundles = [register(store, write_tiny(tmp_path, name)) for name in ("first", "second")]
    picture, seen, statuses, done = png(tone(0.75)), list[str](), set[int](), Event()

    def draw(client: TestClient) -> None:
        while not done.is_set():
            answer = client.post("/v1/predict", content=picture)
            statuses.add(answer.status_code)
            bundle = answer.json()["answers"][0]["prediction"]["bundle"]
            if seen[-1:] != [bundle]:
                seen.append(bundle)

    with serving(database=str(database), champion_poll_s=0.05) as client:
        drawing = Thread(target=draw, args=(client,))
        drawing.start()
        for bundle in bundles:
            store.bundles.promote(bundle, "the tests")
            until(lambda bundle=bundle: seen[-1:] == [bundle])  # type: ignore[misc]
        done.set()
        drawing.join()
    assert statuses == {200}
    assert seen[-2:] == bundles


def test_the_champion_of_the_registry_answers_from_the_start(database: Path, store: Store, tmp_path: Path) -> None:
    store.bundles.promote(register(store, write_tiny(tmp_path)), "the tests")
    with serving(database=str(database)) as client:
        assert client.get("/v1/bundles").json()["champion"].startswith("tiny@")


def test_a_bundle_that_is_named_is_not_exchanged(database: Path, store: Store, tmp_path: Path) -> None:
    store.bundles.promote(register(store, write_tiny(tmp_path)), "the tests")
    with serving(database=str(database), bundle="default", champion_poll_s=0.05) as client:
        assert client.get("/v1/bundles").json()["champion"].startswith("default@")
        assert client.app.state.service.following is None  # type: ignore[attr-defined]


def test_a_bundle_of_the_registry_is_asked_for_by_its_id(database: Path, store: Store, tmp_path: Path) -> None:
    other = register(store, write_tiny(tmp_path))
    with serving(database=str(database)) as client:
        answer = client.post("/v1/predict", content=png(tone(0.75)), params={"bundle": other})
        assert answer.json()["answers"][0]["prediction"]["bundle"] == other
        assert other in [bundle["id"] for bundle in client.get("/v1/bundles").json()["bundles"]]
    with serving(database=str(database), bundle=other) as client:
        assert client.get("/v1/bundles").json()["champion"] == other


def test_a_file_may_lie_where_its_path_looks_like_an_id(database: Path, tmp_path: Path) -> None:
    (tmp_path / "me@home").mkdir()
    path = write_tiny(tmp_path / "me@home")
    with serving(database=str(database), bundle=str(path)) as client:
        assert client.get("/v1/bundles").json()["champion"].startswith("tiny@")


def test_a_registered_bundle_whose_file_is_gone_is_not_found(database: Path, store: Store, tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    other = register(store, path)
    path.unlink()
    with serving(database=str(database)) as client:
        answer = client.post("/v1/predict", content=png(tone(0.75)), params={"bundle": other})
        assert answer.status_code == 404
        assert str(tmp_path) not in answer.text


def test_a_champion_that_cannot_be_opened_leaves_the_old_one(store: Store, tmp_path: Path) -> None:
    first, second = write_tiny(tmp_path, "first"), write_tiny(tmp_path, "second")
    store.bundles.promote(register(store, first), "the tests")
    readers = Readers("champion", store, lambda old, new: None)
    readers.open()
    broken = register(store, second)
    second.write_bytes(first.read_bytes())
    store.bundles.promote(broken, "the tests")
    readers.follow()
    assert readers.champion.bundle.name == "first"


def test_while_the_database_is_away_the_last_champion_answers(database: Path, store: Store, tmp_path: Path) -> None:
    store.bundles.promote(register(store, write_tiny(tmp_path)), "the tests")
    readers = Readers("champion", store, lambda old, new: None)
    readers.open()
    store.close()
    database.rename(tmp_path / "moved.sqlite")
    readers.follow()
    assert readers.champion.bundle.name == "tiny"


def test_who_asks_for_a_bundle_of_a_silent_database_keeps_nobody_from_reading() -> None:
    picture = png(tone(0.75))
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as pool:
        place = f"postgresql://digitkit@127.0.0.1:{silent.getsockname()[1]}/digitkit"
        with serving(database=place, bundle="default", threads=1) as client:
            asked = [pool.submit(client.post, "/v1/predict", content=picture, params={"bundle": "x@0"}) for _ in "ab"]
            connected = silent.accept()[0]  # it hears, and says nothing
            assert client.post("/v1/predict", content=picture).status_code == 200
            assert not any(each.done() for each in asked)
            silent.close()
            connected.close()
            assert [each.result().status_code for each in asked] == [503, 503]


def test_a_bundle_that_cannot_be_opened_stops_the_start(database: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no bundle")
    with pytest.raises(BundleError), serving(database=str(database), bundle=str(tmp_path / "broken.onnx")):
        raise AssertionError("it started")


def test_a_registry_that_was_exchanged_for_one_without_a_champion_is_followed(store: Store, tmp_path: Path) -> None:
    store.bundles.promote(register(store, write_tiny(tmp_path)), "the tests")
    readers = Readers("champion", store, lambda old, new: None)
    readers.open()
    assert readers.champion.bundle.name == "tiny"
    store.database.write(lambda connection: connection.execute(promotions.delete()))  # as a restored backup has it
    readers.follow()
    assert readers.champion.bundle.name == "default"


def test_a_bundle_that_ships_is_known_by_its_id(store: Store) -> None:
    record = read_bundle("default-int8")[0]
    row = store.bundles.register(record)
    assert (row.location, location_of(row)) == (None, "default-int8")
