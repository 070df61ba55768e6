"""What was made of the forms that MNIST comes from: QMNIST, and EMNIST's digits and letters.

N pictures of 28x28 px, 0 = paper, 255 = ink.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.idx import idx_rows
from digitkit.data.parsed import parse_once
from digitkit.data.source import BRIGHT, DIGITS, EXTRA, SOURCES, TEST, TRAIN, RemoteFile, Source
from digitkit.data.unpack import Unpacked

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")  # capital and small ones are one class
SIDE = 28  # px
QMNIST_URL = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
QMNIST_PREFIXES = {TRAIN: ("qmnist-train", "gz"), TEST: ("qmnist-test", "gz"), EXTRA: ("xnist", "xz")}
QMNIST_COLUMNS = (
    8  # of an extended label: digit, series of forms, writer, place, NIST's class, place overall, two flags
)
EMNIST_ZIP = "emnist-gzip.zip"
EMNIST_URLS = (
    "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
    "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
)


@dataclass(frozen=True)
class _Pair:
    """Where the pictures and the labels of one part lie: files, or members of one zip, in the IDX format."""

    images: Path
    labels: Path
    members: tuple[str, str] = ("", "")
    label_row: tuple[int, ...] = ()  # shape of one label; of several columns the first is the class
    first_label: int = 0
    transposed: bool = False

    def fill(self, writer: ArrayWriter) -> None:
        """Write pictures and labels as they come out of their packing."""
        with Unpacked(self.images, self.members[0]) as file:
            for rows in idx_rows(file, (SIDE, SIDE)):
                writer.append("pixels", rows.swapaxes(1, 2) if self.transposed else rows)
        with Unpacked(self.labels, self.members[1]) as file:
            for rows in idx_rows(file, self.label_row):
                codes = rows.reshape(len(rows), -1)[:, 0].astype(np.int64)
                writer.append("labels", codes - self.first_label)


def read_qmnist(folder: Path, part: str) -> DigitSet:
    """One part of QMNIST; "extra" is every digit of NIST's forms, the training and test pictures among them.

    Raises: SourceError when its files are not here or are not what they should be.
    """
    prefix, packing = QMNIST_PREFIXES[part]
    images, labels = folder / f"{prefix}-images-idx3-ubyte.{packing}", folder / f"{prefix}-labels-idx2-int.{packing}"
    pair = _Pair(images, labels, label_row=(QMNIST_COLUMNS,))
    return parse_once(("qmnist", part), DIGITS, [images, labels], pair.fill)


def read_emnist(folder: Path, part: str, kind: str) -> DigitSet:
    """One part of EMNIST's "digits" or "letters", turned upright: its files hold every picture transposed.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / EMNIST_ZIP
    stem = f"gzip/emnist-{kind}-{part}"
    members = f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz"
    classes, first = (DIGITS, 0) if kind == "digits" else (LETTERS, 1)
    pair = _Pair(path, path, members, first_label=first, transposed=True)
    return parse_once((f"emnist-{kind}", part), classes, [path], pair.fill)


def _qmnist_file(part: str, kind: str, sha256: str) -> RemoteFile:
    """One of QMNIST's files; their sizes are not published."""
    prefix, packing = QMNIST_PREFIXES[part]
    name = f"{prefix}-{kind}.{packing}"
    return RemoteFile(name, (QMNIST_URL + name,), sha256, part=part)


def _add_emnist(kind: str, title: str, contains: Mapping[str, tuple[str, ...]]) -> None:
    """Register one of EMNIST's sets; all lie in one archive, which is kept once."""
    digest = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"
    name = f"emnist-{kind}"
    source = Source(
        name=name,
        title=title,
        licence="public domain (NIST)",
        homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        files=(RemoteFile(EMNIST_ZIP, EMNIST_URLS, digest, 561_753_746),),
        parts=(TRAIN, TEST),
        read=partial(read_emnist, kind=kind),
        ink=BRIGHT,
        contains=contains,
        family="nist",
        reframed=True,  # into 24 px of the 28, MNIST and QMNIST into 20
        folder="emnist",
    )
    SOURCES.add(name, source)


SOURCES.add(
    "qmnist",
    Source(
        name="qmnist",
        title="QMNIST, MNIST made anew with 50,000 more test pictures, and all of NIST's digits",
        licence="BSD-3-Clause",
        homepage="https://github.com/facebookresearch/qmnist",
        files=(
            _qmnist_file(
                TRAIN, "images-idx3-ubyte", "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"
            ),
            _qmnist_file(TRAIN, "labels-idx2-int", "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f"),
            _qmnist_file(TEST, "images-idx3-ubyte", "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"),
            _qmnist_file(TEST, "labels-idx2-int", "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06"),
            _qmnist_file(
                EXTRA, "images-idx3-ubyte", "f075553993026d4359ded42208eff77a1941d3963c1eff49d6015814f15f0984"
            ),
            _qmnist_file(EXTRA, "labels-idx2-int", "db042968723ec2b7aed5f1beac25d2b6e983b9286d4f4bf725f1086e5ae55c4f"),
        ),
        parts=(TRAIN, TEST, EXTRA),
        read=read_qmnist,
        ink=BRIGHT,
        family="nist",
        contains={EXTRA: ("mnist/test", "qmnist/test", "emnist-digits/test")},
    ),
)
_add_emnist("digits", "EMNIST digits, 280,000 of NIST's, 28x28 px", contains={TRAIN: ("mnist/test", "qmnist/test")})
_add_emnist("letters", "EMNIST letters A to Z, 145,600 of NIST's, 28x28 px; no digits", contains={})
