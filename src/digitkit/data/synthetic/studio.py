"""Draw the pictures of a plan: with the fonts of this machine, or with digits of other sources, on several cores.

H, W the picture in px.
"""

import io
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.fetch import fetch, read_part
from digitkit.data.source import TRAIN, Source
from digitkit.data.strata import choose
from digitkit.data.synthetic.degrade import degrade
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.fonts import choose_faces, deal, find_faces
from digitkit.data.synthetic.hand import Hand
from digitkit.data.synthetic.handwriting import draw_handwriting
from digitkit.data.synthetic.jersey import draw_jersey
from digitkit.data.synthetic.plan import Job, Plan
from digitkit.data.synthetic.printed import draw_print
from digitkit.data.synthetic.scene import Cast, Drawing, Order, Style
from digitkit.data.synthetic.warp import Frame

VERSION = 1  # counts up when the same plan and fonts become other pictures
PNG_LEVEL = 3  # 0.2 ms for 64 px; the usual 6 takes 0.7 ms and saves a tenth
LENT = 0.1  # of the training part of a source, for each part that it lacks
LEAST_WIDTH = 6  # px for each digit, and for what is beside them
CHUNK = 64  # pictures that a process draws at a time
ONE_PROCESS = 500  # pictures: fewer are done before a second process has started

Find = Callable[[str], Source]
STYLES: Mapping[str, Style] = {"jersey": draw_jersey, "print": draw_print, "handwriting": draw_handwriting}


@dataclass(frozen=True)
class Studio:
    """A plan with what it is drawn with: the cast of each part."""

    plan: Plan
    casts: Mapping[str, Cast]

    def draw(self, job: Job) -> Drawing:
        """A picture before it is degraded."""
        dice = self._dice("draw", job)
        plan = self.plan
        height = round(dice.between(*plan.size))
        width = max(LEAST_WIDTH * (len(job.label) + 1), round(height * dice.between(*plan.aspect)))
        pair = job.pair or (dice.weigh(plan.pairs) if plan.pairs else None)
        order = Order(job.label, Frame(height, width), pair, plan.contrast)
        return STYLES[plan.style](order, self.casts[job.part], dice)

    def make(self, job: Job) -> Pixels:
        """A picture, uint8 (H, W, 3)."""
        drawing = self.draw(job)
        return degrade(drawing.surface, drawing.ink, self.plan.degrade, self._dice("degrade", job))

    def encode(self, job: Job) -> bytes:
        """A picture as PNG."""
        file = io.BytesIO()
        Image.fromarray(self.make(job)).save(file, "PNG", compress_level=PNG_LEVEL)
        return file.getvalue()

    def facts(self, part: str) -> tuple[object, ...]:
        """Everything that the pictures of a part depend on, besides their jobs."""
        cast = self.casts[part]
        hand = cast.hand.content if cast.hand else ""
        return VERSION, np.__version__, self.plan.facts(), [face.sha256 for face in cast.faces], hand

    def _dice(self, use: str, job: Job) -> Dice:
        colours = (job.pair.ink, job.pair.ground) if job.pair else None
        return Dice(self.plan.seed, self.plan.style, use, job.part, job.label, colours, job.index)


def open_studio(plan: Plan, find: Find) -> Studio:
    """The fonts that a plan names, or its sources, dealt out to its parts so that no two share any.

    Raises: ConfigError when there are too few of them, and what reading a source raises.
    """
    if plan.style == "handwriting":
        sources = [_bring(find(spec)) for spec in plan.sources]
        hands = {part: Hand([_share(source, part, plan.parts) for source in sources]) for part in plan.parts}
        return Studio(plan, {part: Cast((), hand) for part, hand in hands.items()})
    faces = choose_faces(find_faces(plan.font_folders), plan.fonts)
    dealt = deal(faces, plan.parts, plan.seed)
    return Studio(plan, {part: Cast(tuple(mine)) for part, mine in dealt.items()})


def _bring(source: Source) -> Source:
    """A source with its files, which may be what tells its parts."""
    fetch(source, parts=source.usual_parts)
    return source.when_fetched()


def _share(source: Source, part: str, parts: Sequence[str]) -> DigitSet:
    """The pictures of a source that one part is made of; a tenth of its training part stands in for a part it lacks."""
    if part != TRAIN and part in source.parts:
        return read_part(source, part)
    digits = read_part(source, TRAIN)
    rest = np.arange(len(digits))
    for other in parts:
        if other == TRAIN or other in source.parts:
            continue
        lent = rest[choose(digits.labels[rest], round(LENT * len(digits)), seed=0)]
        if part == other:
            return digits.take(lent)
        rest = np.setdiff1d(rest, lent, assume_unique=True)
    return digits.take(rest) if len(rest) < len(digits) else digits


@contextmanager
def encoding(studio: Studio, jobs: Sequence[Job], find: Find, workers: int) -> Iterator[Iterator[bytes]]:
    """The pictures of jobs as PNG, in their order, drawn by several processes; how many makes no difference."""
    if workers <= 1 or len(jobs) <= ONE_PROCESS:
        yield (studio.encode(job) for job in jobs)
        return
    chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of running threads
    with ProcessPoolExecutor(workers, context, _start, (studio.plan, find)) as pool:
        try:
            yield _collect(pool, chunks, ahead=3 * workers)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _collect(pool: ProcessPoolExecutor, chunks: Sequence[Sequence[Job]], ahead: int) -> Iterator[bytes]:
    """The chunks in their order; only so many are drawn ahead, since a million pictures do not fit into memory."""
    waiting: deque[Future[list[bytes]]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(_encode, chunk))
            if len(waiting) > ahead:
                yield from waiting.popleft().result()
        for future in waiting:
            yield from future.result()
    except BrokenProcessPool as error:
        raise SourceError(
            "A process that drew pictures was ended, perhaps for want of memory. Use fewer workers."
        ) from error


_studio: list[Studio] = []  # of a process that draws; empty in every other


def _start(plan: Plan, find: Find) -> None:
    """What a process does before its first picture."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that waits for the pictures
    _studio[:] = [open_studio(plan, find)]


def _encode(jobs: Sequence[Job]) -> list[bytes]:
    """What a process does with a chunk."""
    return [_studio[0].encode(job) for job in jobs]
