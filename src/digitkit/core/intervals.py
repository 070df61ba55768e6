"""How sure a share is that was counted."""

import math


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, right of n.

    Source: Wilson 1927; unlike the normal approximation it holds near 0 and 1.
    """
    if not n:
        return 0.0, 1.0
    z = 1.959964
    share, denominator = right / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / denominator
    half = z / denominator * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))  # rounding may cross the share
