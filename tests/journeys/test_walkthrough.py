"""The walk-through goes through: the notebook is its page, and its cells give a file that reads."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from docs.make_walkthrough import NOTEBOOK, PAGE, notebook

ROOT = Path(__file__).parents[2]


def test_the_notebook_is_the_page() -> None:
    assert NOTEBOOK.read_text() == notebook(PAGE.read_text()), "run docs/make_walkthrough.py"


def test_the_cells_of_the_notebook_lead_from_pictures_to_a_file_that_reads(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    places = {"PYTHONPATH": str(ROOT / "src"), "DIGITKIT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, env=os.environ | places, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [share] = re.findall(r"read right, ([\d.]+)%", done.stdout)
    assert float(share) > 95
    same, chalk, empty = done.stdout.splitlines()[-3:]
    assert same.split()[0] == chalk.split()[0] == "0"
    assert empty.startswith("None")
    assert empty.endswith("blank")
    assert (tmp_path / "runs" / "mine" / "model.onnx").is_file()
