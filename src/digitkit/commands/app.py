"""The verb that shows the web page, with the service in the same process or elsewhere."""

from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from digitkit.commands.printing import say
from digitkit.core.errors import ConfigError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

STOP_S = 10  # in which what was accepted is finished


def app(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8501,
    service: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="DIGITKIT_SERVICE", help="Use the service at this address instead of one of its own."
        ),
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="Where submissions go: a path, or postgresql://... [SQLite]")
    ] = None,
    bundle: Annotated[str | None, typer.Option(help='The model: a bundle (.onnx), "default", or an id.')] = None,
) -> None:
    """Draw, upload or photograph digits in a web page and see them read."""
    if find_spec("streamlit") is None:
        raise ConfigError("The web app needs Streamlit. Install it with: pip install 'digitkit[app]'.")
    import uvicorn

    from digitkit.app.serving import Announced
    from digitkit.service.listening import address_of, listen

    with listen(host, port) as taken:
        own = address_of(taken, "127.0.0.1" if host in ("", "0.0.0.0", "::") else host)  # where the page asks
        page = _page_elsewhere(service) if service else _page_here(own, database, bundle)
        config = uvicorn.Config(
            page, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=STOP_S,
            ws_max_size=64 * 2**20, lifespan="on",
        )  # fmt: skip
        Announced(config, lambda: say(f"Open {address_of(taken, host)} in a browser. Ctrl-C stops it.")).run([taken])


def _page_here(address: str, database: str | None, bundle: str | None) -> "ASGIApp":
    """The page with a service of its own, on one port."""
    from digitkit.app.serving import Service, page_of
    from digitkit.service.app import create_app, running
    from digitkit.service.server import checked_store, prepare
    from digitkit.service.settings import read_settings

    settings = read_settings(database=database, bundle=bundle)
    with closing(checked_store(settings)) as store:
        prepare(store, settings)
    return page_of(address, Service(create_app(settings), running))


def _page_elsewhere(address: str) -> "ASGIApp":
    """The page alone, for a service at another address."""
    from digitkit.app.forwarding import forwarded
    from digitkit.app.serving import page_of

    if not _is_address(address):
        raise ConfigError(f"--service {address}: expected an address such as http://127.0.0.1:8000.")
    return page_of(address.rstrip("/"), forwarded(address.rstrip("/")))


def _is_address(text: str) -> bool:
    """Whether there may be a service at an address."""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0  # asked for here, since a port over 65,535 is an error
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment) and " " not in text
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and is_plain
