"""What is computed on, and in which number format."""

import subprocess
import sys

import pytest
import torch

from digitkit.core.errors import ConfigError
from digitkit.learn.device import choose_device, choose_precision, keep_freed_memory
from digitkit.learn.running import Precision, RunConfig

ABSENT = [
    name
    for name, is_here in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()))
    if not is_here
]


def test_the_cpu_is_always_there() -> None:
    assert choose_device(RunConfig(device="cpu")) == torch.device("cpu")


def test_auto_finds_a_device_that_computes() -> None:
    device = choose_device(RunConfig())
    assert float(torch.ones(2, device=device).sum()) == 2


@pytest.mark.parametrize("name", ABSENT)
def test_an_absent_device_is_named_with_what_to_use(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"run\.device={name}: this machine has none\. Use run\.device=auto or cpu"):
        choose_device(RunConfig(device=name))


@pytest.mark.parametrize("precision", [Precision.bf16, Precision.fp32])
def test_a_precision_that_is_asked_for_is_used(precision: Precision) -> None:
    assert choose_precision(RunConfig(precision=precision), torch.device("cpu")) is precision


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_auto_becomes_one_of_the_two(device: str) -> None:
    assert choose_precision(RunConfig(), torch.device(device)) in (Precision.bf16, Precision.fp32)


def test_keeping_freed_memory_can_be_asked_for_twice() -> None:
    code = "from digitkit.learn.device import keep_freed_memory as keep; keep(); keep(); print(bytes(10**8)[:1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "b'\\x00'\n"
    assert callable(keep_freed_memory)
