"""What `evaluate --to FOLDER` leaves: a line for every picture, and all figures; no file is ever overwritten."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from digitkit import __version__
from digitkit.commands.scoring import Scored
from digitkit.core.errors import ConfigError
from digitkit.core.files import atomic_path, make_folder, write_text

PREDICTIONS, SUMMARY = "predictions.jsonl", "summary.json"


def claim(folder: Path) -> None:
    """Make the folder, before any work.

    Raises: ConfigError when it has such files already, StoreError when it cannot be made.
    """
    for name in (PREDICTIONS, SUMMARY):
        if (folder / name).exists():
            raise ConfigError(f"--to {folder}: {name} is there already, and is not overwritten. Name another folder.")
    make_folder(folder)


def write(folder: Path, scored: Iterable[Scored], figures: Sequence[Mapping[str, object]]) -> None:
    """Write both files, each whole or not at all.

    Raises: StoreError when they cannot be written.
    """
    with atomic_path(folder / PREDICTIONS) as temporary, temporary.open("w", encoding="utf-8") as file:
        for each in scored:
            file.writelines(_lines(each))
    summary = {"digitkit": __version__, "figures": list(figures)}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False))


def _lines(scored: Scored) -> Iterable[str]:
    """One JSON object per picture."""
    digits, classes = scored.part.digits, scored.reader.classes
    about = {"model": scored.reader.name, "part": scored.part.name}
    about |= {"corruption": scored.corruption} if scored.corruption else {}
    for origin, label, answer in zip(digits.origins.tolist(), digits.labels, scored.answers, strict=True):
        best = int(answer.argmax())
        facts = {
            "picture": origin, "label": classes[label], "read": classes[best], "right": bool(best == label),
            "confidence": round(float(answer[best]), 6),
            "probabilities": {name: round(float(share), 6) for name, share in zip(classes, answer, strict=True)},
        }  # fmt: skip
        yield json.dumps(about | facts, ensure_ascii=False) + "\n"
