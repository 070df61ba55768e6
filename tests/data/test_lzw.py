import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.data.lzw import unpack_lzw
from tests.fixtures.lzw import pack_lzw

KNOWN = bytes.fromhex("1f9d9064d29c4943670e8880030b1e1448708e02")  # `gzip -dc` reads it so


def test_a_file_is_read_as_unix_reads_it() -> None:
    assert unpack_lzw(KNOWN, 100) == b"digits digits digits\n"


@given(st.binary(max_size=3000), st.sampled_from([10, 12, 16]), st.sampled_from([0, 300, 600]))
def test_what_was_packed_comes_out(content: bytes, widest: int, clear_at: int) -> None:
    assert unpack_lzw(pack_lzw(content, widest, clear_at), len(content)) == content


def test_long_repeats_fill_the_table_and_still_come_out() -> None:
    content = bytes(range(256)) * 300 + b"0" * 50_000
    for widest in (12, 16):
        assert unpack_lzw(pack_lzw(content, widest), len(content)) == content


@pytest.mark.parametrize("packed", [b"", b"\x1f\x9d", b"\x1f\x8b\x90abc", b"\x1f\x9d\x91abc", b"\x1f\x9d\x88abc"])
def test_what_is_no_such_file_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"begin|bits"):
        unpack_lzw(packed, 100)


def test_a_word_that_was_never_given_is_refused() -> None:
    with pytest.raises(ValueError, match="has not given"):
        unpack_lzw(b"\x1f\x9d\x90\xff\xff\xff", 100)


def test_no_more_comes_out_than_is_allowed() -> None:
    with pytest.raises(ValueError, match="more than 999 bytes"):
        unpack_lzw(pack_lzw(b"0" * 1000), 999)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    try:
        size = len(unpack_lzw(b"\x1f\x9d\x90" + noise, 10**6))
    except ValueError:
        size = 0
    assert size <= 10**6
