"""The service is set by options and the environment, and says at once what is wrong."""

import pytest

from digitkit.core.errors import ConfigError
from digitkit.service.settings import read_settings


def test_the_environment_sets_what_no_option_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITKIT_PORT", "9000")
    monkeypatch.setenv("DIGITKIT_WORKERS", "3")
    monkeypatch.setenv("DIGITKIT_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1, 2001:db8::/32")
    monkeypatch.setenv("DIGITKIT_ALLOWED_ORIGINS", "https://friend.example,http://localhost:3000")
    settings = read_settings(port=9001, workers=None)
    assert (settings.port, settings.workers) == (9001, 3)
    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")
    assert settings.allowed_origins == ("https://friend.example", "http://localhost:3000")


def test_the_default_database_lies_in_the_folder_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITKIT_DATA", "somewhere")
    assert read_settings().database_place.replace("\\", "/") == "somewhere/digitkit.sqlite"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("PREDICT_RATE", "often"),
        ("BODY_TIMEOUT_S", "-1"),
        ("LOG_LEVEL", "loud"),
        ("TRUSTED_PROXIES", "192.0.2.1, 10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0"),
        ("ALLOWED_ORIGINS", "https://friend.example/"),
        ("ALLOWED_ORIGINS", "friend.example"),
    ],
)
def test_a_wrong_value_is_named_without_being_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DIGITKIT_{name}", value)
    with pytest.raises(ConfigError, match=f"DIGITKIT_{name}: ") as caught:
        read_settings()
    assert value not in str(caught.value).replace("DIGITKIT_", "")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match=r"DIGITKIT_PORT.*DIGITKIT_WORKERS"):
        read_settings(port=-1, workers=0)
