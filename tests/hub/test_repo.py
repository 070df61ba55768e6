from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError, HubError, StoreError
from digitkit.hub import caches
from digitkit.hub.repo import Repo
from tests.fixtures.hub_server import TOKEN, FakeHub
from tests.hub.conftest import LARGE, cache_of, keep_still


@pytest.mark.parametrize("name", ["digits", "a/b/c", "../digits", "alice/..", "alice/", "/digits", "al ice/x", ""])
def test_a_name_that_is_not_user_and_repo_is_refused_before_the_hub_is_asked(hub: FakeHub, name: str) -> None:
    with pytest.raises(ConfigError, match="expected USER/REPO"):
        Repo.open(name, "model")
    assert hub.requests == []


@pytest.mark.parametrize("name", ["alice/a--b", "alice/x.git", "alice/" + "x" * 100])
def test_a_name_that_no_hub_takes_is_refused(hub: FakeHub, name: str) -> None:
    with pytest.raises(ConfigError, match="no name of a repository"):
        Repo.open(name, "model").create(public=False)
    assert hub.requests == []


@pytest.mark.parametrize("public", [False, True])
def test_a_new_repository_is_private_unless_said_otherwise(hub: FakeHub, data: Repo, public: bool) -> None:
    data.create(public)
    assert hub.repos["dataset", "alice/digits"].private is not public
    assert b'"visibility":"private"' in hub.requests[0].body.replace(b" ", b"") or public


def test_a_private_repository_that_exists_is_taken_as_it_is(hub: FakeHub, data: Repo) -> None:
    hub.hold("dataset", "alice/digits", {"old": b"1"})
    data.create(public=False)
    assert list(data.contents().files) == ["old"]


def test_a_public_repository_is_refused_when_nobody_said_public(hub: FakeHub, data: Repo) -> None:
    hub.hold("dataset", "alice/digits", {}, private=False)
    with pytest.raises(ConfigError, match="alice/digits is public, so all could see"):
        data.create(public=False)
    data.create(public=True)
    assert hub.asked("POST /api/datasets") == []


def test_a_commit_holds_the_named_files_and_no_others(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(LARGE)
    (tmp_path / "secret.txt").write_text("mine")
    data.create(public=False)
    listing = data.send({"toy/images": tmp_path / "images", "toy/facts.json": b"{}"}, "toy", keep_still)
    held = hub.repos["dataset", "alice/digits"].files()
    assert held is not None
    assert {name: held[name] for name in held if name != ".gitattributes"} == {
        "toy/images": LARGE,
        "toy/facts.json": b"{}",
    }
    assert not any(b"secret" in one.body or b"mine" in one.body for one in hub.requests)
    assert set(listing.files) == set(held)


def test_a_large_file_that_the_hub_has_is_not_sent_again(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(LARGE)
    data.create(public=False)
    data.send({"images": tmp_path / "images"}, "first", keep_still)
    assert len(hub.asked("PUT")) == 1
    data.send({"again": tmp_path / "images"}, "second", keep_still)
    assert len(hub.asked("PUT")) == 1
    assert set(data.contents().files) == {".gitattributes", "images", "again"}


def test_sending_says_how_far_it_is(data: Repo, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(LARGE)
    data.create(public=False)
    seen: list[tuple[str, int, int]] = []
    data.send({"images": tmp_path / "images"}, "toy", lambda *step: seen.append(step))
    assert seen[-1] == ("images", len(LARGE), len(LARGE))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_file_that_vanished_from_this_machine_is_said(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    data.create(public=False)
    with pytest.raises(StoreError, match=r"a file of this machine cannot be used .*images"):
        data.send({"images": tmp_path / "images"}, "toy", keep_still)
    assert hub.asked("POST /api/datasets") == []


def test_a_file_that_the_repository_ignores_is_noticed(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(LARGE)
    hub.ignores.add("images")
    data.create(public=False)
    with pytest.raises(HubError, match="alice/digits does not hold images as it was sent"):
        data.send({"images": tmp_path / "images", "labels.json": b"{}"}, "toy", keep_still)


def test_nothing_is_sent_without_a_token(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match=r"No token.*hf auth login.*HF_TOKEN"):
        Repo.open("alice/digits", "dataset").create(public=False)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("start", "status", "message"),
    [
        ("POST /api/repos", 403, "does not allow this on alice/digits"),
        ("POST /api/repos", 400, "refused, for alice/digits"),
        ("POST /api/repos", 503, "cannot answer now"),
        ("POST /api/datasets/alice/digits/preupload", 403, "does not allow"),
        ("PUT /lfs", 403, "does not allow"),
        ("POST /lfs/verify", 404, "does not find"),
        ("POST /api/datasets/alice/digits/commit", 413, "refused, for alice/digits"),
        ("POST /api/datasets/alice/digits/commit", 200, "does not answer as a hub does"),
    ],
)
def test_a_hub_that_refuses_is_one_message_without_the_token(
    hub: FakeHub, data: Repo, tmp_path: Path, start: str, status: int, message: str
) -> None:
    (tmp_path / "images").write_bytes(LARGE)
    hub.refuses[start] = status, f"no,\n\x1b[31m{TOKEN} may not"
    with pytest.raises(HubError, match=message) as caught:
        caches.push(data, cache_of(tmp_path, {"images": LARGE}), False, keep_still)
    assert TOKEN not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_wrong_token_is_refused_with_the_cure(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.hold("model", "alice/reader", {})
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match=r"does not accept the token .*Log in with `hf auth login`") as caught:
        Repo.open("alice/reader", "model").contents()
    assert "hf_wrong" not in str(caught.value)


def test_a_stranger_is_told_to_log_in(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.hold("model", "alice/reader", {})
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match=r"no model repository alice/reader, or it is private\. Log in"):
        Repo.open("alice/reader", "model").contents()


def test_an_absent_repository_and_an_absent_revision_are_told_apart(hub: FakeHub, model: Repo) -> None:
    with pytest.raises(HubError, match=r"has no model repository alice/reader, or the token may not see it"):
        model.contents()
    hub.hold("model", "alice/reader", {})
    with pytest.raises(HubError, match=r"alice/reader on 127.* has no revision 'v9'"):
        model.contents("v9")


def test_a_hub_that_is_away_is_said_in_one_line(data: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "https://user:pass@hub.invalid")
    with pytest.raises(HubError, match=r"^hub\.invalid cannot be reached .*HF_ENDPOINT, try again\.$") as caught:
        Repo.open("alice/digits", "dataset").contents()
    assert "pass" not in str(caught.value)


def test_a_hub_is_not_asked_in_offline_mode(hub: FakeHub, data: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        data.contents()
    assert hub.requests == []


def test_the_library_reports_nothing_of_its_own(hub: FakeHub, data: Repo) -> None:
    hub.hold("dataset", "alice/digits", {})
    data.contents()
    data.create(public=False)
    assert {one.path for one in hub.requests} <= {"/api/repos/create", "/api/datasets/alice/digits/revision/main"}
    assert {one.agent for one in hub.requests if "torch" in one.agent or "agent/" in one.agent} == set()
