"""How the processes of a training find each other, and what becomes of the others when one of them fails.

They were started by torchrun, or by anything else that sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; or the one
that the user started leads and starts the others on this machine. What goes wrong in a follower is told by the leader.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from digitkit.core import errors
from digitkit.core.errors import ConfigError, DigitkitError
from digitkit.learn.running import RunConfig
from digitkit.learn.team import PartnerLostError, Team

GATHER = timedelta(hours=24)  # the leader may have a million pictures to prepare before it is ready
STEP = timedelta(minutes=30)  # ... and a large validation part to score between two steps
TELL_S = 5.0  # time that a failing process has to say why
END_S = 10.0  # time that a follower has to end by itself
HERE = "127.0.0.1"
FAILURE = "digitkit-failure-{}"  # key of what a process has to say


def follows() -> bool:
    """Whether another process leads the training that this one was started for."""
    return _number("RANK", 0) > 0


@contextmanager
def gathered(config: RunConfig, folder: Path) -> Iterator[Team]:
    """All processes of a training, as its leader has them: those started with it, or as many as are asked for.

    Raises: DigitkitError, in the words of the process that failed.
    """
    launched = _number("WORLD_SIZE", 1)
    if launched > 1 and config.devices not in (1, launched):
        raise ConfigError(
            f"run.devices={config.devices}, but {launched} processes were started. Leave run.devices out."
        )
    count = max(launched, config.devices)
    if count == 1:
        yield Team()
        return
    threads, others = torch.get_num_threads(), list[subprocess.Popen[bytes]]()
    store = _meet(0, count) if launched > 1 else TCPStore(HERE, 0, None, True, GATHER, wait_for_workers=False)
    try:
        if isinstance(store, TCPStore):
            others = [_start(rank, count, store.port) for rank in range(1, count)]
        with _in_group(store, 0, count) as team:
            yield team
    except PartnerLostError as error:
        raise _reason(store, count, others, folder) from error
    finally:
        _end(others)
        torch.set_num_threads(threads)


@contextmanager
def follower() -> Iterator[Team]:
    """All processes of a training, as one that follows has them; what goes wrong is left to the leader to tell.

    Raises: SystemExit when this process or another has failed.
    """
    rank, count = _number("RANK", 0), _number("WORLD_SIZE", 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the leader has the say
    try:
        store = _meet(rank, count)
        with _Telling(store, rank), _in_group(store, rank, count) as team:
            yield team
    except (DigitkitError, PartnerLostError, dist.DistError) as error:
        raise SystemExit(1) from error


def _number(name: str, otherwise: int) -> int:
    """A whole number of the environment, which those who start several processes set."""
    try:
        return int(os.environ.get(name, otherwise))
    except ValueError as error:
        raise ConfigError(f"{name}={os.environ[name]!r} in the environment is no whole number.") from error


def _meet(rank: int, count: int) -> Store:
    """Where the processes leave words for each other."""
    store: Store = next(iter(rendezvous("env://", rank, count, timeout=GATHER)))[0]
    return store


def _start(rank: int, count: int, port: int) -> "subprocess.Popen[bytes]":
    """A process that follows: apart from our terminal, so that Ctrl-C reaches the leader only, and without a voice."""
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_PORT": port}
    paths = os.pathsep.join(path for path in sys.path if path)
    settings = {**{name: str(value) for name, value in numbers.items()}, "MASTER_ADDR": HERE, "PYTHONPATH": paths}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "digitkit", "train"], env=os.environ | settings, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def _in_group(store: Store, rank: int, count: int) -> Iterator[Team]:
    """Sums and hand-outs work inside."""
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=STEP)
    except RuntimeError as error:
        raise PartnerLostError(str(error)) from error
    try:
        yield Team(rank, count, _number("LOCAL_RANK", 0), _number("LOCAL_WORLD_SIZE", count))
    finally:
        dist.destroy_process_group()


class _Telling:
    """Leaves word of what ended a follower; that another process has ended first is no news."""

    def __init__(self, store: Store, rank: int) -> None:
        self.store, self.rank = store, rank

    def __enter__(self) -> None:
        """Nothing to do before something happens."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Leave word of an error."""
        if kind and issubclass(kind, Exception) and not issubclass(kind, PartnerLostError):
            name = kind.__name__ if issubclass(kind, DigitkitError) else ""
            with suppress(RuntimeError):  # the store has gone with its owner
                text = str(error) if name else f"{kind.__name__}: {error}"
                self.store.set(FAILURE.format(self.rank), json.dumps([name, text]))


def _reason(store: Store, count: int, others: "Sequence[subprocess.Popen[bytes]]", folder: Path) -> DigitkitError:
    """Why a process has gone, as it or the system tells."""
    cure = f"Go on with: digitkit train --resume {folder}"
    end = time.monotonic() + TELL_S
    while time.monotonic() < end:
        for rank in range(1, count):
            if store.check([FAILURE.format(rank)]):
                name, text = json.loads(store.get(FAILURE.format(rank)))
                if name:
                    kind: type[DigitkitError] = getattr(errors, name, DigitkitError)
                    return kind(text)
                return DigitkitError(f"Process {rank + 1} of {count} has failed: {text}. {cure}")
        for rank, other in enumerate(others, start=1):
            if (other.poll() or 0) < 0:
                name = signal.Signals(-other.returncode).name
                memory = " (is there too little memory?)" if name == "SIGKILL" else ""
                return DigitkitError(f"Process {rank + 1} of {count} was ended by {name}{memory}. {cure}")
        time.sleep(0.1)
    return DigitkitError(f"One of the {count} processes of this training has ended without a word. {cure}")


def _end(others: "Sequence[subprocess.Popen[bytes]]") -> None:
    """See that no follower outlives the training."""
    end = time.monotonic() + END_S
    for other in others:
        try:
            other.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            other.kill()
            other.wait()
