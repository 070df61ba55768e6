"""A bundle file to checked bytes, before onnxruntime sees them.

The base install has no `onnx` package, so the record is found by walking the outermost fields of the protobuf message:
ModelProto holds `metadata_props` in field 14, entries of a key (field 1) and a value (field 2).
"""

import re
import stat
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from digitkit.core.bundle import MAX_BYTES, METADATA_KEY, Bundle, digest_holds
from digitkit.core.errors import BundleAltered, BundleError

DEFAULT = "default"
SHIPPED = (DEFAULT, f"{DEFAULT}-int8")  # in the package
METADATA_PROPS, KEY, VALUE = 14, 1, 2  # field numbers of onnx.proto
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # wire types of protobuf; groups (3, 4) are not used by ONNX
MAX_VARINT_BYTES = 10
MAX_FIELDS = 100_000  # a model has some dozens; a hostile file could hold half a billion
DIGEST = re.compile(r'"digest": "([0-9a-f]{64})"')  # this rule holds for every format (docs/bundle.md)


def read_bundle(name_or_path: str | Path) -> tuple[Bundle, bytes]:
    """Read a bundle and make sure that its bytes are the ones that were written; "default" is the one that ships.

    "default-int8" is the same in 8 bits.

    Raises: BundleError when there is none, BundleAltered when it was damaged, BundleTooNew for a newer format.
    """
    where = str(name_or_path)
    content = _shipped_bytes(where) if where in SHIPPED else _file_bytes(Path(name_or_path))
    return check(content, where), content


def check(content: bytes, where: str) -> Bundle:
    """The record of a bundle's bytes, if they are the ones that were signed.

    Raises: as `read_bundle`.
    """
    text = _record(content, where)
    found = DIGEST.search(text)
    if found is None or not digest_holds(content, found[1]):
        raise BundleAltered(
            f"{where}: the bytes of the bundle are not the ones that were written"
            f" (expected digest {found[1][:12] if found else 'missing'}). Copy it again, or export it again."
        )
    return Bundle.from_json(text, where)


def _shipped_bytes(name: str) -> bytes:
    """A bundle that ships in the package."""
    try:
        return files("digitkit").joinpath("bundles", f"{name}.onnx").read_bytes()
    except OSError as error:
        raise BundleError(f"{name}: the bundle that ships is missing. Install digitkit again.") from error


def _file_bytes(path: Path) -> bytes:
    """The bytes of a file, 512 MB at most."""
    cure = f"Give the path of a bundle (.onnx), or '{DEFAULT}' for the one that ships."
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise BundleError(f"{path}: not a file. {cure}")
        with path.open("rb") as file:
            return _limited(file, path)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise BundleError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}). {cure}") from error


def _limited(file: BinaryIO, path: Path) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BundleError(f"{path}: over {MAX_BYTES // 2**20} MB, more than a bundle may have. Give another file.")
    return content


def _record(content: bytes, where: str) -> str:
    """The JSON text of the record."""
    key = METADATA_KEY.encode()
    try:
        entries = [dict(_fields(value)) for field, value in _fields(memoryview(content)) if field == METADATA_PROPS]
        records = [bytes(entry[VALUE]) for entry in entries if bytes(entry.get(KEY, b"")) == key and VALUE in entry]
        texts = [record.decode() for record in records]
    except ValueError as error:
        raise BundleError(
            f"{where}: not a bundle, or one that is cut off ({error})."
            " Give a file written by `digitkit export`, or copy it again."
        ) from error
    if len(texts) != 1:
        raise BundleError(
            f"{where}: expected one digitkit record in the file, got {len(texts)}. It is another kind of model, or is"
            " cut off. Give a file written by `digitkit export`, or copy it again."
        )
    return texts[0]


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a protobuf message that hold bytes, as (number, bytes); numbers are skipped.

    Raises: ValueError when the message is malformed.
    """
    at = count = 0
    while at < len(message):
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        count += 1
        if field == 0 or count > MAX_FIELDS:
            raise ValueError(f"no field of a model at byte {at}")
        if wire == VARINT:
            _, at = _varint(message, at)
            continue
        if wire == LENGTH:
            size, at = _varint(message, at)
        else:
            size = _fixed_size(wire, at)
        if at + size > len(message):
            raise ValueError(f"a field at byte {at} is {size} bytes long, only {len(message) - at} are left")
        if wire == LENGTH:
            yield field, message[at : at + size]
        at += size


def _fixed_size(wire: int, at: int) -> int:
    """The bytes of a field that needs no length."""
    if wire not in (EIGHT_BYTES, FOUR_BYTES):
        raise ValueError(f"an unknown kind of field at byte {at}")
    return 8 if wire == EIGHT_BYTES else 4


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of 7 bits per byte, and where it ends.

    Raises: ValueError when it does not end.
    """
    value = 0
    for place in range(MAX_VARINT_BYTES):
        if at + place >= len(message):
            break
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError(f"a number at byte {at} does not end")
