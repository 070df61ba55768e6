"""Photos of iPhones: read where a reader is installed, refused in words elsewhere."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from digitkit.app.heic import READER, as_readable
from digitkit.core.errors import PictureError
from digitkit.core.picture import decode
from tests.app.conftest import PATIENCE_S, Running
from tests.app.pictures import digit_png

PHOTO = (Path(__file__).parents[1] / "fixtures" / "seven.heic").read_bytes()
with_reader = pytest.mark.skipif(find_spec(READER) is None, reason="pi-heif is not installed (the extra heic)")
without_reader = pytest.mark.skipif(find_spec(READER) is not None, reason="pi-heif is installed")


def show_read() -> None:
    from digitkit.app.screens import read

    read.show()


def uploaded(service: Running, name: str, content: bytes) -> AppTest:
    """The page Read of a visitor who gives this file."""
    test = AppTest.from_function(show_read, default_timeout=PATIENCE_S)
    test.secrets["service"] = service.client.address
    test.session_state["way"] = "Upload"
    test.run()
    return test.file_uploader[0].upload(name, content).run()


def test_other_pictures_stay_as_they_are() -> None:
    assert as_readable(digit_png(3)) == digit_png(3)
    assert as_readable(b"") == b""


@with_reader
def test_a_photo_is_turned_upright_as_the_phone_says() -> None:
    pixels = decode(as_readable(PHOTO))
    assert pixels.shape == (640, 480, 3)
    assert pixels[20].mean() < pixels[620].mean()  # the paper gets brighter towards its foot


@with_reader
def test_a_photo_that_is_uploaded_is_read(service: Running) -> None:
    test = uploaded(service, "IMG_0007.HEIC", PHOTO)
    assert not test.exception
    assert [each.value for each in test.text] == ["IMG_0007.HEIC"]
    assert "Correct, it is 7" in [each.label for each in test.button]


@without_reader
def test_without_a_reader_a_photo_gets_a_message_and_a_cure(service: Running) -> None:
    test = uploaded(service, "IMG_0007.HEIC", PHOTO)
    assert not test.exception
    assert not test.button
    (entry,) = test.session_state["history"]
    assert "'digitkit[heic]' is not installed" in entry.problem
    assert "Send it as JPEG" in entry.problem


@pytest.mark.parametrize("kept", [12, 40, 300, 700, len(PHOTO) - 40])
def test_a_photo_that_was_cut_off_is_refused_in_words(kept: int) -> None:
    with pytest.raises(PictureError, match="HEIC photo"):
        as_readable(PHOTO[:kept])


@with_reader
def test_a_photo_that_ends_the_process_that_reads_it_is_refused_in_words() -> None:
    with pytest.raises(PictureError, match="HEIC photo"):
        as_readable(PHOTO.replace(b"Exif", b"E\xa7if", 1))  # pi-heif 1.4 looks for a name that is no text


@with_reader
@pytest.mark.parametrize(("side", "words"), [(9_000, "9000 x 9000 px; at most 50,000,000"), (40_000, "HEIC photo")])
def test_a_photo_that_claims_to_be_huge_is_refused(side: int, words: str) -> None:
    place = PHOTO.index(b"ispe") + 8
    claimed = PHOTO[:place] + 2 * side.to_bytes(4, "big") + PHOTO[place + 8 :]
    with pytest.raises(PictureError, match=words):
        as_readable(claimed)
