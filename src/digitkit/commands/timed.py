"""One reader measured in a process of its own: `python -m digitkit.commands.timed JOB`, JOB as JSON.

N pictures, S side in px, K classes. Prints an object when the first answer is there, and one with the figures.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.colour import in_colour
from digitkit.core.picture import Pixels

BATCH = 256
LEAST = 3  # calls that are timed, however long they take
STROKE = 0.12  # of the side, the width of the bar that stands for a digit

Read = Callable[[Pixels], NDArray[np.float32]]


@dataclass(frozen=True)
class Job:
    """What a process shall do.

    `kind` names the runtime, `path` its file or run. Where `answers` names a file it writes into it its answers to the
    pictures of `part` (SOURCE/PART) whose labels are among the `classes`; else it is timed for `seconds` per figure, on
    pictures of the part, or without one on a bar, which every model is sure of.
    """

    kind: str
    path: str
    threads: int
    device: str = "cpu"
    seconds: float = 1.0
    side: int = 28
    part: str = ""
    classes: tuple[str, ...] = ()
    answers: str = ""

    def to_json(self) -> str:
        """As the process gets it."""
        return json.dumps(asdict(self))


def reader_of(job: Job) -> Read:
    """The reader of a job: uint8 (N,S,S,3) -> float32 (N,K); imports what its own users would, no more."""
    if job.kind == "torch":
        from digitkit.export.readers import read_eagerly

        return read_eagerly(Path(job.path), job.threads)
    if job.kind == "torchscript":
        from digitkit.export.readers import read_torchscript

        return read_torchscript(Path(job.path).read_bytes(), job.threads)
    if job.kind == "openvino":
        from digitkit.runtime.openvino import read_openvino

        return read_openvino(job.path, job.threads)
    from digitkit.runtime.predictor import Predictor

    return Predictor.load(job.path, job.device, job.threads).probabilities


def bar(side: int) -> Pixels:
    """A slanted bar on paper, uint8 (S,S,3)."""
    rows, columns = np.mgrid[0:side, 0:side]
    ink = abs(columns - side / 2 + (rows - side / 2) / 4) < STROKE * side / 2
    inside = (rows > side * 0.15) & (rows < side * 0.85)
    return in_colour(np.where(ink & inside, 30, 240).astype(np.uint8))


def pictures_for(job: Job) -> Pixels:
    """What a job is timed on: `BATCH` pictures evenly chosen from its part, or bars, uint8 (N,S,S,3)."""
    if not job.part:
        return np.repeat(bar(job.side)[None], BATCH, axis=0)
    from PIL import Image

    from digitkit.data.catalogue import find_source
    from digitkit.data.fetch import read_part

    source, _, part = job.part.rpartition("/")
    pictures = read_part(find_source(source), part, offline=True).pictures
    places = np.linspace(0, len(pictures) - 1, BATCH).astype(np.int64)
    shown = (Image.fromarray(_coloured(pictures[int(place)])) for place in places)
    return np.stack([np.asarray(picture.resize((job.side, job.side))) for picture in shown])


def measure(read: Read, job: Job) -> dict[str, float]:
    """Milliseconds for one picture, median and 95 %, and pictures per second in batches."""
    many = pictures_for(job)
    each_alone = cycle(np.split(many, len(many)))
    single = sorted(1000 * taken for taken in times(lambda: read(next(each_alone)), job.seconds))
    batches = times(lambda: read(many), job.seconds)
    return {
        "ms": statistics.median(single),
        "p95_ms": single[int(0.95 * (len(single) - 1))],
        "pictures_per_s": BATCH / statistics.median(batches),
    }


def times(call: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of each call, after two that do not count: TorchScript translates at the second."""
    call(), call()
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(taken) < LEAST:
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return taken


def write_answers(read: Read, job: Job) -> None:
    """The answers to all pictures of the part, in order, float32 (N,K) as .npy."""
    from digitkit.data.catalogue import find_source
    from digitkit.data.fetch import read_part
    from digitkit.data.union import relabel
    from digitkit.runtime.batch import batches

    source, _, part = job.part.rpartition("/")
    digits, _ = relabel(read_part(find_source(source), part, offline=True), job.classes)
    pictures = (_coloured(digits.pictures[index]) for index in range(len(digits)))
    answers, begin = np.zeros((len(digits), len(job.classes)), np.float32), 0
    filled = 0
    for batch in batches(pictures):
        answers[begin + batch.places] = read(batch.pixels)
        filled += len(batch.places)
        if filled == batch.window:
            begin, filled = begin + batch.window, 0
    np.save(job.answers, answers)


def _coloured(picture: Pixels) -> Pixels:
    return picture if picture.ndim == 3 else in_colour(picture)


def main(text: str) -> None:
    """Do the job."""
    values = json.loads(text)
    job = Job(**{**values, "classes": tuple(values["classes"])})
    read = reader_of(job)
    read(bar(job.side)[None])
    print(json.dumps({"ready": True}), flush=True)
    if job.answers:
        write_answers(read, job)
        print("{}")
    else:
        print(json.dumps(measure(read, job)))


if __name__ == "__main__":
    main(sys.argv[1])
