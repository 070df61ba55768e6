"""Where a database is: what a user writes, as a URL that SQLAlchemy opens."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from digitkit.core.errors import ConfigError

POSTGRESQL = "postgresql+psycopg"
CURE = "Give the path of a file for SQLite, or postgresql://USER:PASSWORD@HOST/NAME."


def parse(place: str) -> URL:
    """The URL of a path, `sqlite:///PATH` or `postgresql://...`.

    Raises: ConfigError for anything else; its message holds no password.
    """
    if not place.strip() or "\0" in place:
        raise ConfigError(f"The database has no address. {CURE}")
    if "://" not in place:
        return URL.create("sqlite", database=str(Path(place).expanduser().absolute()))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"The address of the database is not understood. {CURE}") from error
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if not url.database or url.database == ":memory:" or url.query:
                raise ConfigError(f"{url}: expected sqlite:///PATH of a file, without options. {CURE}")
            return parse(url.database)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return url.set(drivername=POSTGRESQL)
    raise ConfigError(f"{url.drivername}: no database that digitkit keeps submissions in. {CURE}")


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite database, None for PostgreSQL."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def shown(url: URL) -> str:
    """The address for people, without its password."""
    path = sqlite_path(url)
    return str(path) if path is not None else url.set(drivername="postgresql").render_as_string(hide_password=True)
