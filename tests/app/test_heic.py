"""Photos of iPhones: read where a reader is installed, handed on untouched otherwise."""

from importlib.util import find_spec

import pytest

from digitkit.app.heic import READER, as_readable
from tests.app.pictures import digit_png

DAMAGED = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic no photo at all"


def test_other_pictures_stay_as_they_are() -> None:
    assert as_readable(digit_png(3)) == digit_png(3)
    assert as_readable(b"") == b""


@pytest.mark.parametrize("content", [DAMAGED, DAMAGED[:12]], ids=["damaged", "cut off"])
def test_a_damaged_photo_is_left_to_the_service_which_says_so(content: bytes) -> None:
    assert as_readable(content) == content


@pytest.mark.skipif(find_spec(READER) is None, reason="pi-heif is not installed (the extra heic)")
def test_the_reader_of_photos_knows_its_format() -> None:
    import importlib

    assert importlib.import_module(READER).libheif_info()
