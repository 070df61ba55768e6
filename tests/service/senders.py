"""Clients that submit until they are told to stop, and repeat each request under its key until it is kept."""

import http.client
import json
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field

BOUNDARY = "b-o-u-n-d-a-r-y"


def form(picture: bytes, label: str) -> bytes:
    """A submission as a form."""
    part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    return (
        f'{part}"true_label"\r\n\r\n{label}\r\n{part}"picture"; filename="p"\r\n\r\n'.encode()
        + picture
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


@dataclass
class Senders:
    """Threads that submit; `kept` has the id that each key was answered with, `statuses` every answer."""

    port: int
    picture: bytes
    threads: int = 4
    kept: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)  # keys whose repeat got another id: must stay empty

    def __post_init__(self) -> None:
        self._done = threading.Event()
        self._pause = threading.Event()
        self._running = [threading.Thread(target=self._run) for _ in range(self.threads)]
        self._body = form(self.picture, "7")

    def start(self) -> None:
        """Begin."""
        for each in self._running:
            each.start()

    def finish(self) -> None:
        """Let each bring home what it has under way, then stop."""
        self._done.set()
        for each in self._running:
            each.join()

    def _run(self) -> None:
        while not self._done.is_set():
            key = secrets.token_hex(8)
            while (answer := self._send(key)) is None:
                self._pause.wait(0.05)
            if self.kept.setdefault(key, answer) != answer:
                self.changed.append(key)

    def _send(self, key: str) -> str | None:
        """The id of what was kept; None for any other answer, or none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Idempotency-Key": key}
        try:
            connection.request("POST", "/v1/submissions", self._body, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        self.statuses[answer.status] += 1
        return str(json.loads(body)["id"]) if answer.status == 201 else None
