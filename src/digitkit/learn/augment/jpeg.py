"""What JPEG leaves of an image, as tensor operations: nothing is written or read.

B images, C channels, H and W in px.
Source: ITU-T T.81, annex K for the tables; IJG's scale of qualities.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8
LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
CHROMA_TABLE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def as_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """The images as a JPEG of some quality shows them, colours at half the size: float (B,C,H,W), 0..1.

    Shapes: `quality` (B,1), 1..100, each image its own.
    """
    height, width = images.shape[2:]
    whole = (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK))
    planes = F.pad(images, whole, mode="replicate") * 255  # (B,C,h,w)
    if images.shape[1] == 1:
        made = _quantise(planes - 128, LUMA_TABLE, quality) + 128
    else:
        colours = torch.tensor(TO_YCC, device=images.device)
        seen = torch.einsum("ij,bjhw->bihw", colours, planes)
        luma = _quantise(seen[:, :1] - 128, LUMA_TABLE, quality) + 128
        chroma = _quantise(F.avg_pool2d(seen[:, 1:], 2), CHROMA_TABLE, quality)
        chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")
        back = torch.tensor(FROM_YCC, device=images.device)
        made = torch.einsum("ij,bjhw->bihw", back, torch.cat([luma, chroma], 1))
    return (made[:, :, :height, :width] / 255).clamp(0, 1)


def _quantise(planes: Tensor, table: tuple[int, ...], quality: Tensor) -> Tensor:
    """Round the frequencies of each block of 8x8 px: (B,C,h,w), values about 0 -> (B,C,h,w)."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)  # (B,1), percent of the table
    steps = torch.tensor(table, dtype=planes.dtype, device=planes.device)
    steps = ((steps * scale + 50) / 100).floor().clamp(1, 255).view(-1, 1, 1, BLOCK * BLOCK)
    waves = _waves().to(planes.device)
    count, channels, height, width = planes.shape
    grid = (count, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = planes.reshape(grid).transpose(3, 4)  # (B,C,h/8,w/8,8,8)
    flat = blocks.reshape(count, channels, -1, BLOCK * BLOCK)
    rounded: Tensor = ((flat @ waves.T) / steps).round() * steps @ waves
    return rounded.view(blocks.shape).transpose(3, 4).reshape(planes.shape)


def _waves() -> Tensor:
    """The 64 cosine waves of a block, one a row, orthonormal: (64,64)."""
    places = torch.arange(BLOCK, dtype=torch.float64)
    line = ((2 * places + 1) * places.unsqueeze(1) * math.pi / (2 * BLOCK)).cos() * math.sqrt(2 / BLOCK)
    line[0] /= math.sqrt(2)
    return torch.kron(line, line).to(torch.float32)
