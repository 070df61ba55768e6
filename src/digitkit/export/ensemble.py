"""From several finished runs to one portable file: which of them, and what they say together.

K classes, V views, N validation images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from digitkit.core.bundle import Bundle
from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError
from digitkit.core.prediction import Thresholds
from digitkit.data.splits import Splits
from digitkit.export.graph import Graph
from digitkit.export.members import Member, described
from digitkit.export.parity import Parity, Progress
from digitkit.export.write import OPSET, part_figures, write_checked
from digitkit.learn.acceptance import part_acceptance
from digitkit.learn.calibrate import thresholds
from digitkit.learn.compose import to_plain
from digitkit.learn.ensemble import Ensemble, Selection, answers_to_views, choose, join_all, mean_answer
from digitkit.learn.evaluate import Report, probabilities, report
from digitkit.learn.loader import Images, prepared
from digitkit.learn.parts import check_same


@dataclass(frozen=True)
class Joined:
    """Several runs as one network, and what decided about them.

    `candidates` are all runs that were asked, in the order that the places of `selection` count in; `thresholds` fit
    the network's validation answers; `val` has its figures there, over the views it was chosen with. `asked` tells how
    many of the validation images the thorough network of a cascade sees, 0..1.
    """

    candidates: tuple[Member, ...]
    selection: Selection
    network: nn.Module
    view_count: int
    thresholds: Thresholds
    val: Report
    asked: float | None = None

    @property
    def members(self) -> list[Member]:
        """Those that were chosen, in the order of joining."""
        return [self.candidates[place] for place in self.selection.chosen.members]

    @property
    def temperature(self) -> float:
        """The number that the logits of all members are divided by; 1 where each has its own."""
        return self.selection.chosen.temperature

    @property
    def reads_test(self) -> bool:
        """Whether every member's recipe allows that its test part is read."""
        return all(member.recipe.run.test for member in self.members)

    def graph(self) -> Graph:
        """The whole reader; temperatures lie in its network."""
        return Graph(self.members[0].recipe.prepare, self.network, self.view_count).eval()


def join(
    candidates: Sequence[Member], splits: Splits, view_count: int, most: int = 0, progress: Progress | None = None
) -> Joined:
    """Join all candidates, or at most so many of them, chosen on the validation part; no other part is looked at.

    Raises: DataError when the pictures are no longer those of the runs, ConfigError when none are for validation.
    """
    images, answers = validate(candidates, splits, view_count, progress)
    selection = choose(answers, images.labels, most) if most else join_all(answers, images.labels)
    chosen = selection.chosen
    # Every member has as many views, so the mean of their means is the mean of all.
    each = [mean_answer(answers[place], chosen.temperature) for place in chosen.members]
    network = Ensemble([candidates[place].network for place in chosen.members], chosen.temperature)
    return with_figures(candidates, selection, network, view_count, sum(each[1:], each[0]) / len(each), images)


def validate(
    candidates: Sequence[Member], splits: Splits, view_count: int, progress: Progress | None = None
) -> tuple[Images, list[Tensor]]:
    """The validation images, and what each candidate says about them: probabilities (V,N,K).

    Raises: DataError when the pictures are no longer those of the runs, ConfigError when none are for validation.
    """
    first = candidates[0]
    check_same(first.run.path, first.fingerprint, splits)
    if not len(splits.val):
        raise ConfigError(
            f"{first.run.path} has no validation part, and nothing else may decide how runs are joined."
            " Train with data.val_size=0.1."
        )
    images = prepared(splits.val, first.recipe.prepare, content=splits.contents["val"])
    answers: list[Tensor] = []
    for done, member in enumerate(candidates):
        if progress:
            progress(done, len(candidates), f"validating {member.name}")
        answers.append(answers_to_views(member.network, images, view_count))
    return images, answers


def with_figures(
    candidates: Sequence[Member], selection: Selection, network: nn.Module, view_count: int, together: Tensor,
    images: Images,
) -> Joined:  # fmt: skip
    """Runs that were joined, with thresholds and figures by what they say `together` (N,K) on validation images."""
    first, chosen = candidates[0], [candidates[place] for place in selection.chosen.members]
    knows_others = all(member.recipe.data.negatives for member in chosen)
    accepted = part_acceptance(together, images, first.recipe.prepare)
    limits = thresholds(together, accepted, knows_others)
    made = report("val", together, images.labels, first.classes)
    return Joined(tuple(candidates), selection, network.eval(), view_count, limits, made)


def export(
    joined: Joined,
    splits: Splits,
    target: Path,
    check_with: DigitSet,
    *,
    name: str = "",
    opset: int = OPSET,
    progress: Progress | None = None,
) -> tuple[Bundle, Parity]:
    """Write the bundle of runs that were joined, after comparing it with torch on real digits.

    Where every member's recipe allows it, the test part is read once, for the figures in the record.
    Raises: BundleError when torch and the file differ; then no file is written. ConfigError for a wrong opset.
    """
    members = joined.members
    first = members[0]
    prepare = first.recipe.prepare
    usual_name = f"{first.recipe.name}-x{len(members)}" if len(members) > 1 else first.recipe.name
    record = Bundle(
        name=name or usual_name, classes=first.classes, mode=prepare.mode.value,
        size=prepare.size, views=joined.view_count, temperature=joined.temperature,
        thresholds=joined.thresholds, report=_figures(joined, splits), recipe=to_plain(first.recipe, run_folder=""),
        data_fingerprint=first.fingerprint, versions=first.versions,
    )  # fmt: skip
    return write_checked(joined.graph(), record, check_with, target, opset, progress)


def _figures(joined: Joined, splits: Splits) -> dict[str, Any]:
    """The report of the record: the ensemble's own figures, and those of its members alone."""
    members, alone = joined.members, {each.members[0]: each for each in joined.selection.alone}
    own = [(alone[place].accuracy, alone[place].loss) for place in joined.selection.chosen.members]
    figures = {
        **members[0].figures,
        "train_seconds": round(sum(member.figures["train_seconds"] for member in members), 3),
        "parameters": sum(member.figures["parameters"] for member in members),
        "contaminated": sorted({place for member in members for place in member.figures["contaminated"]}),
        **({"members": described(members, own)} if len(members) > 1 else {}),
        "val": _short(joined.val),
        **({} if joined.asked is None else {"asked": joined.asked}),
    }
    figures.pop("test", None)  # the first member's
    if joined.reads_test and len(splits.test):
        images = prepared(splits.test, members[0].recipe.prepare, content=splits.contents["test"])
        answers = probabilities(joined.network, images, joined.view_count)
        figures["test"] = _short(report("test", answers, images.labels, members[0].classes))
    return figures


def _short(made: Report) -> Mapping[str, Any]:
    plain = {**made.to_plain(), "interval": list(made.interval)}  # as JSON gives it back
    return part_figures(plain)
