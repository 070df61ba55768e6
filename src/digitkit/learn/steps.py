"""A picture of what prepare does to a picture.

H, W of the picture in px.
"""

from pathlib import Path

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitkit.core.errors import ConfigError
from digitkit.core.files import atomic_path
from digitkit.core.picture import Pixels
from digitkit.learn.ink import Ink
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import PrepareConfig


@torch.inference_mode()
def draw(picture: Pixels, config: PrepareConfig, path: Path) -> dict[str, str]:
    """Draw picture, grey canvas, ink and image side by side; returns ink share and contrast in words.

    Shapes: `picture` uint8 (H,W,3).
    Raises: ConfigError in mode photo, which has no steps to show.
    """
    door = Prepare(config).eval()
    if not isinstance(door.door, Ink):
        raise ConfigError("prepare.mode=photo only resizes and cuts; show prepare draws mode ink.")
    pixels = torch.from_numpy(picture)[None]
    found = door.door.find(pixels)
    close = door.door.look_close(found).ink
    image, share, contrast = door(pixels)
    figure = Figure(figsize=(10, 3), layout="constrained")
    steps = (
        ("picture, and where the digit is", torch.from_numpy(picture)),
        ("coarse look: ink", found.ink[0, 0]),
        ("close look: ink", close[0]),
        ("image", image[0, 0]),
    )
    all_axes = figure.subplots(1, 4)
    for axes, (title, values) in zip(all_axes, steps, strict=True):
        axes.imshow(values.numpy(), cmap="gray", vmin=0, vmax=255 if values.dtype == torch.uint8 else 1)
        axes.set_title(f"{title}\n{values.shape[1]}x{values.shape[0]}", fontsize=8)
        axes.axis("off")
    (top, left), (bottom, right) = found.first[:, 0].tolist(), found.last[:, 0].tolist()
    frame = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color="#b3261e")
    all_axes[0].add_patch(frame)
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
    return {"ink share": f"{float(share):.3f}", "contrast": f"{float(contrast):.3f}"}
