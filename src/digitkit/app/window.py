"""The window of the camera as a picture: frame, box, banner, bars and what the model sees.

H height, W width in px, of the frame. Everything that is said comes from one `Prediction`.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from digitkit.app.finding import Box
from digitkit.app.watching import Reading
from digitkit.app.words import percent
from digitkit.core.picture import Pixels
from digitkit.core.prediction import Prediction

HEIGHT = 540  # px, of the frame in the window
PANEL = 320  # px, wide: bars and what the model sees
BANNER = 72  # px, high
FOOT = 36  # px, high: the keys
KEYS = "q: quit     v: what the model sees     s: snapshot     m: mirror"
INK, PAPER, QUIET, BAR = "#f4f5f7", "#15181e", "#9aa3b2", "#4f8ef7"
COLOURS = {"digit": "#3ecf8e", "number": "#3ecf8e", "unsure": "#f5b942", "not a digit": "#ef6a6a", "blank": QUIET}
MOST_BARS = 10  # of models with many classes the most probable ones


@dataclass(frozen=True)
class View:
    """What a person chose to see: the camera as a mirror, and what the model sees enlarged in place of the camera."""

    mirrored: bool = False
    model_view: bool = False


def draw(frame: Pixels, reading: Reading, view: View) -> Pixels:
    """The whole window for one frame: uint8 (banner + 540 + foot, W, 3) RGB."""
    shown = _camera_view(frame, reading, view)
    if view.model_view:
        shown = _model_view(reading, shown.width)
    canvas = Image.new("RGB", (shown.width + PANEL, BANNER + HEIGHT + FOOT), PAPER)
    canvas.paste(shown, (0, BANNER))
    pen = ImageDraw.Draw(canvas)
    _draw_banner(pen, reading, canvas.width)
    _draw_bars(pen, reading.prediction, shown.width + 20)
    if reading.image is not None and not view.model_view:
        canvas.paste(_enlarged(reading.image, 130), (shown.width + 20, BANNER + HEIGHT - 150))
        pen.text((shown.width + 164, BANNER + HEIGHT - 150), "what the\nmodel sees", QUIET, _font(15))
    pen.text((20, canvas.height - FOOT // 2), KEYS, QUIET, _font(14), anchor="lm")
    return np.asarray(canvas)


def banner(prediction: Prediction) -> str:
    """The answer in words, as it stands at the top of the window."""
    if prediction.label is None:
        return prediction.reason
    share = percent(prediction.confidence)
    if prediction.verdict == "not a digit":
        return f"not a digit (nearest: {prediction.label or 'none'}, {share})"
    if prediction.verdict == "unsure":
        return f"not sure: {prediction.reason} {share}"
    return f"{prediction.label or 'none'}   {share}"


def bars(prediction: Prediction) -> list[tuple[str, float]]:
    """What the bars show: labels in their own order with their probabilities, all 0 where nothing is drawn."""
    kept = dict(prediction.top(MOST_BARS))
    empty = prediction.label is None
    return [(label, 0.0 if empty else share) for label, share in prediction.probabilities.items() if label in kept]


def _camera_view(frame: Pixels, reading: Reading, view: View) -> Image.Image:
    """The frame with the box, as a mirror where that is wanted; texts are drawn later and stay readable."""
    picture = Image.fromarray(frame)
    scale = HEIGHT / picture.height
    width = max(240, min(1600, round(picture.width * scale)))
    shown = picture.resize((width, HEIGHT))
    pen = ImageDraw.Draw(shown)
    across = width / picture.width
    box = _scaled(reading.box, across, scale)
    pen.rectangle(box, outline=COLOURS[reading.prediction.verdict], width=4)
    return ImageOps.mirror(shown) if view.mirrored else shown


def _scaled(box: Box, across: float, down: float) -> tuple[float, float, float, float]:
    """The box in px of the window, its last px inside."""
    return box.left * across, box.top * down, box.right * across - 1, box.bottom * down - 1


def _model_view(reading: Reading, width: int) -> Image.Image:
    """What the model sees, in the place of the camera and as large, so that the window stays as it is."""
    canvas = Image.new("RGB", (width, HEIGHT), PAPER)
    if reading.image is not None:
        side = min(width, HEIGHT)
        canvas.paste(_enlarged(reading.image, side), ((width - side) // 2, (HEIGHT - side) // 2))
    return canvas


def _enlarged(image: Pixels, side: int) -> Image.Image:
    """Each pixel as a square, so that nothing is made up."""
    return Image.fromarray(image).convert("RGB").resize((side, side), Image.Resampling.NEAREST)


def _draw_banner(pen: ImageDraw.ImageDraw, reading: Reading, width: int) -> None:
    """The answer, large, in the colour of its verdict; and how long it took."""
    prediction = reading.prediction
    pen.text((20, BANNER // 2), banner(prediction), COLOURS[prediction.verdict], _font(34), anchor="lm")
    pen.text((width - 16, BANNER // 2), f"{reading.milliseconds:.0f} ms", QUIET, _font(16), anchor="rm")


def _draw_bars(pen: ImageDraw.ImageDraw, prediction: Prediction, left: int) -> None:
    """One bar for each class, with its probability in percent."""
    step = 33
    for place, (label, share) in enumerate(bars(prediction)):
        top = BANNER + 12 + place * step
        best = label == prediction.label
        colour = COLOURS[prediction.verdict] if best else BAR
        pen.text((left + 14, top + 11), label or "-", INK if best else QUIET, _font(20), anchor="mm")
        pen.rectangle((left + 36, top, left + 226, top + 22), fill="#252a34")
        if share > 0:
            pen.rectangle((left + 36, top, left + 36 + 190 * share, top + 22), fill=colour)
        pen.text((left + 284, top + 11), percent(share), INK if best else QUIET, _font(16), anchor="rm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow."""
    return ImageFont.load_default(size)
