"""Ids, hashes and receipts: what is told once and stored only as a hash."""

import base64
import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta

from digitkit.store.records import NewSubmission

RECEIPT_LIFE = timedelta(minutes=15)
SECRET_BYTES = 32  # 256 bits


def sha256_of(text: str) -> str:
    """The sha256 of a text as 64 hexadecimal characters; half characters are no reason to fail."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def time_id(moment: datetime) -> str:
    """A new id, 32 hexadecimal characters that sort by time: a UUID of version 7 (RFC 9562) without its dashes."""
    milliseconds = int(moment.timestamp() * 1000)
    value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return uuid.UUID(int=value).hex


def new_secret() -> str:
    """256 random bits as 43 characters that may stand in a header or an address."""
    return _readable(secrets.token_bytes(SECRET_BYTES))


def receipt_for(submission_id: str, idempotency_key: str | None) -> str:
    """The receipt of a submission.

    With an idempotency key it follows from key and id, so that the repeat of a request gets the same receipt although
    the store keeps only hashes of both.
    """
    if idempotency_key is None:
        return new_secret()
    key = idempotency_key.encode(errors="surrogatepass")
    return _readable(hmac.digest(key, f"receipt of {submission_id}".encode(), "sha256"))


def content_sha256(new: NewSubmission, picture_sha256: str) -> str:
    """What tells a repeated submission from another one; what the service read in it may differ, and who sent it."""
    parts = (picture_sha256, new.true_label, new.strokes_json or "", new.channel)
    return sha256_of("\0".join(parts))


def is_same(text: str, stored_sha256: str) -> bool:
    """Whether a text has the stored hash; takes the same time whichever character differs."""
    return hmac.compare_digest(sha256_of(text), stored_sha256)


def _readable(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
