"""What `digitkit export RUN RUN ...` does: join runs on validation, tell how they were chosen, write one bundle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digitkit.commands.printing import percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.data.splits import Splits
    from digitkit.export.ensemble import Joined
    from digitkit.export.members import Member

COLUMNS = ("run", "accuracy", "loss", "with those above", "loss together")


def join(members: "Sequence[Member]", splits: "Splits", views: int, best: int, json: bool) -> "Joined":
    """Join runs, all or at most `best` of them, and tell what decided."""
    from digitkit.export import ensemble

    with progress_bar(not json) as progress:
        joined = ensemble.join(members, splits, views, best, progress)
    _tell(joined, json)
    return joined


def join_in_turn(members: "Sequence[Member]", splits: "Splits", views: int, most_asked: float, json: bool) -> "Joined":
    """Join a quick run and a thorough one, and tell what decided."""
    from digitkit.export import cascade

    with progress_bar(not json) as progress:
        joined = cascade.join_in_turn(members[0], members[1], splits, views, most_asked, progress)
    _tell(joined, json)
    if joined.asked is not None and joined.asked > most_asked:
        say(
            f"{members[0].run.path} is seldom sure: the second run is asked about {percent(joined.asked)} at least,"
            f" and --asked allows {percent(most_asked)}. Train the first one longer, or export the second one alone."
        )
    return joined


def _tell(joined: "Joined", json: bool) -> None:
    rows = _rows(joined)
    if json:
        chosen = joined.selection.chosen
        asked = {} if joined.asked is None else {"asked": joined.asked}
        print_json({"validation": joined.val.n, "temperature": chosen.temperature, **asked, "candidates": rows})
    else:
        cells = [(row["run"], *_shares(row), *_shares(row["together"])) for row in rows]
        asks = "" if joined.asked is None else f"; the second is asked about {percent(joined.asked)} of them"
        low, high = map(percent, joined.val.interval)
        title = f"{len(joined.members)} of {len(rows)} runs, by {joined.val.n:,} validation pictures"
        print_table(f"{title}: {percent(joined.val.accuracy)} ({low} to {high}){asks}", COLUMNS, cells)


def _rows(joined: "Joined") -> list[dict[str, Any]]:
    """Those that were chosen, in the order of joining, then the others by rank; each alone, and what it made of it."""
    selection = joined.selection
    alone = {standing.members[0]: standing for standing in selection.alone}
    grown = {standing.members[-1]: standing for standing in selection.steps}
    order = [*selection.chosen.members, *(place for place in alone if place not in selection.chosen.members)]
    return [
        {
            "run": str(joined.candidates[place].run.path),
            "accuracy": alone[place].accuracy,
            "loss": alone[place].loss,
            "together": {"accuracy": grown[place].accuracy, "loss": grown[place].loss} if place in grown else None,
        }
        for place in order
    ]


def _shares(figures: dict[str, Any] | None) -> tuple[str, str]:
    return (percent(figures["accuracy"]), f"{figures['loss']:.4f}") if figures else ("left out", "")
