"""The verb `digitkit evaluate`: how well a run or a bundle reads labelled pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitkit.commands.printing import percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.commands.elsewhere import Row
    from digitkit.commands.readers import Reader
    from digitkit.commands.scoring import Pair, Scored
    from digitkit.learn.evaluate import Report

COLUMNS = ("part", "pictures", "accuracy", "95 % interval")
MNIST_TEST = "mnist/test"  # what is spoilt when nothing else is named

Target = Annotated[
    Path, typer.Argument(help='The folder of a run, a bundle (.onnx), or "default".', show_default=False)
]
On = Annotated[list[str] | None, typer.Option(help="SOURCE/PART to score, as in optdigits/test; repeatable.")]
Corruptions = Annotated[bool, typer.Option("--corruptions", help="Score the part spoilt in 15 ways too.")]
Elsewhere = Annotated[
    bool, typer.Option("--elsewhere", help="Score every test part that is here, and those of --on, as unseen places.")
]
Reject = Annotated[
    bool, typer.Option("--reject", help="Score how well it tells digits from letters, scribbles, noise.")
]
Against = Annotated[Path | None, typer.Option(help="Another run or bundle: which is better, and can that be chance?")]
To = Annotated[Path | None, typer.Option(help="Folder for predictions.jsonl and summary.json; never overwrites them.")]
Limit = Annotated[int, typer.Option(min=0, help="Score so many pictures of each part, evenly chosen; 0 = all.")]
Batch = Annotated[int, typer.Option(min=1, max=100_000, help="Pictures that are read at once.")]
Views = Annotated[int, typer.Option(help="Shifted views of a run: 1, 5 or 9. A bundle has its own.")]
Seed = Annotated[int, typer.Option(min=0, help="Of what --corruptions draws.")]
Mistakes = Annotated[Path | None, typer.Option(help="PNG for the surest mistakes on the part.")]
Reliability = Annotated[Path | None, typer.Option(help="PNG for what confidence is worth on the part.")]
Sheet = Annotated[Path | None, typer.Option(help="PNG for some pictures as --corruptions spoils them.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")]

Figures = list[dict[str, Any]]  # what --json prints
Found = tuple["Iterable[Mapping[str, object]]", Figures]  # and a line for each picture, for --to


def evaluate(
    target: Target,
    on: On = None,
    corruptions: Corruptions = False,
    elsewhere: Elsewhere = False,
    reject: Reject = False,
    against: Against = None,
    to: To = None,
    limit: Limit = 0,
    batch: Batch = 1000,
    views: Views = 1,
    seed: Seed = 0,
    mistakes: Mistakes = None,
    reliability: Reliability = None,
    sheet: Sheet = None,
    json: Json = False,
) -> None:
    """Score a run or a bundle on labelled pictures, by default those it was validated on."""
    ways = corruptions + elsewhere + reject + (against is not None)
    _check(ways, not ways, bool(mistakes or reliability), sheet and not corruptions, reject and views != 1)
    from digitkit.commands import recording
    from digitkit.commands.readers import open_reader

    if to:
        recording.claim(to)
    reader, specs = open_reader(target, _views_of(target, against, views), batch), on or []
    if against:
        other = open_reader(against, _views_of(against, target, views), batch)
        lines, figures = _against(reader, other, specs, limit, json)
    elif corruptions:
        lines, figures = _spoilt(reader, specs or [MNIST_TEST], limit, seed, sheet, json)
    elif elsewhere:
        lines, figures = _elsewhere(reader, specs, limit, json)
    elif reject:
        lines, figures = _rejected(reader, specs, limit, json)
    else:
        lines, figures = _plain(reader, specs, limit, mistakes, reliability, json)
    _leave(lines, figures, to, json)


def _views_of(target: Path, other: Path | None, views: int) -> int:
    """Views are asked of a run; a bundle that is compared with one keeps its own."""
    from digitkit.commands.readers import is_bundle

    return 1 if other and is_bundle(target) and not is_bundle(other) else views


def _leave(lines: "Iterable[Mapping[str, object]]", figures: Figures, to: Path | None, json: bool) -> None:
    """Write files and print JSON, where they are wanted."""
    from digitkit.commands import recording

    if to:
        recording.write(to, lines, figures)
    if json:
        for facts in figures:
            print_json(facts)


def _check(ways: int, plain: bool, draws: bool, sheet_alone: object, judged_with_views: bool) -> None:
    """Refuse options that do not go together.

    Raises: ConfigError.
    """
    from digitkit.core.errors import ConfigError

    if ways > 1:
        raise ConfigError("--corruptions, --elsewhere, --reject and --against are four questions; ask one at a time.")
    if draws and not plain:
        raise ConfigError("--mistakes and --reliability draw one part as it is; leave out the other way of scoring.")
    if judged_with_views:
        raise ConfigError(
            "--views changes nothing with --reject: verdicts are those of the run's model.onnx. Write it with"
            " `digitkit export RUN --views 5`."
        )
    if sheet_alone:
        raise ConfigError("--sheet shows what --corruptions does; ask for both.")


def _plain(
    reader: "Reader", specs: Sequence[str], limit: int, mistakes: Path | None, reliability: Path | None, json: bool
) -> Found:
    from digitkit.commands import scoring
    from digitkit.core.errors import ConfigError

    if (mistakes or reliability) and len(specs) > 1:
        raise ConfigError("--mistakes and --reliability draw one part; name one with --on.")
    parts = scoring.read_parts(reader, specs, limit, say)
    for part in parts:
        scoring.warn(reader, part, say)
    scored = [scoring.score(reader, part) for part in parts]
    if not json:
        columns = [_column(each.report) for each in scored]
        rows = [(what, *(column.get(what, "") for column in columns)) for what in columns[0]]
        print_table(reader.name, ("figure", *(each.part.name for each in scored)), rows)
    _draw(scored[0], mistakes, reliability)
    return _lines_of(scored), [each.to_plain() for each in scored]


def _lines_of(scored: "Iterable[Scored]") -> "Iterator[Mapping[str, object]]":
    from digitkit.commands.recording import lines_of

    return chain.from_iterable(map(lines_of, scored))


def _column(made: "Report") -> dict[str, str]:
    figures = {**_shares(made), "macro F1": f"{made.f1:.4f}", "loss": f"{made.loss:.4f}"}
    if made.reliability:
        figures["calibration error"] = percent(made.reliability.ece)
        figures["the same by chance alone"] = percent(made.reliability.by_chance)
    return figures | {f"true label in the first {k}": percent(share) for k, share in made.top_k.items()}


def _shares(made: "Report") -> dict[str, str]:
    """The figures that every table has."""
    low, high = (f"{100 * share:.2f}" for share in made.interval)
    return {"pictures": f"{made.n:,}", "accuracy": percent(made.accuracy), "95 % interval": f"{low} to {high} %"}


def _draw(scored: "Scored", mistakes: Path | None, reliability: Path | None) -> None:
    from digitkit.commands import scored_pictures

    if mistakes:
        scored_pictures.draw_mistakes(scored, mistakes)
    if reliability:
        scored_pictures.draw_reliability(scored, reliability)


def _spoilt(reader: "Reader", specs: Sequence[str], limit: int, seed: int, sheet: Path | None, json: bool) -> Found:
    from digitkit.commands import scored_pictures, scoring

    parts = scoring.read_parts(reader, specs, limit, say)
    if sheet:
        scored_pictures.draw_spoilt(parts[0], seed, sheet)
    scored: list[Scored] = []
    figures: Figures = []
    for part in parts:
        scoring.warn(reader, part, say)
        with progress_bar(not json) as progress:
            clean, *spoilt = list(scoring.score_spoilt(reader, part, seed, progress))
        worst = min(spoilt, key=lambda each: each.report.accuracy)
        mean = sum(each.report.accuracy for each in spoilt) / len(spoilt)
        summary = {
            "part": part.name, "seed": seed, "n": clean.report.n, "clean": clean.report.accuracy, "mean": mean,
            "worst": worst.corruption, "worst_accuracy": worst.report.accuracy,
        }  # fmt: skip
        scored += [clean, *spoilt]
        figures += [*({"corruption": each.corruption, **each.to_plain()} for each in (clean, *spoilt)), summary]
        if not json:
            rows = [(each.corruption or "as it is", *_shares(each.report).values()) for each in (clean, *spoilt)]
            title = f"{reader.name} on {part.name}, spoilt in {len(spoilt)} ways (seed {seed})"
            print_table(title, ("corruption", *COLUMNS[1:]), [*rows, (f"mean of {len(spoilt)}", "", percent(mean), "")])
    return _lines_of(scored), figures


def _elsewhere(reader: "Reader", specs: Sequence[str], limit: int, json: bool) -> Found:
    from digitkit.commands.elsewhere import score_elsewhere
    from digitkit.core.errors import ConfigError

    with progress_bar(not json) as progress:
        rows = list(score_elsewhere(reader, specs, limit, say, progress))
    unseen = [row.scored.report.accuracy for row in rows if row.scored and row.unseen]
    if not any(row.scored for row in rows):
        raise ConfigError("No test part that could be scored is here. `digitkit data list` shows what there is.")
    mean = sum(unseen) / len(unseen) if unseen else None
    if not json:
        _tell_elsewhere(reader, rows, unseen)
    figures = [_elsewhere_facts(row) for row in rows]
    return _lines_of(row.scored for row in rows if row.scored), [*figures, {"mean": mean, "unseen": len(unseen)}]


def _tell_elsewhere(reader: "Reader", rows: "Sequence[Row]", unseen: Sequence[float]) -> None:
    """A table of what was scored, and a line for each reason why a part was not."""
    cells = [(row.part, *_shares(row.scored.report).values(), row.note) for row in rows if row.scored]
    if unseen:
        cells.append((f"mean of {len(unseen)} unseen", "", percent(sum(unseen) / len(unseen)), "", ""))
    print_table(f"{reader.name} elsewhere", (*COLUMNS, "note"), cells)
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if not row.scored:
            reasons.setdefault(row.note, []).append(row.part)
    for reason, parts in reasons.items():
        print(f"Skipped {', '.join(parts)}: {reason}")


def _elsewhere_facts(row: "Row") -> dict[str, Any]:
    made = row.scored.to_plain() if row.scored else {}
    return {"part": row.part, "unseen": row.unseen, "note": row.note, **made}


def _rejected(reader: "Reader", specs: Sequence[str], limit: int, json: bool) -> Found:
    from digitkit.commands.recording import judged_lines
    from digitkit.commands.rejecting import score_rejection, tell

    with progress_bar(not json) as progress:
        found = score_rejection(reader, specs, limit, say, progress)
    if not json:
        tell(reader, found)
    lines = (judged_lines(reader.name, part, judged) for part, judged in found.judged)
    return chain.from_iterable(lines), found.to_plain()


def _against(one: "Reader", other: "Reader", specs: Sequence[str], limit: int, json: bool) -> Found:
    from digitkit.commands.scoring import score_against

    pairs: list[Pair] = list(score_against(one, other, specs, limit, say))
    for pair in [] if json else pairs:
        made = pair.comparison
        shares = [(each.reader.name, *list(_shares(each.report).values())[1:]) for each in (pair.first, pair.second)]
        print_table(f"{made.split}, {made.n:,} pictures", ("model", "accuracy", "95 % interval"), shares)
        counts = {
            "both are right": made.both_right, f"only {made.first} is right": made.only_first_right,
            f"only {made.second} is right": made.only_second_right, "both are wrong": made.both_wrong,
        }  # fmt: skip
        rows = [(what, f"{count:,}") for what, count in counts.items()]
        print_table("", ("pictures on which", "number"), [*rows, ("p-value (McNemar, exact)", f"{made.p_value:.3g}")])
        print(made.sentence)
    scored = [each for pair in pairs for each in (pair.first, pair.second)]
    return _lines_of(scored), [pair.comparison.to_plain() for pair in pairs]
