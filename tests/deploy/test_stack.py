"""The processes of the stack, started by hand: Caddy, page, service with two workers, PostgreSQL; over HTTPS."""

import io
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw

from digitkit.store import Store
from tests.fixtures.postgres import Postgres

ROOT = Path(__file__).parents[2]
DIGITKIT = [sys.executable, "-m", "digitkit"]
PATIENCE_S = 120  # on a busy machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed (on Debian: apt install caddy)"),
]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(is_so: Callable[[], bool], what: str) -> None:
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not come"
        pause.wait(0.05)


def answers(client: httpx.Client, address: str) -> bool:
    try:
        return client.get(address).status_code == 200
    except httpx.TransportError:
        return False


class Stack:
    """Addresses and processes of what was started."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database
        self.api, self.app, self.http, self.https, self.health = (free_port() for _ in range(5))
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "caddy"),
            "DIGITKIT_DATA": str(folder / "data"),
            "DIGITKIT_DATABASE": database,
            "DIGITKIT_TRUSTED_PROXIES": "127.0.0.1",
            "DIGITKIT_API": f"127.0.0.1:{self.api}",
            "DIGITKIT_APP": f"127.0.0.1:{self.app}",
            "DIGITKIT_PROXY_HTTP": str(self.http),
            "DIGITKIT_PROXY_HTTPS": str(self.https),
            "DIGITKIT_PROXY_HEALTH": str(self.health),
        }

    @property
    def address(self) -> str:
        return f"https://localhost:{self.https}"

    def start(self, words: list[str], name: str) -> "subprocess.Popen[bytes]":
        log = (self.folder / f"{name}.log").open("wb")
        with log:
            return subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [*DIGITKIT, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def stack(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), postgres.new_database())
    with ExitStack() as running, httpx.Client() as plain:

        def start(words: list[str], name: str, health: str) -> None:
            process = running.enter_context(stack.start(words, name))
            running.callback(process.terminate)
            wait_for(lambda: process.poll() is not None or answers(plain, health), name)
            assert process.poll() is None, (stack.folder / f"{name}.log").read_text()

        api, app = f"http://127.0.0.1:{stack.api}", f"http://127.0.0.1:{stack.app}"
        start([*DIGITKIT, "serve", "--port", str(stack.api), "--workers", "2"], "api", f"{api}/health/ready")
        start([*DIGITKIT, "app", "--port", str(stack.app), "--service", api], "app", f"{app}/_stcore/health")
        words = ["caddy", "run", "--adapter", "caddyfile", "--config", str(ROOT / "deploy" / "Caddyfile")]
        start(words, "proxy", f"http://127.0.0.1:{stack.health}/")
        yield stack


@pytest.fixture
def visitor(stack: Stack) -> Iterator[httpx.Client]:
    """Somebody who trusts the local CA and nobody else."""
    root = stack.folder / "caddy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    trusted = ssl.create_default_context(cafile=str(root))
    with httpx.Client(base_url=stack.address, verify=trusted, timeout=PATIENCE_S) as client:
        wait_for(lambda: answers(client, "/health/live"), "the certificate")
        yield client


def drawn_seven() -> bytes:
    picture = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(picture).line([(30, 25), (90, 25), (55, 100)], fill=0, width=9, joint="curve")
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def submit(client: httpx.Client, key: str, label: str = "7") -> httpx.Response:
    files = {"picture": ("../../etc/passwd", drawn_seven(), "image/png")}
    return client.post("/v1/submissions", files=files, data={"true_label": label}, headers={"Idempotency-Key": key})


def test_a_stranger_to_the_local_ca_gets_no_connection(stack: Stack, visitor: httpx.Client) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(stack.address)
    assert visitor.get("/health/live").status_code == 200


def test_plain_http_is_sent_to_https(stack: Stack, visitor: httpx.Client) -> None:
    answer = httpx.get(f"http://localhost:{stack.http}/docs")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/docs")


def test_the_page_and_the_service_have_one_address(visitor: httpx.Client) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    assert "<title>" in page.text
    answer = visitor.post("/v1/predict", content=drawn_seven(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    assert "7" in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/health/ready", "/health/ready/", "/HEALTH/ready"])
def test_what_is_for_those_who_run_the_service_is_not_published(visitor: httpx.Client, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_a_submission_over_https_lies_in_postgresql_once(stack: Stack, visitor: httpx.Client) -> None:
    first, again = submit(visitor, "key-of-one-submission"), submit(visitor, "key-of-one-submission")
    assert first.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    store = Store.open(stack.database)
    assert store.submissions.picture(first.json()["id"]) == drawn_seven()
    assert store.submissions.get(first.json()["id"]).true_label == "7"
    store.close()


def test_a_key_opens_the_submissions_and_its_revocation_closes_them(stack: Stack, visitor: httpx.Client) -> None:
    submit(visitor, "key-for-the-list")
    assert visitor.get("/v1/submissions").status_code == 401
    secret = stack.run("keys", "create", "anna", "--role", "review").strip()
    bearer = {"Authorization": f"Bearer {secret}"}
    assert visitor.get("/v1/submissions", headers=bearer).status_code == 200
    stack.run("keys", "revoke", "anna")
    assert visitor.get("/v1/submissions", headers=bearer).status_code == 401


def test_a_backup_of_the_running_stack_is_whole_and_restores_into_sqlite(stack: Stack, visitor: httpx.Client) -> None:
    name = submit(visitor, "key-for-the-backup").json()["id"]
    stack.run("db", "backup", str(stack.folder / "backups"), "--keep", "2")
    (backup,) = (stack.folder / "backups").iterdir()
    stack.run("db", "restore", str(backup), "--database", str(stack.folder / "restored.sqlite"))
    store = Store.open(stack.folder / "restored.sqlite")
    assert store.submissions.picture(name) == drawn_seven()
    assert store.check() == []
    store.close()


def test_too_large_a_body_is_refused(visitor: httpx.Client) -> None:
    answer = visitor.post("/v1/predict", content=bytes(40 * 2**20), headers={"Content-Type": "image/png"})
    assert answer.status_code == 413
