import sys
from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError
from digitkit.hub.access import open_access
from tests.fixtures.hub_server import TOKEN, FakeHub


def test_the_token_of_the_environment_is_used_and_never_shown(hub: FakeHub) -> None:
    access = open_access()
    assert (access.token, access.endpoint) == (TOKEN, hub.address)
    assert TOKEN not in repr(access) + str(access) + repr(access.api())
    assert access.hide(f"a\n{TOKEN}\tb") == "a *** b"


def test_the_token_of_a_login_is_used(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert open_access().token is None
    (tmp_path / "token").write_text("hf_OfTheLogin\n")
    assert open_access().token == "hf_OfTheLogin"


def test_a_token_with_letters_that_none_has_is_refused_unseen(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_Geheimniß")
    with pytest.raises(ConfigError, match="letters that no token has") as caught:
        open_access()
    assert "Geheim" not in str(caught.value)


def test_no_token_goes_over_plain_http_to_another_machine(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://hub.invalid")
    access = open_access()
    assert access.token is None
    assert "begins with https" in access.cure


@pytest.mark.parametrize("endpoint", ["hub.invalid", "ftp://hub.invalid", "https://", ""])
def test_an_endpoint_that_is_no_web_address_is_refused(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    with pytest.raises(ConfigError, match="HF_ENDPOINT is no web address"):
        open_access()


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"pip install 'digitkit\[hub\]'$"):
        open_access()
