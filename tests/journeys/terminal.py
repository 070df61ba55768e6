"""The real command in a process of its own, with the plug pulled."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Whatever asks for an address outside this process fails, and says so.
UNPLUGGED = """
import signal, socket
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests may have it ignored
def refuse(*where, **how):
    raise OSError(f"the plug is pulled, and this wants {where}")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from digitkit.cli import main
main()
"""


def start(*words: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Call `digitkit WORDS` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", UNPLUGGED, *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(*words: str | Path, folder: Path, code: int = 0) -> str:
    """What it prints, once it has ended as expected; no library may warn our users of anything."""
    process = start(*words, folder=folder)
    out, said = process.communicate(timeout=240)
    assert process.returncode == code, said
    assert "Warning" not in said
    return out
