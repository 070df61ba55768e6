"""Keys open what their role may do, until they are revoked."""

import re

import pytest

from digitkit.core.errors import ConfigError, Conflict, NotFound
from digitkit.store import Store
from tests.store.conftest import HandClock


def test_a_key_is_known_by_its_secret(store: Store) -> None:
    made = store.keys.create("anna", "review", "root")
    assert re.fullmatch(r"dk_[A-Za-z0-9_-]{43}", made.secret)
    assert store.keys.check(made.secret) == made.key
    assert store.keys.list() == [made.key]
    assert made.secret not in repr(store.keys.list()) + repr(store.audit())


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.swapcase(), lambda s: s[3:]])
def test_no_other_text_is_a_key(store: Store, change: "type[str]") -> None:
    made = store.keys.create("anna", "admin", "root")
    assert store.keys.check(change(made.secret)) is None


@pytest.mark.parametrize("text", ["", "dk_", "\0", "\ud800", "dk_" + "a" * 43, "dk_' OR 1=1 --"])
def test_a_text_that_was_never_a_key_opens_nothing(store: Store, text: str) -> None:
    store.keys.create("anna", "admin", "root")
    assert store.keys.check(text) is None


def test_each_role_may_all_that_those_before_it_may(store: Store) -> None:
    keys = [store.keys.create(role, role, "root").key for role in ("read", "review", "admin")]
    assert [[key.may(role) for role in ("read", "review", "admin")] for key in keys] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_a_revoked_key_is_worth_nothing_and_its_name_is_free_again(store: Store, clock: HandClock) -> None:
    made = store.keys.create("anna", "admin", "root")
    revoked = store.keys.revoke("anna", "root")
    assert revoked.revoked_at == clock.moment
    assert store.keys.check(made.secret) is None
    again = store.keys.create("anna", "read", "root")
    store.keys.revoke(again.key.id, "root")
    with pytest.raises(NotFound, match="anna"):
        store.keys.revoke("anna", "root")
    assert [row.action for row in store.audit()] == ["revoke key", "create key"] * 2


def test_two_valid_keys_have_two_names(store: Store) -> None:
    store.keys.create("anna", "read", "root")
    with pytest.raises(Conflict, match="anna"):
        store.keys.create("anna", "admin", "root")
    assert len(store.keys.list()) == 1


@pytest.mark.parametrize(
    ("name", "role"), [("anna", "boss"), ("", "read"), ("  ", "read"), ("x" * 65, "read"), ("\0", "read")]
)
def test_a_key_without_a_name_or_role_is_a_mistake(store: Store, name: str, role: str) -> None:
    with pytest.raises(ConfigError):
        store.keys.create(name, role, "root")
