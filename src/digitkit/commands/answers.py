"""How `predict` answers: a table, JSON lines, CSV or a submission to Kaggle, and pictures of what the model saw."""

import csv
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from digitkit.commands.printing import percent, print_json, print_table, say
from digitkit.core.bundle import Bundle
from digitkit.core.errors import ConfigError, DataError
from digitkit.core.files import atomic_path, make_folder, write_bytes
from digitkit.core.picture import Pixels
from digitkit.core.prediction import Prediction

UNSAFE = re.compile(r"[^\w.-]+")
DIGITS = tuple("0123456789")
MAX_NAME = 80  # characters of a picture's name that are kept in the name of what the model saw


@dataclass(frozen=True)
class Outcome:
    """What became of one picture: a prediction, or an error; `seen` is the file that shows what the model saw."""

    name: str
    result: Prediction | Exception
    true_label: str | None = None
    seen: Path | None = None


@dataclass
class SeenFolder:
    """Writes what the model saw as PNG, each under a name of its own made from the picture's."""

    folder: Path
    taken: set[str] = field(default_factory=set)
    kept: frozenset[str] = frozenset()  # whole paths of files that must stay as they are: the pictures that are read

    def __post_init__(self) -> None:
        """A folder that cannot be written stops the verb before the first picture."""
        make_folder(self.folder)

    def write(self, name: str, image: Pixels) -> Path:
        """Write one image, uint8 (S,S) or (S,S,3), in its own size.

        Raises: StoreError when it cannot be written.
        """
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        path = self.folder / self._free_name("stdin" if name == "-" else name)
        write_bytes(path, buffer.getvalue())
        return path

    def _free_name(self, name: str) -> str:
        """A safe file name that no picture before has got, also where capitals do not count, and none that is read."""
        stem = UNSAFE.sub("_", re.sub(r"\.\w{1,5}$", "", name)).strip("._-")[-MAX_NAME:] or "picture"
        free, number = stem, 1
        while free.lower() in self.taken or os.path.realpath(self.folder / f"{free}.png") in self.kept:
            number += 1
            free = f"{stem}-{number}"
        self.taken.add(free.lower())
        return f"{free}.png"


@contextmanager
def written_to(output: Path | None) -> Iterator[None]:
    """Send what is printed meanwhile to a file, whole or not at all; without one it is printed.

    Raises: StoreError when the file cannot be written, before the first picture is read.
    """
    if output is None:
        yield
        return
    with (
        atomic_path(output) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
        redirect_stdout(file),
    ):
        yield


def answer_json(outcomes: Iterable[Outcome], top_k: int) -> None:
    """One object per picture, as soon as it is known."""
    for outcome in outcomes:
        if isinstance(outcome.result, Exception):
            print_json({"picture": outcome.name, "error": str(outcome.result)})
        else:
            print_json(_facts(outcome, outcome.result, top_k))


def answer_csv(outcomes: Iterable[Outcome], top_k: int) -> None:
    """One row per picture, as soon as it is known; a failed one has its error in the last column."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    ranks = range(2, top_k + 1)
    more = [column for rank in ranks for column in (f"label_{rank}", f"confidence_{rank}")]
    writer.writerow(["picture", "label", "confidence", "verdict", "reason", "true_label", "bundle", *more, "error"])
    for outcome in outcomes:
        result = outcome.result
        if isinstance(result, Exception):
            _say_failed(result)
            writer.writerow([outcome.name, *[""] * (6 + len(more)), result])
            continue
        cells: list[object] = [outcome.name, result.label, f"{result.confidence:.6f}", result.verdict, result.reason]
        ranked = [cell for label, share in result.top(top_k)[1:] for cell in (label, f"{share:.6f}")]
        filled = ranked + [""] * (len(more) - len(ranked))
        writer.writerow([*cells, outcome.true_label, result.bundle, *filled, ""])


def answer_kaggle(outcomes: Iterable[Outcome], bundle: Bundle) -> None:
    """The rows `ImageId,Label` of a submission, numbered from 1 in the order of the pictures.

    Every picture needs a digit, so a blank or unsure one gets its most probable one.
    Raises: ConfigError for a bundle that knows no digits, DataError when a picture cannot be read: a submission that
    leaves one out would be refused.
    """
    digits = [name for name in bundle.classes if name in DIGITS]
    if not digits:
        raise ConfigError(f"{bundle.id} reads no single digits, which a submission to Kaggle needs.")
    say("Kaggle's pictures are MNIST's 70,000: a model that learnt from MNIST has seen these answers.")
    labels, failed = [], 0
    for outcome in outcomes:
        if isinstance(outcome.result, Exception):
            _say_failed(outcome.result)
            failed += 1
        else:
            labels.append(max(digits, key=outcome.result.probabilities.__getitem__))
    if failed:
        raise DataError(f"{len(labels)} read, {failed} failed: no submission, since it must have every picture.")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["ImageId", "Label"])
    writer.writerows(enumerate(labels, start=1))


def answer_table(outcomes: Iterable[Outcome], top_k: int, title: str) -> None:
    """One table at the end; pictures that failed are named at once on standard error."""
    rows: list[Sequence[object]] = []
    truth_known = False
    for outcome in outcomes:
        result = outcome.result
        if isinstance(result, Exception):
            _say_failed(result)
            continue
        truth_known |= outcome.true_label is not None
        blank = result.label is None
        others = "" if blank else ", ".join(f"{label} {percent(share, 1)}" for label, share in result.top(top_k)[1:])
        label, confidence = ("", "") if blank else (result.label, percent(result.confidence, 1))
        truth = "" if outcome.true_label is None else outcome.true_label
        rows.append((outcome.name, label, confidence, result.verdict, result.reason, others, truth))
    shown = [0, 1, 2, 3, 4, *([5] if top_k > 1 else []), *([6] if truth_known else [])]
    names = ("picture", "label", "confidence", "verdict", "reason", "then", "true")
    if rows:
        print_table(title, [names[place] for place in shown], [[row[place] for place in shown] for row in rows])


def _facts(outcome: Outcome, result: Prediction, top_k: int) -> dict[str, object]:
    """A prediction as JSON values."""
    facts: dict[str, object] = {
        "picture": outcome.name, "label": result.label, "confidence": result.confidence, "verdict": result.verdict,
        "reason": result.reason, "probabilities": dict(result.probabilities), "bundle": result.bundle,
    }  # fmt: skip
    if top_k > 1:
        facts["top"] = [{"label": label, "probability": share} for label, share in result.top(top_k)]
    if outcome.true_label is not None:
        facts["true_label"] = outcome.true_label
    if outcome.seen is not None:
        facts["seen"] = str(outcome.seen)
    return facts


def _say_failed(error: Exception) -> None:
    """One line, whatever stands in the picture's name."""
    say(f"error: {' '.join(str(error).splitlines())}")
