"""The LZW packing of Unix `compress` (.Z), in which UCI keeps old files and which Python cannot read."""

MAGIC = b"\x1f\x9d"
HEADER_BYTES = 3
BLOCK_MODE, WIDTH_MASK = 0x80, 0x1F  # in the third byte; the mask holds the largest width of a code in bits
CLEAR = 256  # in block mode: forget all words
LEAST_WIDTH, MOST_WIDTH = 9, 16  # bits


class _Codes:
    """The codes of a .Z file, lowest bit first. They stand in groups of eight; a change of width begins a new group."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._begin = self._at = 8 * HEADER_BYTES  # bits
        self._end = 8 * len(packed)
        self.width = LEAST_WIDTH

    def __bool__(self) -> bool:
        """Whether there is another one."""
        return self._at + self.width <= self._end

    def take(self) -> int:
        """The next code."""
        first = self._at >> 3
        bits = int.from_bytes(self._packed[first : first + 3], "little") >> (self._at & 7)
        self._at += self.width
        return bits & ((1 << self.width) - 1)

    def change_width(self, width: int) -> None:
        """Skip what pads the last group, and go on with another width."""
        group = 8 * self.width
        self._begin = self._at = self._begin + -(-(self._at - self._begin) // group) * group
        self.width = width


def unpack_lzw(packed: bytes, most: int) -> bytes:
    """What a .Z file holds, `most` bytes at most.

    Raises: ValueError when it is no such file, damaged or too long.
    """
    widest, first = _read_header(packed)
    words = [bytes((value,)) for value in range(256)] + [b""] * (first - 256)
    unpacked, last = bytearray(), b""
    codes = _Codes(packed)
    while codes:
        code = codes.take()
        if code == CLEAR < first:
            del words[first:]
            codes.change_width(LEAST_WIDTH)
            last = b""
            continue
        if code >= len(words) + bool(last):
            raise ValueError("it names a word that it has not given")
        word = words[code] if code < len(words) else last + last[:1]
        unpacked += word
        if len(unpacked) > most:
            raise ValueError(f"it unpacks to more than {most:,} bytes")
        if last and len(words) < 1 << widest:
            words.append(last + word[:1])
            if len(words) == 1 << codes.width < 1 << widest:
                codes.change_width(codes.width + 1)
        last = word
    return bytes(unpacked)


def _read_header(packed: bytes) -> tuple[int, int]:
    """The largest width of a code in bits, and the code of the first word that is no single byte."""
    if packed[:2] != MAGIC or len(packed) < HEADER_BYTES:
        raise ValueError("it does not begin as a .Z file does")
    widest = packed[2] & WIDTH_MASK
    if not LEAST_WIDTH <= widest <= MOST_WIDTH:
        raise ValueError(f"its codes have {widest} bits")
    return widest, CLEAR + 1 if packed[2] & BLOCK_MODE else CLEAR
