"""Score a run (with torch) or a bundle (as it answers users) on parts of sources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.data.splits import build
from digitkit.data.union import relabel
from digitkit.learn.evaluate import Report, probabilities, report
from digitkit.learn.loader import prepared
from digitkit.learn.parts import split_plan
from digitkit.learn.run import Run
from digitkit.learn.views import COUNTS
from digitkit.runtime.predictor import Predictor

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Reader:
    """A run or a bundle, ready to answer."""

    answers: Callable[[DigitSet], NDArray[np.float32]]  # (N, K)
    classes: tuple[str, ...]
    contaminated: tuple[str, ...]  # test parts whose digits it has learnt from


def score(target: Path, parts: Sequence[str], views: int, say: Say) -> list[Report]:
    """One report per part; a run's own validation part when none is named.

    Raises: ConfigError when a part is not SOURCE/PART, or the target has no validation part of its own.
    """
    if target.is_file():
        reader = _of_bundle(target, views)
        validation: Callable[[], DigitSet] | None = None
    else:
        run = Run.open(target)
        reader = _of_run(run, views)
        validation = lambda: build(split_plan(run.recipe().data), report=say).val  # noqa: E731
    named = [(part, _read(part, say)) for part in parts]
    if not named and validation is not None:
        named = [("val", validation())]
    if not named or not len(named[0][1]):
        raise ConfigError(f"{target} has no validation part here. Name what to score, as in --on mnist/test.")
    return [_report(part, digits, reader, say) for part, digits in named]


def _read(spec: str, say: Say) -> DigitSet:
    source, slash, part = spec.rpartition("/")
    if not slash:
        raise ConfigError(f"--on {spec}: expected SOURCE/PART, as in mnist/test or folder:my-digits/test")
    return read_part(find_source(source), part, report=say)


def _report(part: str, digits: DigitSet, reader: _Reader, say: Say) -> Report:
    known, left_out = relabel(digits, reader.classes)
    if part in reader.contaminated:
        say(f"Contaminated: the model has learnt from digits of {part}, so its accuracy there means nothing.")
    if left_out:
        count, names = sum(left_out.values()), ", ".join(left_out)
        say(f"{part}: left out {count:,} pictures with labels the model does not know: {names}")
    if not len(known):
        raise ConfigError(f"{part}: no picture has a label that the model knows ({', '.join(reader.classes)}).")
    return report(part, reader.answers(known), known.labels, reader.classes)


def _of_run(run: Run, views: int) -> _Reader:
    if views not in COUNTS:
        raise ConfigError(f"--views must be 1, 5 or 9, got {views}")
    recipe, network = run.recipe(), run.network()

    def answers(digits: DigitSet) -> NDArray[np.float32]:
        return probabilities(network, prepared(digits, recipe.prepare), views).numpy()

    stored = run.report()
    return _Reader(answers, tuple(stored["data"]["classes"]), tuple(stored["splits"]["contaminated"]))


def _of_bundle(path: Path, views: int) -> _Reader:
    if views != 1:
        raise ConfigError(
            "--views is for runs: a bundle has its views inside. Make one with `digitkit export RUN --views 5`."
        )
    predictor = Predictor.load(str(path))
    classes = predictor.bundle.classes

    def answers(digits: DigitSet) -> NDArray[np.float32]:
        read = predictor.predict([digits.pictures[index] for index in range(len(digits))])
        return np.array([[prediction.probabilities[name] for name in classes] for prediction in read], np.float32)

    return _Reader(answers, classes, predictor.bundle.contaminated)
