"""Uploads that were made to break it get the right answer, and cost neither the process nor its memory."""

import gzip
import http.client
import io
import json
import random
import socket
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.service.body import LINGER_BYTES
from tests.service.live import Process, as_process, private_mb

KINDS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM")
MUTANTS = 200
CLAIMED = 60_000  # px
REFUSED = {400, 413, 415, 422}


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claiming_png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data or zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def real_pictures(seven: bytes) -> list[bytes]:
    """A seven in every kind of file."""
    picture = Image.open(io.BytesIO(seven)).convert("RGB")
    files = []
    for kind in KINDS:
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        files.append(buffer.getvalue())
    return files


def mutants(seven: bytes, count: int) -> Iterator[bytes]:
    """Real pictures with some bytes changed, cut out, doubled or cut off."""
    dice, files = random.Random(7), real_pictures(seven)
    for number in range(count):
        content = bytearray(files[number % len(files)])
        for _ in range(dice.choice((1, 3, 30))):
            place = dice.randrange(min(len(content), 400) if dice.random() < 0.7 else len(content))
            match dice.randrange(4):
                case 0:
                    content[place] = dice.randrange(256)
                case 1:
                    content[place : place + 4] = b"\xff\xff\xff\xff"
                case 2:
                    del content[place : place + dice.randrange(1, 40)]
                case 3:
                    content[place:place] = content[place : place + 50]
        yield bytes(content)


def bombs() -> dict[str, tuple[bytes, set[int]]]:
    """Files that claim or unfold to far too much, and what they deserve."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50_000_000))
    entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><svg>&b;</svg>'
    tiff = struct.pack("<2sHIH", b"II", 42, 8, 2) + struct.pack("<HHIIHHIII", 256, 4, 1, CLAIMED, 257, 4, 1, CLAIMED, 0)
    gif = (
        b"GIF89a"
        + struct.pack("<HH", CLAIMED, CLAIMED)
        + b"\0\0\0,\0\0\0\0"
        + struct.pack("<HH", CLAIMED, CLAIMED)
        + b"\0\2\0;"
    )
    return {
        "png header": (claiming_png(CLAIMED, CLAIMED), {413}),
        "png without width": (claiming_png(0, 10), {422}),
        "png of zeros": (claiming_png(20_000, 2_600, zlib.compress(bytes(20_000_000), 9)), {413}),
        "ppm header": (f"P6 {CLAIMED} {CLAIMED} 255\n".encode(), {413}),
        "gif header": (gif, {413, 422}),
        "tiff header": (tiff, {413, 422}),
        "bmp header": (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, CLAIMED, CLAIMED, 1, 24, 0) + bytes(20), {413}),
        "zip": (packed.getvalue(), {415}),
        "gzip": (gzip.compress(bytes(50_000_000)), {415}),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9e9' height='9e9'/>", {415}),
        "svg of entities": (entities, {415}),
        "html": (b"<script>alert(1)</script>", {415}),
        "pickle": (b"\x80\x04\x95cos\nsystem\n", {415}),
    }


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A service of one process."""
    with as_process(tmp_path_factory.mktemp("hostile"), DIGITKIT_BODY_TIMEOUT_S="1") as process:
        yield process


@contextmanager
def connected(process: Process) -> Iterator[http.client.HTTPConnection]:
    """A connection that is closed at the end."""
    host, port = process.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: http.client.HTTPConnection, content: bytes, path: str = "/v1/predict") -> tuple[int, bytes]:
    """One picture as the body; every refusal is a problem with the status that it says."""
    connection.request("POST", path, content, {"Content-Type": "image/png"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["status"] == answer.status
    return answer.status, body


def is_well(process: Process, seven: bytes) -> bool:
    """Whether it still runs, reads, and holds no more memory than it may."""
    with connected(process) as connection:
        status, body = ask(connection, seven)
    memory = private_mb(process.process.pid)
    assert memory < 400, f"{memory:.0f} MB"
    return status == 200 and json.loads(body)["answers"][0]["prediction"]["label"] == "7"


def test_mutated_pictures_are_read_or_refused(process: Process, seven: bytes) -> None:
    with connected(process) as connection:
        statuses = [ask(connection, mutant)[0] for mutant in mutants(seven, MUTANTS)]
    assert set(statuses) <= {200, *REFUSED}
    assert len([status for status in statuses if status != 200]) > MUTANTS / 4
    assert is_well(process, seven)


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_gets_what_it_deserves(process: Process, seven: bytes, name: str) -> None:
    content, deserved = bombs()[name]
    with connected(process) as connection:
        assert ask(connection, content)[0] in deserved
    assert is_well(process, seven)


def test_bombs_are_not_submitted_either(process: Process, seven: bytes) -> None:
    label = b'--b\r\nContent-Disposition: form-data; name="true_label"\r\n\r\n7\r\n'
    head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="../../x"\r\n\r\n'
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    with connected(process) as connection:
        for content, deserved in bombs().values():
            connection.request("POST", "/v1/submissions", label + head + content + b"\r\n--b--", form)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in deserved
    assert is_well(process, seven)


def test_a_body_of_a_hundred_megabytes_is_refused(process: Process, seven: bytes) -> None:
    assert LINGER_BYTES > 100_000_000
    piece = bytes(1_000_000)
    for headers in ({"Content-Length": "100000000"}, {"Transfer-Encoding": "chunked"}):
        is_chunked = "Transfer-Encoding" in headers
        with connected(process) as connection:
            connection.putrequest("POST", "/v1/predict")
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            for _ in range(100):
                connection.send(b"f4240\r\n" + piece + b"\r\n" if is_chunked else piece)
            if is_chunked:
                connection.send(b"0\r\n\r\n")
            assert connection.getresponse().status == 413
    assert is_well(process, seven)


def test_a_body_that_comes_too_slowly_is_refused_while_others_are_answered(process: Process, seven: bytes) -> None:
    host, port = process.address.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), timeout=120) for _ in range(20)]
    for each in slow:
        each.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
    assert is_well(process, seven)
    assert {each.recv(12) for each in slow} == {b"HTTP/1.1 408"}
    for each in slow:
        each.close()


def large_pictures() -> Iterator[bytes]:
    """Pictures within the limits that cost the most to decode: 50 million pixels in 5,000 x 10,000."""
    grey = np.zeros((5_000, 10_000), np.uint8)
    grey[2_000:3_000, 4_000:5_000] = 255
    for kind, mode in (("PNG", "RGBA"), ("PNG", "RGB"), ("TIFF", "F"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("GIF", "P")):
        buffer = io.BytesIO()
        options = {"compression": "tiff_adobe_deflate"} if kind == "TIFF" else {}
        Image.fromarray(grey).convert(mode).save(buffer, kind, **options)
        yield buffer.getvalue()


@pytest.mark.slow
def test_the_largest_pictures_several_at_once_stay_within_the_memory(tmp_path: Path) -> None:
    highest, done = [0.0], threading.Event()
    with as_process(tmp_path, DIGITKIT_BODY_TIMEOUT_S="100", DIGITKIT_ANSWER_TIMEOUT_S="100") as process:

        def watch() -> None:
            while not done.wait(0.005):
                highest[0] = max(highest[0], private_mb(process.process.pid))

        def send(content: bytes) -> int:
            with connected(process) as connection:
                return ask(connection, content)[0]

        with ThreadPoolExecutor(5) as pool:
            watching = pool.submit(watch)
            statuses = [status for content in large_pictures() for status in pool.map(send, [content] * 4)]
            done.set()
            watching.result()
    assert set(statuses) == {200}
    assert highest[0] < 400, f"{highest[0]:.0f} MB"
