"""How fast a bundle reads, measured as its users meet it: arrays in, predictions out."""

import platform
import statistics
import time
from collections.abc import Callable

import numpy as np

from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.runtime.predictor import Predictor

SIDES = (28, 280, 1000)  # px, of single pictures
BATCH = 256
LONGEST_S = 3600
STROKE = 0.12  # of the side, the width of the bar that stands for a digit


def measure(bundle: str, device: str, seconds: float) -> list[dict[str, object]]:
    """Milliseconds per single picture on one thread, and pictures per second in batches on all threads."""
    if not 0 < seconds <= LONGEST_S:
        raise ConfigError(f"--seconds must lie above 0 and up to {LONGEST_S}, got {seconds:g}")
    single = Predictor.load(bundle, device, threads=1)
    figures = [_latency(single, side, seconds) for side in SIDES]
    return [*figures, _throughput(Predictor.load(bundle, device), seconds)]


def _digit(side: int) -> Pixels:
    """A slanted bar on paper, uint8 (S,S,3)."""
    rows, columns = np.mgrid[0:side, 0:side]
    bar = abs(columns - side / 2 + (rows - side / 2) / 4) < STROKE * side / 2
    inside = (rows > side * 0.15) & (rows < side * 0.85)
    return np.repeat(np.where(bar & inside, 30, 240).astype(np.uint8)[..., None], 3, axis=2)


def _times(call: Callable[[], object], seconds: float) -> list[float]:
    call()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 3:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return times


def _latency(predictor: Predictor, side: int, seconds: float) -> dict[str, object]:
    picture = _digit(side)
    times = sorted(1000 * each for each in _times(lambda: predictor.predict(picture), seconds))
    median, p95 = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    text = f"{median:.2f} ms median, {p95:.2f} ms at 95 %, n {len(times)}"
    return {
        "what": f"one picture {side}x{side}, one thread",
        "median_ms": median,
        "p95_ms": p95,
        "n": len(times),
        "text": text,
    }


def _throughput(predictor: Predictor, seconds: float) -> dict[str, object]:
    pictures = np.repeat(_digit(28)[None], BATCH, axis=0)
    rate = BATCH / statistics.median(_times(lambda: predictor.predict(pictures), seconds))
    text = f"{rate:,.0f} pictures/s ({platform.machine()})"
    return {"what": f"batches of {BATCH} pictures 28x28, all threads", "pictures_per_s": rate, "text": text}
