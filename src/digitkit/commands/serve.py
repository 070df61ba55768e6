"""The verb that answers over HTTP."""

from typing import Annotated

import typer

from digitkit.commands.printing import say


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; 127.0.0.1, this machine only, if not said.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at; 8000 if not said, 0 takes a free one.")] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A file for SQLite, or postgresql://...; if not said, a file of yours."),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_PATH",
            help='The model: "default", a bundle (.onnx), an id of the registry; by default its champion.',
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the port; 1 if not said.")] = None,
) -> None:
    """Answer over HTTP: read pictures, and keep what people submit."""
    from digitkit.service.settings import read_settings

    settings = read_settings(host=host, port=port, database=database, bundle=bundle, workers=workers)
    from digitkit.service.server import Server

    server = Server(settings)
    say(f"digitkit answers at {server.address}; what it can do: {server.address}/docs")
    say(f"Submissions lie in {server.store.address}. Stop with Ctrl-C.")
    server.run()
