"""Two finished runs as one reader: the thorough one is asked only where the quick one is not sure."""

from dataclasses import replace

from digitkit.data.splits import Splits
from digitkit.export.ensemble import Joined, validate, with_figures
from digitkit.export.members import Member
from digitkit.export.parity import Progress
from digitkit.learn.calibrate import Tempered, tempered
from digitkit.learn.cascade import Cascade, answers, choose, measure_limits
from digitkit.learn.ensemble import Selection, Standing, measure


def join_in_turn(
    quick: Member,
    thorough: Member,
    splits: Splits,
    view_count: int,
    most_asked: float,
    progress: Progress | None = None,
) -> Joined:
    """Join two runs; the validation part decides how sure the quick one must be, and no other part is looked at.

    The thorough one may be asked about `most_asked` of the validation images, 0..1: the time that many pictures take
    grows with it. Each keeps the temperature that fits it, since one of them answers alone most of the time.
    Raises: DataError when the pictures are no longer those of the runs, ConfigError when none are for validation.
    """
    candidates = (quick, thorough)
    images, said = validate(candidates, splits, view_count, progress)
    alone = [measure(said, images.labels, (place,)) for place in range(len(said))]
    degrees = [standing.temperature for standing in alone]
    first, second = (tempered(answer, degree) for answer, degree in zip(said, degrees, strict=True))
    limit = choose(measure_limits(first, second, images.labels), most_asked)
    both = Standing((0, 1), limit.accuracy, limit.loss, 1.0)
    selection = Selection(tuple(alone), (alone[0], both))
    each = [Tempered(member.network, degree) for member, degree in zip(candidates, degrees, strict=True)]
    network = Cascade(each[0], each[1], limit.sure, limit.say)
    together = answers(first, second, limit.sure, limit.say)
    made = with_figures(candidates, selection, network, view_count, together, images)
    return replace(made, asked=limit.asked)
