"""What Prometheus may know, of this worker, or of all of them where they share a folder.

`digitkit serve` names that folder in PROMETHEUS_MULTIPROC_DIR before the workers start, as prometheus-client wants it.
"""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from digitkit.wire import PredictionOut

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)


class Metrics:
    """Counts of one worker; several applications in a process do not mix them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "digitkit_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "digitkit_request_seconds", "Time to answer a request.", ("route",), buckets=SECONDS, registry=registry
        )
        self.predictions = Counter("digitkit_predictions", "Pictures read.", ("bundle", "verdict"), registry=registry)
        self.confidence = Histogram(
            "digitkit_confidence", "Confidence of what was read.", ("bundle",), buckets=SHARES, registry=registry
        )
        self.reading = Histogram(
            "digitkit_picture_seconds", "Time to decode and read one picture.", buckets=SECONDS, registry=registry
        )
        self.submissions = Counter("digitkit_submissions", "Submissions saved.", ("agrees",), registry=registry)
        self.queue = Gauge(
            "digitkit_queue", "Requests that wait for a thread or run.", ("lane",), registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.serving = Gauge(
            "digitkit_serving", "Workers that answer with a bundle.", ("bundle",), registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def note_prediction(self, prediction: PredictionOut) -> None:
        """Count a picture that was read."""
        self.predictions.labels(prediction.bundle, prediction.verdict).inc()
        self.confidence.labels(prediction.bundle).observe(prediction.confidence)
        self.reading.observe(prediction.milliseconds / 1_000)

    def note_champion(self, old: str | None, new: str) -> None:
        """Another bundle answers from now on."""
        if old is not None:
            self.serving.labels(old).set(0)
        self.serving.labels(new).set(1)

    def text(self) -> bytes:
        """The page of `/metrics`."""
        folder = os.environ.get(FOLDER)
        if not folder:
            return generate_latest(self.registry)
        forget_dead_workers(Path(folder))
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def forget_dead_workers(folder: Path) -> None:
    """What a worker had in its queue when it died is no longer waiting."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            with suppress(FileNotFoundError):  # another worker was faster
                path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
