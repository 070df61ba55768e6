"""The verb table: every verb of `digitkit`, each one function in `commands`."""

import functools
import os
import sys
import traceback
from collections.abc import Callable

import typer

from digitkit.commands import app as web
from digitkit.commands import (
    benchmark,
    data,
    database,
    evaluate,
    export,
    hub,
    inspection,
    keys,
    models,
    printing,
    read,
    serve,
    show,
    synthesize,
    train,
    tune,
    visualize,
    webcam,
)
from digitkit.core.errors import BundleError, ConfigError, DataError, DigitkitError, StoreError

# Exit codes: the first class in this table that fits. 0 is success, 130 Ctrl-C.
EXIT_CODES: tuple[tuple[type[DigitkitError], int], ...] = (
    (ConfigError, 2),
    (DataError, 3),
    (BundleError, 4),
    (StoreError, 5),
    (DigitkitError, 2),
)
INTERRUPTED = 130
OF_SERVE = (  # packages of the extra `serve`; `train` has all others that a verb may miss
    "alembic", "fastapi", "httpx", "limits", "prometheus_client", "psycopg", "pydantic_settings", "sqlalchemy",
    "starlette", "uvicorn",
)  # fmt: skip
# libgomp's threads wait for each other in a busy loop. Beside one other busy process a training then takes 14 to 43 s
# instead of 3; with a short loop 8 to 9 s, and 2.6 s when alone (docs/log.md, 5). It is read when torch is loaded.
SHORT_SPIN = ("GOMP_SPINCOUNT", "1000")

app = typer.Typer(
    name="digitkit",
    help="Reads digits: data, training, one portable model file, torch-free predictions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="Get, prepare and look at data sets.", no_args_is_help=True)
models_app = typer.Typer(help="The service's bundles; carry bundles to a hub and back.", no_args_is_help=True)
db_app = typer.Typer(help="Look after the database of the service.", no_args_is_help=True)
keys_app = typer.Typer(help="Keys for those who may see and review submissions.", no_args_is_help=True)
show_app = typer.Typer(help="Show models, recipes, bundles and what prepare does.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(models_app, name="models")
app.add_typer(db_app, name="db")
app.add_typer(keys_app, name="keys")
app.add_typer(show_app, name="show")


def exit_code(error: DigitkitError) -> int:
    """The exit code of an error, from the table above."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def guarded(run: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors into one message and the right exit code."""

    @functools.wraps(run)
    def verb(*args: object, **options: object) -> None:
        try:
            run(*args, **options)
        except DigitkitError as error:
            if options.get("debug"):
                printing.say(traceback.format_exc())
            printing.say(f"error: {error}")
            raise typer.Exit(exit_code(error)) from error
        except ModuleNotFoundError as error:
            extra = "serve" if (error.name or "").partition(".")[0] in OF_SERVE else "train"
            printing.say(
                f"error: {error.name} is not installed; this verb needs more than reading pictures does. "
                f"Install it with: pip install 'digitkit[{extra}]'"
            )
            raise typer.Exit(exit_code(ConfigError())) from error
        except KeyboardInterrupt as error:
            printing.say(str(error) or "interrupted")
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError:  # `digitkit predict ... | head`: the reader has left, nothing more to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return verb


data_app.command("list")(guarded(data.list_sources))
data_app.command("fetch")(guarded(data.fetch))
data_app.command("prepare")(guarded(data.prepare))
data_app.command("inspect")(guarded(inspection.inspect))
data_app.command("synthesize")(guarded(synthesize.synthesize))
data_app.command("push")(guarded(hub.push_data))
data_app.command("pull")(guarded(hub.pull_data))
models_app.command("list")(guarded(models.list_models))
models_app.command("show")(guarded(models.show_model))
models_app.command("push")(guarded(hub.push_model))
models_app.command("pull")(guarded(hub.pull_model))
app.command("train")(guarded(train.train))
app.command("evaluate")(guarded(evaluate.evaluate))
app.command("export")(guarded(export.export))
app.command("benchmark")(guarded(benchmark.benchmark))
app.command("tune")(guarded(tune.tune))
app.command("visualize")(guarded(visualize.visualize))
app.command("predict")(guarded(read.predict))
app.command("serve")(guarded(serve.serve))
app.command("app")(guarded(web.app))
app.command("webcam")(guarded(webcam.webcam))
app.command("promote")(guarded(models.promote))
app.command("rollback")(guarded(models.rollback))
db_app.command("upgrade")(guarded(database.upgrade))
db_app.command("check")(guarded(database.check))
db_app.command("backup")(guarded(database.backup))
db_app.command("restore")(guarded(database.restore))
keys_app.command("create")(guarded(keys.create))
keys_app.command("list")(guarded(keys.list_keys))
keys_app.command("revoke")(guarded(keys.revoke))
show_app.command("models")(guarded(show.models))
show_app.command("recipe")(guarded(show.recipe))
show_app.command("bundle")(guarded(show.bundle))
show_app.command("augmentations")(guarded(show.augmentations))
show_app.command("prepare")(guarded(show.prepare))


def main() -> None:
    """The entry point of the `digitkit` command."""
    os.environ.setdefault(*SHORT_SPIN)
    app()
