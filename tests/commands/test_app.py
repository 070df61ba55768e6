"""The verb that shows the page: what is wrong with a request is said before anything starts."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from tests.browser.processes import started


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = CliRunner().invoke(app, ["app", "--port", str(taken.getsockname()[1])])
    assert done.exit_code == 2
    assert "0 takes a free port" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--service", "example"), 2, "expected an address such as"),
        (("--service", "http://"), 2, "expected an address such as"),
        (("--service", "http://["), 2, "expected an address such as"),
        (("--service", "http://here:99999"), 2, "expected an address such as"),
        (("--service", "http://here/?a=b"), 2, "expected an address such as"),
        (("--bundle", "missing.onnx"), 4, "missing.onnx"),
        (("--database", "mysql://x"), 2, "mysql"),
    ],
    ids=["no scheme", "no host", "half a host", "no such port", "a query", "bundle", "database"],
)
def test_a_request_that_makes_no_sense_is_an_error(words: tuple[str, ...], code: int, message: str) -> None:
    done = CliRunner().invoke(app, ["app", "--port", "0", *words])
    assert done.exit_code == code, done.output
    assert message in done.stderr


def test_one_port_answers_people_and_programs_and_ends_when_it_is_told(tmp_path: Path) -> None:
    with started(tmp_path, "app", "--port", "0", "--database", str(tmp_path / "a.sqlite")) as process:
        with httpx.Client(base_url=process.address, timeout=60) as http:
            assert "<title>Streamlit</title>" in http.get("/").text
            assert http.get("/review").status_code == 200
            assert http.get("/health/ready").json()["status"] == "ok"
            picture = (Path(__file__).parents[2] / "examples" / "seven.png").read_bytes()
            answer = http.post("/v1/predict", content=picture, headers={"Content-Type": "image/png"})
            assert answer.json()["answers"][0]["prediction"]["label"] == "7"
            assert http.get("/v1/nothing").headers["content-type"] == "application/problem+json"
            assert private_megabytes(process.running.pid) < 450
        process.stop()
        assert process.running.returncode in (0, -15)


def private_megabytes(pid: int) -> float:
    """What a process has for itself."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        pytest.skip("this system does not say how much memory a process has for itself")
    return (
        sum(int(kilobytes) for kilobytes in re.findall(r"^Private_\w+:\s+(\d+)", rollup.read_text(), re.MULTILINE))
        / 1000
    )


def test_the_page_needs_no_torch() -> None:
    code = (
        "import sys; from digitkit.app import components, serving;"
        "from digitkit.app.screens import read, models, review;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ).returncode == 0
