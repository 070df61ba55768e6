"""The number format that a network is quickest with on this processor: measured once, kept, and written to the run.

B images of a batch, C channels, S side in px.
"""

import copy
import hashlib
import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.core.files import cache_folder, write_text
from digitkit.learn.device import bf16_is_built_in, choose_precision
from digitkit.learn.layers import channels_last
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.running import Precision

ROUNDS = 3  # each format is timed at least so often, and the quickest counts: other work only ever slows down
SPEND_S = 0.1  # ... and more often until so much time has passed
STEP_S = 0.1  # a step of more is measured with fewer images
FEW = 4  # images, then, at least
MARGIN = (
    0.95  # bf16 is left for fp32 only when that takes less than this share of its time: a draw must not change sides
)


def settle_precision(recipe: Recipe, network: nn.Module, pixels: Tensor, run: Run) -> Precision:
    """The format of a training: as asked for, as the run remembers it, or measured; the run remembers what it was.

    Shapes: `pixels` uint8 (N,C,S,S), images to measure with, on the device of the training. Neither the network nor any
    random number changes.
    """
    file = run.file("precision.json")
    if recipe.run.precision is not Precision.auto:
        return choose_precision(recipe.run, pixels.device)
    if file.is_file() and (known := _known(file.read_text(encoding="utf-8"))):
        return known
    if pixels.device.type != "cpu" or not bf16_is_built_in():
        found: dict[str, Any] = {"precision": choose_precision(recipe.run, pixels.device).value}
    else:
        found = _measured_once(recipe, network, pixels[: recipe.budget.batch])
    write_text(file, json.dumps(found))
    return Precision(found["precision"])


def _known(text: str) -> Precision | None:
    """What was found before; None when nobody can read it, then it is found anew."""
    try:
        return Precision(json.loads(text)["precision"])
    except (ValueError, KeyError, TypeError):
        return None


def _measured_once(recipe: Recipe, network: nn.Module, pixels: Tensor) -> dict[str, Any]:
    """What was measured for such a network on this machine, now or before."""
    facts = {
        "model": asdict(recipe.model), "shape": list(pixels.shape), "pieces": recipe.step.pieces,
        "torch": torch.__version__, "threads": torch.get_num_threads(), "machine": platform.machine(),
        "skills": dict(torch.cpu.get_capabilities()), "host": platform.node(),
    }  # fmt: skip
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    kept = cache_folder() / "precision" / f"{key}.json"
    if kept.is_file():
        text = kept.read_text(encoding="utf-8")
        if _known(text):
            return dict(json.loads(text))
    seconds = _measure(network, pixels[: -(-len(pixels) // recipe.step.pieces)])
    faster = Precision.fp32 if seconds[Precision.fp32] < MARGIN * seconds[Precision.bf16] else Precision.bf16
    found: dict[str, Any] = {"precision": faster.value}
    found |= {f"{name.value}_ms": round(1000 * value, 3) for name, value in seconds.items()}
    write_text(kept, json.dumps(found))
    return found


def _measure(network: nn.Module, pixels: Tensor) -> dict[Precision, float]:
    """Processor seconds of the quickest of some steps in each format, on a copy: uint8 (B,C,S,S).

    One thread, and its own time: beside other work a step on all cores takes anything between once and ten times its
    time, in one format as in the other.
    """
    trial = copy.deepcopy(network).to(memory_format=torch.channels_last).train()
    best = dict.fromkeys((Precision.fp32, Precision.bf16), float("inf"))
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), _one_thread():
        few = pixels[:FEW]
        _time(trial, few, Precision.fp32)
        allowed = int(FEW * STEP_S / _time(trial, few, Precision.fp32))
        some = pixels[: max(FEW, allowed)]
        for precision in best:
            _time(trial, some, precision)  # the first step lays things out
        begun, rounds = time.perf_counter(), 0
        while rounds < ROUNDS or time.perf_counter() - begun < SPEND_S:
            for precision, quickest in best.items():
                best[precision] = min(quickest, _time(trial, some, precision))
            rounds += 1
    return best


def _time(network: nn.Module, pixels: Tensor, precision: Precision) -> float:
    """Processor seconds that a pass forwards and backwards takes: uint8 (B,C,S,S)."""
    images = channels_last(pixels.float().div_(255))
    labels = torch.zeros(len(images), dtype=torch.long)
    begun = time.thread_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is Precision.bf16):
        logits = network(images)
    torch.autograd.backward(F.cross_entropy(logits.float(), labels))
    spent = time.thread_time() - begun
    network.zero_grad()
    return spent


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
