"""Pictures without a digit that digitkit draws itself; importing this module registers them.

N pictures. They need no file: each is drawn from its part and its number alone, and all are kept in the cache.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import PIL

from digitkit.core.digitset import DigitSet, Ragged, origins_of
from digitkit.core.picture import Pixels
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import cached_rows, key_of
from digitkit.data.source import MIXED, SOURCES, TEST, TRAIN, Source

COUNTS: Mapping[str, int] = {TRAIN: 8_000, TEST: 2_000}  # pictures of each part
VERSION = 1  # counts up when the same number becomes another picture
TERMS = "https://www.apache.org/licenses/LICENSE-2.0"  # they have no page of their own

Draw = Callable[..., Pixels]  # takes Dice


def read_drawn(name: str, find: Callable[[], Draw], part: str) -> DigitSet:
    """One part, drawn when it is first read; `find` gets what draws, since its imports take 50 ms.

    Raises: StoreError when the cache cannot be written.
    """
    count = COUNTS[part]
    arrays = cached_rows(
        key_of("drawn", VERSION, PIL.__version__, name, part, count), lambda writer: _fill(writer, name, find(), part)
    )
    shapes = np.asarray(arrays["shapes"], np.int32)
    sizes = shapes.astype(np.int64).prod(axis=1)
    pictures = Ragged(np.asarray(arrays["buffer"], np.uint8), np.cumsum(sizes) - sizes, shapes)
    return DigitSet(pictures, np.zeros(count, np.int64), (NOT_A_DIGIT,), origins_of(name, part, count))


def _fill(writer: ArrayWriter, name: str, draw: Draw, part: str) -> None:
    """Draw all pictures of a part, each from dice of its own."""
    from digitkit.data.synthetic.dice import Dice

    drawn = Ragged.pack([draw(Dice(name, part, number)) for number in range(COUNTS[part])])
    writer.append("buffer", drawn.buffer)
    writer.append("shapes", drawn.shapes)


def _scribbles() -> Draw:
    from digitkit.data.synthetic.scribbles import draw_scribble

    return draw_scribble


def _things() -> Draw:
    from digitkit.data.synthetic.things import draw_thing

    return draw_thing


def _noise() -> Draw:
    from digitkit.data.synthetic.noise import draw_noise

    return draw_noise


def _register(name: str, title: str, find: Callable[[], Draw]) -> None:
    def read(folder: Path, part: str) -> DigitSet:
        return read_drawn(name, find, part)

    SOURCES.add(
        name,
        Source(name, title, "Apache-2.0", TERMS, (), tuple(COUNTS), read, ink=MIXED, others=name, drawn=True),
    )


_register("scribbles", "Scribbles and signs, 10,000 drawn by digitkit, 28 to 64 px, no digits", _scribbles)
_register("things", "Filled shapes as of things, 10,000 drawn by digitkit, 28 to 64 px, no digits", _things)
_register("noise", "Noise, textures, gradients, blots, 10,000 drawn by digitkit, 28 to 64 px, no digits", _noise)
