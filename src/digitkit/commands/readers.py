"""What is scored: a run (with torch) or a bundle (as it answers users), and what it has learnt from.

N pictures, K classes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.core.prediction import Prediction
from digitkit.data.catalogue import family_of
from digitkit.data.source import Report as Say
from digitkit.data.splits import build
from digitkit.export.readers import exported_as
from digitkit.learn.calibrate import Tempered
from digitkit.learn.evaluate import probabilities
from digitkit.learn.loader import prepared
from digitkit.learn.parts import check_same, split_plan
from digitkit.learn.run import Run
from digitkit.learn.views import COUNTS
from digitkit.runtime.batch import windows
from digitkit.runtime.bundle import SHIPPED
from digitkit.runtime.predictor import Predictor
from digitkit.runtime.verdict import Evidence, judge

BATCH = 1000  # pictures that are read at once
BUNDLE_SUFFIX = ".onnx"


Judged = tuple[Evidence, Prediction]


@dataclass(frozen=True)
class Reader:
    """A run or a bundle, ready to answer.

    `answers` gives probabilities (N,K) at the temperature that users get; `seen` what the network sees of pictures;
    `judged` what users are told of them, and why. `negatives` are sources by name whose pictures it learnt to refuse.
    """

    name: str
    classes: tuple[str, ...]
    answers: Callable[[DigitSet], NDArray[np.float32]]
    seen: Callable[[DigitSet], list[Pixels]]
    judged: Callable[[DigitSet], list[Judged]]
    learnt: tuple[str, ...]  # sources by name, with /extra where that part was learnt from
    contaminated: tuple[str, ...]  # test parts whose digits it has learnt from
    fingerprint: str  # of the pictures of its training, validation and test; empty where nobody knows
    unfrozen: bool = False  # its recipe leaves the test part alone, so somebody is still choosing
    validation: Callable[[Say], DigitSet] | None = None
    negatives: tuple[str, ...] = ()

    def has_learnt_from(self, place: str) -> bool:
        """Whether a part such as mnist/test is of the same writers as a source that it has learnt from."""
        return family_of(place.rpartition("/")[0]) in {family_of(spec.removesuffix("/extra")) for spec in self.learnt}


def open_reader(target: Path, views: int, batch: int = BATCH) -> Reader:
    """A run by its folder, or a bundle: a file, or "default", the one that ships, or "default-int8".

    Raises: DataError when it is no run, or one that has not finished; BundleError for a damaged bundle; ConfigError for
    views that it does not have.
    """
    return _of_bundle(target, views, batch) if is_bundle(target) else _of_run(Run.open(target), views, batch)


def is_bundle(target: Path) -> bool:
    """Whether a bundle is meant, not the folder of a run."""
    named = target.suffix == BUNDLE_SUFFIX or str(target) in SHIPPED
    return target.is_file() or (named and not target.exists())


def _of_run(run: Run, views: int, batch: int) -> Reader:
    if views not in COUNTS:
        raise ConfigError(f"--views must be 1, 5 or 9, got {views}")
    recipe, stored = run.recipe(), run.report()
    exported, temperature = exported_as(run)
    network = Tempered(run.network(), temperature if exported == views else stored["calibration"]["temperature"])

    def answers(digits: DigitSet) -> NDArray[np.float32]:
        return probabilities(network, prepared(digits, recipe.prepare), views, batch=batch).numpy()

    def seen(digits: DigitSet) -> list[Pixels]:
        images = prepared(digits, recipe.prepare).pixels.permute(0, 2, 3, 1).numpy()
        return list(images[..., 0] if images.shape[-1] == 1 else images)

    def judged(digits: DigitSet) -> list[Judged]:
        path = run.file("model.onnx")
        if not path.is_file():
            raise ConfigError(
                f"{run.path} has no bundle, and verdicts are a bundle's. Run `digitkit export {run.path}`."
            )
        return _judged(Predictor.load(path), digits, batch)

    def validation(say: Say) -> DigitSet:
        own = build(split_plan(recipe.data), report=say)
        if len(own.val):
            check_same(run.path, stored["data"]["fingerprint"], own)
        return own.val

    splits = stored["splits"]
    return Reader(
        str(run.path), tuple(stored["data"]["classes"]), answers, seen, judged, tuple(splits["sources"]),
        tuple(splits["contaminated"]), stored["data"]["fingerprint"], not recipe.run.test, validation,
        tuple(recipe.data.negatives),
    )  # fmt: skip


def _of_bundle(path: Path, views: int, batch: int) -> Reader:
    if views != 1:
        raise ConfigError(
            "--views is for runs: a bundle has its views inside. Make one with `digitkit export RUN --views 5`."
        )
    predictor = Predictor.load(str(path))
    bundle = predictor.bundle

    def answers(digits: DigitSet) -> NDArray[np.float32]:
        nothing = np.zeros((0, len(bundle.classes)), np.float32)
        return np.concatenate([nothing, *map(predictor.probabilities, _pieces(digits, batch))])

    def seen(digits: DigitSet) -> list[Pixels]:
        return predictor.images([digits.pictures[index] for index in range(len(digits))])

    def judged(digits: DigitSet) -> list[Judged]:
        return _judged(predictor, digits, batch)

    return Reader(
        bundle.id, bundle.classes, answers, seen, judged, bundle.listed("sources", "extra"), bundle.contaminated,
        bundle.data_fingerprint, negatives=bundle.listed("negatives"),
    )  # fmt: skip


def _judged(predictor: Predictor, digits: DigitSet, batch: int) -> list[Judged]:
    """What the graph says of each picture, and the verdict on it."""
    found = (evidence for piece in _pieces(digits, batch) for evidence in predictor.evidence(piece))
    return [(evidence, judge(predictor.bundle, evidence)) for evidence in found]


def _pieces(digits: DigitSet, batch: int) -> Iterator[Pixels | list[Pixels]]:
    """The pictures, so many at once, and fewer where they are large; those of one size as one array."""
    if isinstance(digits.pictures, Dense):
        pixels = digits.pictures.pixels
        whole = pixels if pixels.ndim == 4 else pixels[..., None]  # with three axes narrow ones look like one picture
        yield from (whole[start : start + batch] for start in range(0, len(whole), batch))
        return
    for window in windows(digits.pictures[index] for index in range(len(digits))):
        yield from (window[start : start + batch] for start in range(0, len(window), batch))
