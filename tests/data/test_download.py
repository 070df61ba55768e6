import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from digitkit.core.errors import FetchError, StoreError
from digitkit.data.fetch import fetch
from tests.data.conftest import CONTENT, UNREACHABLE, WRONG, Lines, Mirror, remote, source_of


def test_an_interrupted_download_goes_on_where_it_broke_off(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    mirror.breaks_after["a"] = 300_000
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert (folder / "a").read_bytes() == CONTENT
    assert mirror.requests == [("a", ""), ("a", "bytes=300000-")]


def test_a_download_of_an_earlier_process_goes_on_where_it_broke_off(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").write_bytes(CONTENT[:400_000])
    fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert (folder / "a").read_bytes() == CONTENT
    assert mirror.requests == [("a", "bytes=400000-")]
    assert not (folder / "a.part").exists()


def test_a_mirror_that_knows_no_ranges_sends_all_of_it_again(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    mirror.breaks_after["a"] = 300_000
    mirror.does_ranges = False
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert (folder / "a").read_bytes() == CONTENT


def test_the_rest_of_another_file_is_thrown_away_and_fetched_whole(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").write_bytes(WRONG[:400_000])
    lines = Lines()
    fetch(source_of(remote("a", CONTENT, mirror.url("a"))), report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert mirror.requests == [("a", "bytes=400000-"), ("a", "")]
    assert lines == []


def test_a_part_longer_than_the_file_is_thrown_away(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").write_bytes(CONTENT + b"more")
    fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert mirror.requests == [("a", "")]


def test_a_part_that_was_whole_already_is_taken_without_asking(mirror: Mirror, cache: Path) -> None:
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").write_bytes(CONTENT)
    fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert (folder / "a").read_bytes() == CONTENT
    assert mirror.requests == []


def test_a_mirror_that_refuses_the_rest_is_asked_for_all_of_it(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT[:1_000]  # shorter than what is here already
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").write_bytes(CONTENT[:2_000])
    lines = Lines()
    with pytest.raises(FetchError):
        fetch(source_of(remote("a", CONTENT, mirror.url("a"))), report=lines)
    assert mirror.requests == [("a", "bytes=2000-"), ("a", "")]
    assert "has 1,000 bytes, expected 1,024,000" in lines.text


def test_a_mirror_that_hangs_up_is_said_and_the_next_is_asked(mirror: Mirror) -> None:
    mirror.hangs_up.add("silent")
    mirror.files["good"] = CONTENT
    lines = Lines()
    fetch(source_of(remote("a", CONTENT, mirror.url("silent"), mirror.url("good"))), report=lines)
    assert len(lines) == 1
    assert "broke off" in lines[0]


def test_a_host_that_cannot_be_reached_is_tried_for_one_file_only(mirror: Mirror) -> None:
    mirror.files |= {"a": CONTENT, "b": WRONG}
    files = [remote(name, mirror.files[name], f"{UNREACHABLE}/{name}", mirror.url(name)) for name in ("a", "b")]
    lines = Lines()
    fetch(source_of(*files), report=lines)
    assert len(lines) == 1
    assert lines[0].startswith("tests: mirror.invalid cannot be reached")


def test_a_host_that_refuses_is_like_one_that_is_away(mirror: Mirror) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    mirror.files["a"] = CONTENT
    lines = Lines()
    fetch(source_of(remote("a", CONTENT, f"http://127.0.0.1:{closed}/a", mirror.url("a"))), report=lines)
    assert "cannot be reached" in lines.text


def test_a_host_of_many_addresses_is_tried_at_two_of_them_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    look_up, tried = socket.create_connection, []

    def many_addresses(host: str, *rest: object, **options: object) -> list[object]:
        if host != "many.localhost":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        places = [(socket.AF_INET, (f"127.0.0.{n}", port)) for n in range(1, 9)]
        places.insert(1, (socket.AF_INET6, ("::1", port)))
        return [(family, socket.SOCK_STREAM, 6, "", place) for family, place in places]

    def note(address: tuple[str, int], *rest: object) -> socket.socket:
        tried.append(address[0])
        return look_up(address, 0.1)

    monkeypatch.setattr(socket, "getaddrinfo", many_addresses)
    monkeypatch.setattr(socket, "create_connection", note)
    with pytest.raises(FetchError):
        fetch(source_of(remote("a", CONTENT, f"http://many.localhost:{port}/a")))
    assert tried == ["127.0.0.1", "::1"]


@pytest.mark.parametrize("tells_length", [True, False])
@pytest.mark.parametrize("other", [CONTENT + b"more", CONTENT[:500]], ids=["longer", "shorter"])
def test_a_file_of_another_size_than_the_published_is_refused(
    mirror: Mirror, cache: Path, other: bytes, tells_length: bool
) -> None:
    mirror.files["a"] = other
    mirror.tells_length = tells_length
    with pytest.raises(FetchError, match="a not in"):
        fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert not (cache / "sources" / "tests" / "a").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_no_fault_of_the_mirror_and_leaves_no_file(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / "a.part").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="No space left"):
        fetch(source_of(remote("a", CONTENT, mirror.url("a"), mirror.url("other"))))
    assert not (folder / "a").exists()
    assert len(mirror.requests) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_mirror_whose_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shake_hands, args=(server, context))
        thread.start()
        lines = Lines()
        url = f"https://localhost:{server.getsockname()[1]}/a"
        with pytest.raises(FetchError):
            fetch(source_of(remote("a", CONTENT, url)), report=lines)
        thread.join()
    assert "certificate verify failed" in lines.text


def _shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    """Greet one caller, who hangs up on us."""
    connection, _ = server.accept()
    with connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_side=True)
