"""What `evaluate --to FOLDER` leaves: a line for every picture, and all figures; no file is ever overwritten."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from digitkit import __version__
from digitkit.commands.readers import Judged
from digitkit.commands.scoring import Part, Scored
from digitkit.core.errors import ConfigError
from digitkit.core.files import atomic_path, make_folder, write_text
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.learn.rejection import REFUSED

PREDICTIONS, SUMMARY = "predictions.jsonl", "summary.json"


def claim(folder: Path) -> None:
    """Make the folder, before any work.

    Raises: ConfigError when it has such files already, StoreError when it cannot be made.
    """
    for name in (PREDICTIONS, SUMMARY):
        if (folder / name).exists():
            raise ConfigError(f"--to {folder}: {name} is there already, and is not overwritten. Name another folder.")
    make_folder(folder)


def write(folder: Path, lines: Iterable[Mapping[str, object]], figures: Sequence[Mapping[str, object]]) -> None:
    """Write both files, each whole or not at all; `lines` are those of pictures.

    Raises: StoreError when they cannot be written.
    """
    with atomic_path(folder / PREDICTIONS) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    summary = {"digitkit": __version__, "figures": list(figures)}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False))


def lines_of(scored: Scored) -> Iterator[dict[str, object]]:
    """What was answered to each picture of a part."""
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
        yield about | facts


def judged_lines(model: str, part: Part, judged: Sequence[Judged]) -> Iterator[dict[str, object]]:
    """What users are told of each picture of a part, which may show no digit: then refusing it is right."""
    digits = part.digits
    for origin, label, (evidence, told) in zip(digits.origins.tolist(), digits.labels, judged, strict=True):
        name = digits.classes[label]
        yield {
            "model": model, "part": part.name, "picture": origin, "label": name, "read": told.label,
            "right": told.verdict in REFUSED if name == NOT_A_DIGIT else told.label == name, "verdict": told.verdict,
            "reason": told.reason, "acceptance": round(float(evidence.acceptance), 6),
            "confidence": round(float(told.confidence), 6),
            "probabilities": {each: round(float(share), 6) for each, share in told.probabilities.items()},
        }  # fmt: skip
