"""Work waits in a short queue; who finds it full, or waits too long, is told so."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from digitkit.core.errors import Overloaded
from digitkit.service.lane import Lane


@pytest.fixture
def held() -> list[int]:
    """What the lane told."""
    return []


@pytest.fixture
def lane(held: list[int]) -> Iterator[Lane]:
    lane = Lane("test", threads=1, queue=1, timeout_s=60, note=held.append)
    yield lane
    lane.close()


def test_work_gives_its_result_or_its_error(lane: Lane) -> None:
    def fail() -> None:
        raise ValueError("as planned")

    assert asyncio.run(lane.run(lambda: 7)) == 7
    with pytest.raises(ValueError, match="as planned"):
        asyncio.run(lane.run(fail))


def test_a_full_queue_refuses_at_once_and_has_room_again_later(lane: Lane, held: list[int]) -> None:
    async def ask() -> list[bool]:
        release = Event()
        waiting = [asyncio.create_task(lane.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await lane.run(lambda: True)
        release.set()
        return [*await asyncio.gather(*waiting), await lane.run(lambda: True)]

    assert asyncio.run(ask()) == [True, True, True]
    assert max(held) == 2
    assert lane.held == 0


def test_work_that_takes_too_long_is_refused_but_keeps_its_place(held: list[int]) -> None:
    async def ask(lane: Lane, release: Event) -> None:
        with pytest.raises(Overloaded, match=r"within 0\.02 s"):
            await lane.run(release.wait)
        assert lane.held == 1
        with pytest.raises(Overloaded):
            await lane.run(lambda: True)
        release.set()

    lane, release = Lane("test", threads=1, queue=0, timeout_s=0.02, note=held.append), Event()
    asyncio.run(ask(lane, release))
    lane.close()
    assert lane.held == 0
