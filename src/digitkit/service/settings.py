"""What can be set: each field is `DIGITKIT_` and its name in the environment; some are options of `digitkit serve`."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from digitkit.core.errors import ConfigError
from digitkit.core.files import data_folder
from digitkit.core.picture import LIMITS

CHAMPION = "champion"
PREFIX = "DIGITKIT_"
OFF = "off"
RATE = rf"^(?:{OFF}|[1-9][0-9]{{0,6}}/(?:second|minute|hour))$"

LIKE_ADDRESS = re.compile(r"[0-9a-fA-F:./]+")
ORIGIN = re.compile(r"\*|https?://[^/\sA-Z]+")  # as browsers write it

Words = Annotated[tuple[str, ...], NoDecode]  # in the environment separated by commas


class Settings(BaseSettings):
    """How the service runs; everything has a value that works."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)  # 0 takes a free one
    workers: int = Field(default=1, ge=1, le=64)  # processes that share the port
    database: str = ""  # URL or path; empty: SQLite in the user's data folder
    # the champion of the registry, "default", a path, or an id in the registry
    bundle: str = Field(default=CHAMPION, min_length=1)

    threads: int = Field(default=2, ge=1, le=64)  # of a worker, that read pictures
    queue: int = Field(default=32, ge=0, le=10_000)  # requests of a worker that wait for a thread; more get 503
    connections: int = Field(default=256, ge=1, le=100_000)  # requests of a worker at once, uploads included
    body_bytes: int = Field(default=28 * 2**20, ge=1_000)  # of one request: a picture of 20 MB as base64
    bodies_bytes: int = Field(default=64 * 2**20, ge=1_000)  # of all requests of a worker together
    body_timeout_s: float = Field(default=20, gt=0)  # in which a request must have arrived
    answer_timeout_s: float = Field(default=10, gt=0)  # in which it is answered, or gets 503
    stop_timeout_s: int = Field(default=30, ge=1)  # in which a stop finishes what was accepted
    pictures: int = Field(default=16, ge=1, le=1_000)  # of one request
    picture_bytes: int = Field(default=LIMITS.content_bytes, ge=1, le=LIMITS.content_bytes)

    predict_rate: str = Field(default="6000/minute", pattern=RATE)  # requests of one client to one worker, or off
    submit_rate: str = Field(default="600/minute", pattern=RATE)
    trusted_proxies: Words = ()  # addresses or networks whose X-Forwarded-For is believed
    allowed_origins: Words = ()  # of web pages on other hosts that may ask; none by default
    champion_poll_s: float = Field(default=1, ge=0.05)  # how often the registry is asked for its champion
    log_level: str = Field(default="info", pattern="^(?:debug|info|warning|error)$")

    @field_validator("trusted_proxies", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        """A network that is none would be believed by nobody, and all clients would count as one."""
        try:
            for word in filter(LIKE_ADDRESS.fullmatch, words):
                ip_network(word)
        except ValueError as error:
            raise ValueError("expected addresses, or networks such as 172.30.84.0/24 and no 172.30.84.1/24") from error
        return words

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if not all(ORIGIN.fullmatch(word) for word in words):
            raise ValueError("expected origins such as https://example.org or http://localhost:3000, without a path")
        return words

    @property
    def database_place(self) -> str:
        """The URL or path of the database."""
        return self.database or str(data_folder() / "digitkit.sqlite")


def read_settings(**given: object) -> Settings:
    """The settings of the environment; what is given here and is not None goes before.

    Raises: ConfigError that names everything that is wrong, without showing it: it may be a secret.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise ConfigError(f"The configuration is wrong: {wrong}. Correct the option or the variable.") from error
