"""The port, taken before anything heavy is loaded, so that what is wrong with it is said at once."""

import socket
from contextlib import ExitStack

from digitkit.core.errors import ConfigError

BACKLOG = 512  # connections that wait to be accepted


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, which wait until somebody answers; port 0 takes a free one.

    Raises: ConfigError when the address is taken, or is none of this machine's.
    """
    with ExitStack() as opened:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listening = opened.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
            listening.set_inheritable(True)
        except (OSError, OverflowError, UnicodeError) as error:  # the last for names that no host can have
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"Cannot listen at {host}:{port} ({reason}). Choose another --host or --port; 0 takes a free port."
            ) from error
        opened.pop_all()  # it stays open
    return listening


def address_of(listening: socket.socket, host: str = "") -> str:
    """The address at which a socket answers, as people type it; `host` says another name for its machine."""
    own, port = listening.getsockname()[:2]
    host = host or own
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
