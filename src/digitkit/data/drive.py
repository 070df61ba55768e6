"""Files on Google Drive, through gdown: a link that people share is a page, not the file."""

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from digitkit.core.errors import FetchError, StoreError
from digitkit.data.download import CONNECT_TIMEOUT_S, MOST_BYTES, READ_TIMEOUT_S
from digitkit.data.source import Report, Step

HOSTS = ("drive.google.com", "docs.google.com")
RETRIES = 3


def is_drive(url: str) -> bool:
    """Whether a web address is a link of Google Drive."""
    return urlsplit(url).hostname in HOSTS


def drive_step(url: str, name: str) -> Step:
    """The way to a shared file, kept under a name; taking it raises FetchError when gdown is not installed."""

    def get(folder: Path, report: Report) -> None:
        if importlib.util.find_spec("gdown") is None:
            raise FetchError(f"{url} is on Google Drive, which needs gdown. Run `pip install 'digitkit[gdrive]'`.")
        report(f"asking Google Drive for {url}")
        download(url, folder / name)

    return Step("Google Drive", get)


def download(url: str, target: Path, most_bytes: int = MOST_BYTES) -> None:
    """Write the file behind a link of Drive, or any other, into `target`.

    Raises: FetchError when there is none or it is larger than `most_bytes`, StoreError when it cannot be written.
    """
    import gdown
    from gdown.exceptions import DownloadError
    from requests import RequestException

    def check(done: int, total: int | None) -> None:
        if max(done, total or 0) > most_bytes:
            raise FetchError(f"{url} has {max(done, total or 0):,} bytes, more than the {most_bytes:,} that are taken")

    patience = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    try:
        gdown.download(
            url, str(target), quiet=True, use_cookies=False, progress=check, timeout=patience, retries=RETRIES
        )
    except (DownloadError, RequestException) as error:
        first = next(iter(str(error).split("\n")), "") or type(error).__name__
        raise FetchError(f"{url}: no file came ({first}). Can everyone with the link see it?") from error
    except OSError as error:
        raise StoreError(f"Cannot write {target}: {error.strerror or error}. Free some space.") from error
