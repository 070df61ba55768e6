"""Submissions as a zip, written while it is sent: pictures in class folders, and a table of where they come from."""

import json
import zipfile
from collections.abc import Iterator

from digitkit.data.parts import EMPTY
from digitkit.store import Page, SubmissionFilter, SubmissionRow
from digitkit.store.submissions import Submissions

MEDIA_TYPE = "application/zip"
ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/bmp": "bmp", "image/tiff": "tif",
    "image/webp": "webp", "image/x-portable-anymap": "ppm",
}  # fmt: skip
ROWS = "submissions.jsonl"
MOMENT = (2000, 1, 1, 0, 0, 0)  # of every member, so that the same submissions make the same bytes
UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))


class _Pipe:
    """A file that only grows; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep a piece until it is taken."""
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def take(self) -> bytes:
        """What was written since the last time."""
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


def stream(submissions: Submissions, wanted: SubmissionFilter, first: Page) -> Iterator[bytes]:
    """The bytes of the zip; one picture is in memory at a time. `first` is the first page of what is wanted."""
    pipe = _Pipe()
    rows: list[str] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for row, picture in submissions.each(wanted, first):
            name = member_name(row)
            archive.writestr(zipfile.ZipInfo(name, MOMENT), picture)
            rows.append(_line(name, row))
            yield pipe.take()
        archive.writestr(zipfile.ZipInfo(ROWS, MOMENT), "".join(rows), zipfile.ZIP_DEFLATED)
    yield pipe.take()


def member_name(row: SubmissionRow) -> str:
    """Where a picture lies in the zip: `7/0193....png`."""
    folder = row.label.translate(UNSAFE).strip(". ") or EMPTY
    return f"{folder}/{row.id}.{ENDINGS.get(row.media_type, 'bin')}"


def _line(name: str, row: SubmissionRow) -> str:
    """A row as `jsonl:` sources have them, with where the picture comes from."""
    facts = {
        "channel": row.channel, "status": row.status, "created_at": row.created_at.isoformat(),
        "true_label": row.true_label, "predicted": row.predicted, "verdict": row.verdict, "bundle": row.bundle,
    }  # fmt: skip
    return json.dumps({"image": name, "suffix": row.label, "metadata": facts}, ensure_ascii=False) + "\n"
