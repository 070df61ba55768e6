"""Two finished runs as one reader: the thorough one is asked only where the quick one is not sure."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from digitkit.data.splits import Splits
from digitkit.export.ensemble import Joined, Progress, validate, with_figures
from digitkit.export.members import Member
from digitkit.learn.calibrate import Tempered, temperature_of_mean, tempered
from digitkit.learn.cascade import Cascade, answers, choose
from digitkit.learn.ensemble import Selection, Standing, measure


def join_in_turn(
    quick: Member, thorough: Member, splits: Splits, view_count: int, progress: Progress | None = None
) -> Joined:
    """Join two runs; the validation part decides how sure the quick one must be, and no other part is looked at.

    Each keeps the temperature that fits it, since one of them answers alone most of the time.
    Raises: DataError when the pictures are no longer those of the runs, ConfigError when none are for validation.
    """
    candidates = (quick, thorough)
    images, said = validate(candidates, splits, view_count, progress)
    degrees = [temperature_of_mean(answer, images.labels) for answer in said]
    first, second = (tempered(answer, degree) for answer, degree in zip(said, degrees, strict=True))
    limit, _ = choose(first, second, images.labels)
    network = Cascade(Tempered(quick.network, degrees[0]), Tempered(thorough.network, degrees[1]), limit.sure)
    selection = _selection(said, images.labels, Standing((0, 1), limit.accuracy, limit.loss, 1.0))
    together = answers(first, second, limit.sure)
    made = with_figures(candidates, selection, network, view_count, together, images)
    return replace(made, asked=limit.asked)


def _selection(said: Sequence[Tensor], labels: Tensor, both: Standing) -> Selection:
    alone = tuple(measure(said, labels, (place,)) for place in range(len(said)))
    return Selection(alone, (alone[0], both))
