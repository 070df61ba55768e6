"""Which hub is asked, and as whom: the endpoint of `HF_ENDPOINT`, the token of `hf auth login` or `HF_TOKEN`."""

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from digitkit import __version__
from digitkit.core.errors import ConfigError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CONNECT_TIMEOUT_S = 10.0
SILENCE_TIMEOUT_S = 60.0  # the longest silence within an answer; a large commit takes the hub some seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HIDDEN = "***"
# Read when huggingface_hub is loaded. Xet, its other way to send files, keeps logs and chunks in folders of its own and
# has a protocol that no fake hub can speak; plain HTTP goes to the same repositories (docs/decisions.md).
SETTINGS = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}


@dataclass(frozen=True)
class Access:
    """One hub and the right to use it; the token shows neither in `repr` nor in any message."""

    endpoint: str
    token: str | None = field(repr=False)
    is_open: bool = False  # what is said can be read on the way, so no token is used

    @property
    def host(self) -> str:
        """The hub's name for people, without a user or password that its address may hold."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]

    @property
    def cure(self) -> str:
        """What to do when the hub wants a token."""
        if self.is_open:
            return "No token is sent over plain HTTP: give an HF_ENDPOINT that begins with https"
        return "Log in with `hf auth login`, or set HF_TOKEN"

    def api(self) -> "HfApi":
        """The library's client, with timeouts; certificates are verified as it does by itself."""
        from httpx2 import Timeout
        from huggingface_hub import HfApi, get_session

        get_session().timeout = Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        return HfApi(self.endpoint, token=self.token or False, library_name="digitkit", library_version=__version__)

    def hide(self, text: str) -> str:
        """One line of a text from elsewhere, without the token and of a length to read."""
        line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return (line.replace(self.token, HIDDEN) if self.token else line)[:300]


def open_access() -> Access:
    """The hub and token that the user has set.

    No token ever goes over plain HTTP to another machine.
    Raises: ConfigError when huggingface_hub is not installed, or endpoint or token make no sense.
    """
    os.environ.update(SETTINGS)
    try:
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils.logging import set_verbosity
    except ModuleNotFoundError as error:
        raise ConfigError(
            "The hub needs huggingface_hub, which is not installed. Install it with: pip install 'digitkit[hub]'"
        ) from error
    constants.HF_HUB_DISABLE_TELEMETRY = True  # for another library may have loaded it before
    set_verbosity(logging.ERROR)  # it tells of each attempt; we tell how it ended
    address = urlsplit(constants.ENDPOINT)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ConfigError("HF_ENDPOINT is no web address. Give one such as https://huggingface.co, or unset it.")
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        return Access(constants.ENDPOINT, None, is_open=True)
    token = get_token()
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigError("The token of HF_TOKEN or `hf auth login` has letters that no token has. Log in again.")
    return Access(constants.ENDPOINT, token)
