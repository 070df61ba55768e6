"""What all visitors together may upload."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from digitkit.app.budget import UPLOADS, UploadBudget
from digitkit.core.picture import LIMITS

LIMIT = 1_000


def client(kept: int) -> TestClient:
    """Somebody before a page that keeps so many bytes already."""
    return TestClient(UploadBudget(PlainTextResponse("taken"), lambda: kept, LIMIT))


@pytest.mark.parametrize(("kept", "size", "status"), [(0, 900, 200), (900, 90, 200), (900, 200, 503), (0, 1_001, 503)])
def test_an_upload_is_taken_while_there_is_room(kept: int, size: int, status: int) -> None:
    assert client(kept).put(f"{UPLOADS}session/file", content=b"x" * size).status_code == status


def test_an_upload_that_does_not_tell_its_size_may_be_the_largest() -> None:
    assert LIMITS.content_bytes > LIMIT
    assert client(0).put(f"{UPLOADS}session/file", content=iter([b"x"])).status_code == 503


def test_what_has_arrived_is_on_its_way_no_more() -> None:
    visitor = client(0)
    answers = [visitor.put(f"{UPLOADS}session/{place}", content=b"x" * 900).status_code for place in range(3)]
    assert answers == [200] * 3


def test_everything_but_uploads_passes() -> None:
    visitor = client(LIMIT)
    assert visitor.get("/models").text == "taken"
    assert visitor.delete(f"{UPLOADS}session/file").text == "taken"
