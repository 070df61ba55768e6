"""What the pages say and do, without a browser: Streamlit's own test runner before a real service."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from digitkit.app.client import Client
from digitkit.app.drawing import Told, drawing_of
from digitkit.app.entry import Entry
from digitkit.runtime.bundle import read_bundle
from digitkit.store import SubmissionFilter
from digitkit.wire import SubmissionIn
from tests.app.conftest import PATIENCE_S, Running
from tests.app.pictures import digit_png
from tests.fixtures.bundles import write_tiny


def show_read() -> None:
    from digitkit.app.screens import read

    read.show()


def show_history() -> None:
    from digitkit.app.screens import history

    history.show()


def show_review() -> None:
    from digitkit.app.screens import review

    review.show()


def show_models() -> None:
    from digitkit.app.screens import models

    models.show()


def show_about() -> None:
    from digitkit.app.screens import about

    about.show()


def page(show: Callable[[], None], client: Client, **held: object) -> AppTest:
    """A page for one visitor, whose session holds this already."""
    test = AppTest.from_function(show, default_timeout=PATIENCE_S)
    test.secrets["service"] = client.address
    for name, value in held.items():
        test.session_state[name] = value
    return test.run()


def drawn(label: int) -> dict[str, object]:
    """What a session holds once a digit is drawn."""
    stroke = {"points": [[10, 20, 0, 0.5], [30, 20, 16, 0.5]], "width": 18}
    png = base64.b64encode(digit_png(label)).decode()
    told = Told.model_validate({"id": "0" * 32, "version": 1, "png": png, "dark": False, "strokes": [stroke]})
    return {"kept_drawing": drawing_of(told.model_dump())}


def press(test: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    (button,) = [each for each in test.button if each.label == label]
    return button.click().run()


def count(service: Running) -> int:
    return service.store.submissions.count(SubmissionFilter())


def test_a_right_answer_is_sent_with_one_click_and_taken_back_with_another(service: Running) -> None:
    before = count(service)
    test = press(page(show_read, service.client, **drawn(7)), "Correct, it is 7")
    assert not test.exception
    assert [each.value for each in test.success] == ["Saved as 7. Thank you!"]
    assert count(service) == before + 1
    test = press(test, "Take it back")
    assert "Taken back" in test.info[0].value
    assert count(service) == before


def test_a_wrong_answer_is_corrected_with_one_click(service: Running) -> None:
    test = page(show_read, service.client, **drawn(7))
    test.button_group[0].set_value("1").run()
    assert [each.value for each in test.success] == ["Saved as 1. Thank you!"]
    row = service.store.submissions.page(SubmissionFilter(label="1")).rows[0]
    assert (row.true_label, row.predicted, row.channel) == ("1", "7", "draw")


def test_a_service_that_is_away_is_said_and_the_drawing_is_kept(client_at: Callable[[str], Client]) -> None:
    history = [Entry("0" * 32, "drawing", "draw", digit_png(7))]
    test = page(show_read, client_at("http://127.0.0.1:9"), history=history, **drawn(7))
    assert not test.exception
    assert test.session_state["kept_drawing"].png == digit_png(7)
    assert not test.success


def test_the_history_is_the_sessions_own_and_says_what_was_sent(service: Running) -> None:
    entry = Entry("a", "<b>seven</b>.png", "upload", digit_png(7))
    entry.read(service.client)
    entry.submit(service.client, "7")
    assert not page(show_history, service.client, history=[entry]).info
    assert "Nothing yet" in page(show_history, service.client).info[0].value


@pytest.mark.parametrize("show", [show_review, show_history], ids=["review", "history"])
def test_what_others_sent_needs_a_token(service: Running, show: Callable[[], None]) -> None:
    test = page(show, service.client, whose="Everybody's")
    assert [each.label for each in test.text_input]
    assert "token" in test.text_input[0].label
    test = page(show, service.client, whose="Everybody's", token="wrong")
    assert "not valid" in test.error[0].value


def test_a_reviewer_decides_with_a_click_and_takes_it_back(service: Running) -> None:
    for row, _ in list(service.store.submissions.each()):
        service.store.submissions.delete(row.id, by="tests")
    submission = SubmissionIn(picture=base64.b64encode(digit_png(3)).decode(), true_label="8")
    sent = service.client.submit(submission, secrets.token_hex(8))
    test = page(show_review, service.client, token=service.tokens["review"])
    assert not test.exception
    assert any("3" in each.value for each in test.text)
    test = press(test, "3")
    row = service.store.submissions.get(sent.id)
    assert (row.status, row.reviewed_label) == ("accepted", "3")
    assert "Nothing waits" in test.success[0].value
    test = press(test, "Take the last decision back")
    assert service.store.submissions.get(sent.id).status == "pending"
    press(test, "Reject")
    assert service.store.submissions.get(sent.id).status == "rejected"


def test_every_decision_has_a_key(service: Running) -> None:
    submission = SubmissionIn(picture=base64.b64encode(digit_png(5)).decode(), true_label="5")
    service.client.submit(submission, secrets.token_hex(8))
    test = page(show_review, service.client, token=service.tokens["review"])
    keys = {each.label: each.proto.shortcut for each in test.button}
    assert {keys["Accept"], keys["Reject"], keys["Skip"], keys["not a digit"]} == {"a", "x", "s", "n"}
    assert [keys[str(digit)] for digit in range(10)] == [str(digit) for digit in range(10)]


def test_models_are_told_and_two_are_compared_on_the_drawing(service: Running, tmp_path: Path) -> None:
    assert "Draw something" in page(show_models, service.client).info[0].value
    path = write_tiny(tmp_path, "challenger")
    challenger = read_bundle(path)[0]
    service.store.bundles.register(challenger, str(path))
    test = page(show_models, service.client, **drawn(7))
    assert not test.exception
    said = [each.value for each in test.text]
    assert {service.client.bundles().champion, challenger.id} <= set(said)
    assert [each.value for each in test.selectbox] == [service.client.bundles().champion, challenger.id]


def test_the_page_draws_what_the_test_of_a_bundle_mixed_up(service: Running) -> None:
    from digitkit.app.screens.models import confusion_chart, confusion_of

    [champion] = [bundle for bundle in service.client.bundles().bundles if bundle.is_champion]
    counts = confusion_of(champion)
    shown = confusion_chart(counts).to_dict()
    assert sum(int(str(each["pictures"])) for each in counts if each["right"]) > 9_000
    assert list(shown["datasets"].values()) == [counts]
    assert [layer["mark"]["type"] for layer in shown["layer"]] == ["rect", "text"]
    assert confusion_of(champion.model_copy(update={"report": {}})) == []


def test_about_says_what_is_stored_and_how_it_is_deleted(service: Running) -> None:
    text = page(show_about, service.client).markdown[0].value
    assert "Only when you say" in text
    assert "15 minutes" in text
