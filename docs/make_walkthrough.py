"""Write examples/walkthrough.ipynb: docs/walkthrough.md as a notebook, its Python as cells.

python docs/make_walkthrough.py
"""

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE, NOTEBOOK = HERE / "walkthrough.md", HERE.parent / "examples" / "walkthrough.ipynb"
CODE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
DOCS = "../docs/"  # where pages lie, seen from the notebook


def cell(number: int, kind: str, text: str) -> dict[str, Any]:
    """A cell as notebooks store it, without anything that running it gave."""
    found: dict[str, Any] = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}}
    found["source"] = text.strip("\n").splitlines(keepends=True)
    return found | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def notebook(page: str) -> str:
    """The page as a notebook: words and Python in turn."""
    pieces = CODE.split(page)
    pieces[::2] = [re.sub(r"\]\((\w+\.md)\)", rf"]({DOCS}\1)", words) for words in pieces[::2]]
    cells = [cell(number, ("markdown", "code")[number % 2], text) for number, text in enumerate(pieces)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(notebook(PAGE.read_text()))
