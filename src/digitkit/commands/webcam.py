"""The verb that reads what a camera sees."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import percent, print_json, say
from digitkit.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from digitkit.app.live import Timed
    from digitkit.app.watching import Reading, Watcher
    from digitkit.core.picture import Pixels

NUMBER = re.compile(r"(\d+)")
Named = tuple[str, float | None, "Pixels | DataError"]  # a name, seconds since the start, a frame or why there is none


def webcam(
    camera: Annotated[int, typer.Option(min=0, help="The number of the camera; 0 is the first.")] = 0,
    source: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A video file or a folder of frames instead of a camera.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no window; print a line per frame.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --headless: one JSON object per frame.")] = False,
    bundle: Annotated[str, typer.Option(help='The model: a bundle (.onnx), or "default", which ships.')] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    mirror: Annotated[bool, typer.Option("--mirror", help="Show the camera as a mirror; reading is the same.")] = False,
    flip: Annotated[bool, typer.Option("--flip", help="The camera gives mirrored pictures: turn them back.")] = False,
    smooth: Annotated[int, typer.Option(min=1, help="Frames over which an answer settles; 1 = none.")] = 5,
    whole: Annotated[bool, typer.Option("--whole", help="Read the whole frame, do not look for the digit.")] = False,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    snapshots: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the key s writes pictures.")] = Path(),
) -> None:
    """Read digits live from a camera, a video file or a folder of frames."""
    if json and not headless:
        raise ConfigError("--json goes with --headless: the window shows the answers itself.")
    from digitkit.app.live import Screen, show
    from digitkit.app.watching import Habits, Watcher
    from digitkit.app.window import View
    from digitkit.runtime.predictor import Predictor

    film = _upright(_film(camera, source), flip)
    first = next(film, None)  # a camera that is not there is said before a model is read
    if first is None:
        raise DataError(f"{source if source is not None else f'camera {camera}'}: there is no frame in it.")
    wanted = islice(_from(first, film), frames)
    habits = Habits(smooth, look_for_digit=not whole, show_image=not headless)
    watcher = Watcher(Predictor.load(bundle, device), habits)
    failed: list[str] = []
    if headless:
        _print_lines(wanted, watcher, json, failed)
    else:
        show(_good(wanted, failed, is_live=source is None), watcher, View(mirrored=mirror), Screen(snapshots, say))
    if failed:
        raise DataError(f"{len(failed)} {'frame' if len(failed) == 1 else 'frames'} could not be read.")


def _film(camera: int, source: Path | None) -> Iterator[Named]:
    """Every frame of what was asked for."""
    from digitkit.app.frames import film, opened

    if source is not None and source.is_dir():
        yield from _folder(source)
        return
    if source is not None and not source.exists():
        raise DataError(f"{source}: there is no such file or folder. Give a video, or a folder of frames.")
    with opened(camera if source is None else source) as capture:
        for place, (seconds, pixels) in enumerate(film(capture, is_live=source is None)):
            yield str(place), seconds, pixels


def _folder(folder: Path) -> Iterator[Named]:
    """The pictures of a folder in their order, frame-2 before frame-10; bad ones do not stop the others."""
    from digitkit.commands.asked import expand

    for asked in sorted(expand([str(folder)]), key=lambda each: _natural(each.name)):
        try:
            yield asked.name, None, asked.pixels()
        except DataError as error:
            yield asked.name, None, error


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their value."""
    return [(int(piece), "") if piece.isascii() and piece.isdigit() else (0, piece) for piece in NUMBER.split(name)]


def _from(first: Named, rest: Iterator[Named]) -> Iterator[Named]:
    """The frames, the first again in front."""
    yield first
    yield from rest


def _upright(film: Iterator[Named], flip: bool) -> Iterator[Named]:
    """The frames, turned back where the camera mirrors them."""
    for name, seconds, frame in film:
        yield name, seconds, frame[:, ::-1].copy() if flip and not isinstance(frame, DataError) else frame


def _good(film: Iterator[Named], failed: list[str], is_live: bool) -> Iterator["Timed"]:
    """Only the frames that could be read; those of a video are shown when they are due."""
    for name, seconds, frame in film:
        if isinstance(frame, DataError):
            failed.append(name)
            say(f"error: {frame}")
        else:
            yield None if is_live else seconds, frame


def _print_lines(film: Iterator[Named], watcher: "Watcher", json: bool, failed: list[str]) -> None:
    """A line for each frame as soon as it is read."""
    for place, (name, seconds, frame) in enumerate(film):
        if isinstance(frame, DataError):
            failed.append(name)
            print_json({"frame": place, "name": name, "error": str(frame)}) if json else say(f"error: {frame}")
            continue
        reading = watcher.read(frame)
        if json:
            print_json(_facts(place, name, seconds, reading))
        else:
            said = reading.prediction
            print(f"{name}\t{said.label or ''}\t{percent(said.confidence, 1)}\t{said.verdict}\t{said.reason}")


def _facts(place: int, name: str, seconds: float | None, reading: "Reading") -> dict[str, object]:
    """What is said of a frame as JSON values; `at_once` is the answer of this frame alone."""
    said, box = reading.prediction, reading.box
    return {
        "frame": place, "name": name, "seconds": seconds, "label": said.label, "confidence": said.confidence,
        "verdict": said.verdict, "reason": said.reason, "probabilities": dict(said.probabilities),
        "at_once": {"label": reading.at_once.label, "confidence": reading.at_once.confidence},
        "box": [box.left, box.top, box.right, box.bottom], "milliseconds": round(reading.milliseconds, 2),
        "bundle": said.bundle,
    }  # fmt: skip
