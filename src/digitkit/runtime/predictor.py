"""Reads pictures with a bundle.

N pictures, H and W in px, C channels, S side of the image in px, K classes.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitkit.core.bundle import OUTPUTS, Bundle
from digitkit.core.errors import BundleError
from digitkit.core.parallel import in_threads
from digitkit.core.picture import DECODERS, PictureSource, Pixels, decode, is_decoded_here, is_plain_stack
from digitkit.core.prediction import Prediction
from digitkit.runtime.batch import Batch, batches, stack_batches
from digitkit.runtime.bundle import DEFAULT, read_bundle
from digitkit.runtime.session import Session
from digitkit.runtime.several import doubted, shows_several
from digitkit.runtime.verdict import Evidence, judge

IMAGE = "image"  # the graph's fifth output, what the network saw; computed only when it is asked for

One = str | Path | bytes | BinaryIO | Image.Image
Arrays = NDArray[Any]
P = TypeVar("P", str, Path, bytes, BinaryIO, Image.Image, Arrays, PictureSource)


class Predictor:
    """An open bundle: pictures in, predictions out. Safe to use from many threads.

    One picture is a path, bytes, an open file, a Pillow picture, an array (H,W) or (H,W,C) with C 1, 3 or 4.
    Many are a list or tuple of those, an array (N,H,W) or (N,H,W,C). An array with three axes of which the last is 1, 3
    or 4 is one picture; pictures that are so narrow go in as (N,H,W,1) or as a list.
    """

    def __init__(self, bundle: Bundle, session: Session) -> None:
        self.bundle = bundle
        self._session = session

    @classmethod
    def load(cls, name_or_path: str | Path = DEFAULT, device: str = "auto", threads: int | None = None) -> "Predictor":
        """Open a bundle: "default" is the one that ships, anything else is a path.

        `device` is "auto" (CUDA if there is one), "cpu" or "cuda"; `threads` is 1 or more, by default all cores. As
        many decode large files, at most four.
        Raises: BundleError when the file is missing, altered or of a newer format; ConfigError for an unknown device.
        """
        bundle, content = read_bundle(name_or_path)
        return cls(bundle, Session(content, str(name_or_path), device, threads))

    @overload
    def predict(self, pictures: One) -> Prediction: ...
    @overload
    def predict(self, pictures: list[P] | tuple[P, ...]) -> list[Prediction]: ...
    @overload
    def predict(self, pictures: Arrays) -> Prediction | list[Prediction]: ...
    def predict(self, pictures: Any) -> Prediction | list[Prediction]:
        """Read one picture, or many of any sizes: one prediction for one, a list in the same order for many.

        Raises: PictureError when a picture cannot be read, BundleError when the graph fails.
        """
        one, batch = _as_batches(pictures, self._session.threads)
        answers = list(self._predictions(batch))
        return answers[0] if one else answers

    def probabilities(self, pictures: list[P] | tuple[P, ...] | Arrays) -> NDArray[np.float32]:
        """Only the probabilities, for many pictures at once: no verdicts, blank pictures have some too.

        Shapes: returns float32 (N,K), rows sum to 1, in the order of `bundle.classes`; one picture is N = 1.
        Raises: what `predict` raises.
        """
        batch: Iterator[Batch] = _as_batches(pictures, self._session.threads)[1]
        nothing = np.zeros((0, len(self.bundle.classes)), np.float32)
        return np.concatenate([nothing, *(columns[0] for columns in self._scores(batch, OUTPUTS[:1]))])

    def evidence(self, pictures: list[P] | tuple[P, ...] | Arrays) -> list[Evidence]:
        """What verdicts are made of, for many pictures: probabilities, ink, contrast and acceptance; see `judge`.

        Raises: what `predict` raises.
        """
        return list(self._evidence(_as_batches(pictures, self._session.threads)[1]))

    @overload
    def images(self, pictures: One) -> Pixels: ...
    @overload
    def images(self, pictures: list[P] | tuple[P, ...]) -> list[Pixels]: ...
    @overload
    def images(self, pictures: Arrays) -> Pixels | list[Pixels]: ...
    def images(self, pictures: Any) -> Pixels | list[Pixels]:
        """What the model sees of one picture, or of many: uint8 (S,S), or (S,S,3) in colour, each.

        Raises: PictureError when a picture cannot be read, BundleError when the bundle cannot show it.
        """
        if IMAGE not in self._session.outputs:
            raise BundleError(f"{self.bundle.id}: the bundle does not show what the model sees. Export it again.")
        one, batch = _as_batches(pictures, self._session.threads)
        seen = [image for columns in self._columns(batch, (IMAGE,)) for image in _as_pictures(columns[0]).copy()]
        return seen[0] if one else seen

    def _predictions(self, pictures: Iterable[Batch]) -> Iterator[Prediction]:
        """One prediction per picture, in order."""
        return (judge(self.bundle, evidence) for evidence in self._evidence(pictures))

    def _evidence(self, pictures: Iterable[Batch]) -> Iterator[Evidence]:
        """What the graph says of each picture, in order."""
        looks = IMAGE in self._session.outputs and self.bundle.mode == "ink" and not self.bundle.reads_numbers
        for columns in self._scores(pictures, (*OUTPUTS, IMAGE) if looks else OUTPUTS):
            images = _as_pictures(columns[len(OUTPUTS)]) if looks else columns[0]
            for image, *values in zip(images, *(column.tolist() for column in columns[: len(OUTPUTS)]), strict=True):
                probabilities, ink_share, contrast, acceptance = values
                several = looks and shows_several(image)
                accepted = doubted(acceptance) if several else acceptance
                yield Evidence(probabilities, ink_share, contrast, accepted, several)

    def _scores(self, pictures: Iterable[Batch], outputs: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
        """The named outputs, probabilities first, once they are known to be numbers for the bundle's classes."""
        expected = len(self.bundle.classes)
        for columns in self._columns(pictures, outputs):
            if columns[0].shape[1:] != (expected,) or not all(np.isfinite(column).all() for column in columns):
                raise BundleError(
                    f"{self.bundle.id}: expected {expected} probabilities per picture, got"
                    f" {columns[0][:1].size}, or some that are no numbers. Export the bundle again."
                )
            yield columns

    def _columns(self, pictures: Iterable[Batch], outputs: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
        """The named outputs, window by window, each (N,...) with one row per picture, in order."""

        def run(batch: Batch) -> tuple[Batch, list[NDArray[Any]]]:
            return batch, self._session.run(outputs, batch.pixels)

        columns: list[NDArray[Any]] = []
        filled = 0
        for batch, answers in in_threads(run, pictures, self._session.batches_at_once):
            if len(batch.places) == batch.window:
                yield answers
                continue
            columns = columns or [np.empty((batch.window, *answer.shape[1:]), answer.dtype) for answer in answers]
            for column, answer in zip(columns, answers, strict=True):
                column[batch.places] = answer
            filled += len(batch.places)
            if filled == batch.window:
                yield columns
                columns, filled = [], 0


def _as_batches(pictures: Any, threads: int) -> tuple[bool, Iterator[Batch]]:
    """Whether one picture was given, and the pictures in batches, decoded in so many threads."""
    if isinstance(pictures, list | tuple):
        return False, batches(_decoded(pictures, threads))
    if isinstance(pictures, np.ndarray) and (pictures.ndim == 4 or _is_stack(pictures.shape)):
        plain = is_plain_stack(pictures)
        return False, stack_batches(pictures) if plain else batches(_decoded(list(pictures), threads))
    return True, batches(iter([decode(pictures)]))


def _is_stack(shape: tuple[int, ...]) -> bool:
    """Whether three axes mean (N,H,W) and not (H,W,C)."""
    return len(shape) == 3 and shape[2] not in (1, 3, 4)


def _decoded(sources: Sequence[PictureSource], threads: int) -> Iterator[Pixels]:
    """Each picture decoded when it is needed; those without a name are counted from 0 in error messages."""

    def open_one(place: int) -> Pixels:
        source = sources[place]
        return decode(source, None if isinstance(source, str | Path) else f"picture {place}")

    threads = min(threads, DECODERS)
    return in_threads(open_one, range(len(sources)), threads, lambda place: is_decoded_here(sources[place]))


def _as_pictures(images: NDArray[Any]) -> Pixels:
    """A graph's images, (N,S,S), (N,1,S,S), (N,3,S,S) or (N,S,S,3), as (N,S,S) or (N,S,S,3)."""
    if images.ndim == 4 and images.shape[1] in (1, 3):
        images = np.moveaxis(images, 1, 3)
    return np.ascontiguousarray(images[..., 0] if images.shape[3:] == (1,) else images, dtype=np.uint8)
