"""Two finished runs as one reader: the thorough one is asked only where the quick one is not sure."""

from dataclasses import replace

import torch

from digitkit.data.splits import Splits
from digitkit.export.ensemble import Joined, validate, with_figures
from digitkit.export.members import Member
from digitkit.export.parity import Progress
from digitkit.learn.calibrate import Tempered, tempered
from digitkit.learn.cascade import Cascade, answers, choose, measure_limits
from digitkit.learn.ensemble import Selection, mean_answer, measure


def join_in_turn(
    quick: Member,
    thorough: Member,
    splits: Splits,
    view_count: int,
    most_asked: float = 1.0,
    progress: Progress | None = None,
) -> Joined:
    """Join two runs; the validation part decides how sure the quick one must be, and no other part is looked at.

    The thorough one may be asked about `most_asked` of the validation images, 0..1; time grows with it.
    Each keeps the temperature that fits it, since one of them answers alone most of the time. What they say together
    has one more: a mixture of two answers is less sure than it may be (Ranjan and Gneiting 2010).
    Raises: DataError when the pictures are no longer those of the runs, ConfigError when none are for validation.
    """
    candidates = (quick, thorough)
    images, said = validate(candidates, splits, view_count, progress)
    alone = [measure(said, images.labels, (place,)) for place in range(len(said))]
    degrees = [standing.temperature for standing in alone]
    first, second = (tempered(answer, degree) for answer, degree in zip(said, degrees, strict=True))
    limit = choose(measure_limits(first, second, images.labels), most_asked)
    views = zip(first, second, strict=True)
    mixed = torch.stack([answers(one[None], other[None], limit.sure, limit.say) for one, other in views])  # (V,N,K)
    both = measure([mixed], images.labels, (0,))
    selection = Selection(tuple(alone), (alone[0], replace(both, members=(0, 1))))
    each = [Tempered(member.network, degree) for member, degree in zip(candidates, degrees, strict=True)]
    network = Tempered(Cascade(each[0], each[1], limit.sure, limit.say), both.temperature)
    together = mean_answer(mixed, both.temperature)
    made = with_figures(candidates, selection, network, view_count, together, images)
    return replace(made, asked=limit.asked)
