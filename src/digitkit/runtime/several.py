"""Whether a picture shows several digits side by side, told from what the network saw of it.

S side of the image in px.
"""

import numpy as np
from numpy.typing import NDArray

INK = 64  # of 255; less is the soft edge of a stroke
LEAST_MASS, LEAST_HEIGHT = 0.2, 0.5  # of the second heaviest part, against the heaviest and against the higher of both
RARER = 100.0  # times as rare among digits as among what is none: 5 of 17,527 and 410 of 15,627 (docs/log.md, 23)


def doubted(acceptance: float) -> float:
    """The acceptance, 0..1, of a picture that shows several: as of one digit, its odds are worse by `RARER`."""
    return acceptance / (acceptance + RARER * (1 - acceptance))


def shows_several(image: NDArray[np.uint8]) -> bool:
    """Whether two parts with a gap between them are both heavy and high enough to be digits: uint8 (S,S).

    Strokes of one digit lie above each other somewhere, so they share columns; specks are light, and dots are low. The
    limits are measured on training pictures (docs/log.md, 10).
    """
    ink = image > INK
    inked = np.zeros(ink.shape[1] + 2, np.bool_)  # with a gap at both ends
    inked[1:-1] = ink.any(0)
    edges = np.flatnonzero(inked[1:] != inked[:-1])
    if len(edges) < 4:  # one part, or nothing
        return False
    parts = [ink[:, start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    heaviest, second = sorted(parts, key=np.count_nonzero, reverse=True)[:2]
    if np.count_nonzero(second) < LEAST_MASS * np.count_nonzero(heaviest):
        return False
    heights = [int(np.ptp(np.flatnonzero(part.any(1)))) + 1 for part in (heaviest, second)]
    return min(heights) >= LEAST_HEIGHT * max(heights)
