from pathlib import Path

import pytest

from digitkit.core.errors import HubError, StoreError
from digitkit.hub.repo import Listing, Repo
from tests.fixtures.hub_server import TOKEN, FakeHub, digest
from tests.hub.conftest import LARGE, keep_still


@pytest.fixture
def listing(hub: FakeHub, data: Repo) -> Listing:
    """A repository that holds one large file."""
    hub.hold("dataset", "alice/digits", {"images": LARGE})
    return data.contents()


def ranges(hub: FakeHub) -> list[str]:
    """Which parts of large files were asked for."""
    return [one.range for one in hub.asked("GET /cdn")]


def test_a_file_comes_as_it_is_and_says_how_far_it_is(data: Repo, listing: Listing, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    data.bring("images", listing, tmp_path / "part", lambda *step: seen.append(step))
    assert (tmp_path / "part").read_bytes() == LARGE
    assert seen[-1] == ("images", len(LARGE), len(LARGE))


def test_a_connection_that_is_cut_goes_on_where_it_broke(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    hub.breaks_after[digest(LARGE)] = [300_000, 200_000]
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").read_bytes() == LARGE
    assert ranges(hub) == ["", "bytes=300000-", "bytes=500000-"]


def test_what_an_earlier_process_brought_is_not_brought_again(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    (tmp_path / "part").write_bytes(LARGE[:400_000])
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").read_bytes() == LARGE
    assert ranges(hub) == ["bytes=400000-"]


def test_a_part_that_is_whole_is_taken_without_asking(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    (tmp_path / "part").write_bytes(LARGE)
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert ranges(hub) == []


def test_a_part_that_is_too_long_is_thrown_away(hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(LARGE + b"more")
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").read_bytes() == LARGE
    assert ranges(hub) == [""]


def test_a_hub_without_ranges_sends_all_of_it_again(hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path) -> None:
    hub.does_ranges = False
    (tmp_path / "part").write_bytes(b"x" * 400_000)
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").read_bytes() == LARGE


def test_a_hub_that_refuses_the_rest_is_asked_for_all_of_it(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    hub.gives[digest(LARGE)] = LARGE[:1_000]  # shorter than what is here already
    (tmp_path / "part").write_bytes(LARGE[:2_000])
    with pytest.raises(HubError, match="1,000 of 1,024,000 bytes are kept"):
        data.bring("images", listing, tmp_path / "part", keep_still)
    assert ranges(hub)[:2] == ["bytes=2000-", ""]


def test_a_hub_that_breaks_off_again_and_again_keeps_what_came(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    hub.breaks_after[digest(LARGE)] = [300_000, 0]
    with pytest.raises(HubError, match=r"broke off .*300,000 of 1,024,000 bytes are kept.*goes on from there"):
        data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").read_bytes() == LARGE[:300_000]


def test_more_than_was_announced_is_never_written(hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path) -> None:
    hub.gives[digest(LARGE)] = LARGE + b"more"
    with pytest.raises(HubError, match="more than the 1,024,000 bytes"):
        data.bring("images", listing, tmp_path / "part", keep_still)
    assert (tmp_path / "part").stat().st_size == 0


def test_the_token_goes_to_the_hub_and_not_to_where_it_sends_us(
    hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path
) -> None:
    data.bring("images", listing, tmp_path / "part", keep_still)
    assert [(one.host, one.token) for one in hub.asked("GET /cdn")] == [("localhost", "")]
    assert {one.token for one in hub.asked("GET /datasets")} == {TOKEN}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_said_as_one(data: Repo, listing: Listing, tmp_path: Path) -> None:
    (tmp_path / "part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="No space left on device") as caught:
        data.bring("images", listing, tmp_path / "part", keep_still)
    assert not isinstance(caught.value, HubError)


def test_a_file_that_vanished_from_the_hub_is_said(hub: FakeHub, data: Repo, listing: Listing, tmp_path: Path) -> None:
    hub.repos["dataset", "alice/digits"].commits[listing.commit].clear()
    with pytest.raises(HubError, match="does not find what was asked of alice/digits"):
        data.bring("images", listing, tmp_path / "part", keep_still)
