"""What is sent is checked to the letter; what is answered may grow."""

import pytest
from pydantic import ValidationError

from digitkit.core.prediction import Prediction
from digitkit.wire import MAX_POINTS, MAX_STROKES, PredictionOut, ProblemOut, ReviewIn, SubmissionIn


def submission(**changes: object) -> SubmissionIn:
    return SubmissionIn.model_validate({"picture": "AAAA", "true_label": "7"} | changes)


def test_a_record_that_is_sent_may_hold_nothing_unknown() -> None:
    with pytest.raises(ValidationError, match="colour"):
        submission(colour="red")


def test_an_answer_may_have_grown_since_the_client_was_written() -> None:
    text = '{"title": "Gone", "status": 410, "detail": "deleted", "since": "yesterday"}'
    assert ProblemOut.model_validate_json(text).status == 410


def test_a_prediction_travels_there_and_back() -> None:
    prediction = Prediction("7", 1.0000001, {"7": 1.0000001, "1": 0.0}, "digit", "clear", "tiny@0123456789ab")
    sent = PredictionOut.of(prediction, 2.34567, top_k=1)
    assert PredictionOut.model_validate_json(sent.model_dump_json()) == sent
    assert (sent.confidence, sent.top[0].label, len(sent.top)) == (1, "7", 1)


def test_a_blank_picture_has_no_label() -> None:
    blank = Prediction(None, 0.0, {"7": 0.5, "1": 0.5}, "blank", "nothing is drawn", "tiny@0123456789ab")
    assert PredictionOut.of(blank, 1, top_k=3).label is None


@pytest.mark.parametrize(
    "strokes",
    [
        [[[0, 0, 0, 0]] * (MAX_POINTS + 1)],
        [[[0, 0, 0, 0]] * (MAX_POINTS // 2 + 1)] * 2,
        [[]] * (MAX_STROKES + 1),
        [[[0, 0, 0]]],
        [[[0, 0, 0, 1.5]]],
        [[[0, 0, -1, 0]]],
        [[[float("inf"), 0, 0, 0]]],
    ],
    ids=["long", "long together", "many", "short", "pressure", "time", "infinite"],
)
def test_strokes_have_limits(strokes: object) -> None:
    assert submission(strokes=[[[1, 2, 3, 0.5]] * 10]).strokes is not None
    with pytest.raises(ValidationError):
        submission(strokes=strokes)


@pytest.mark.parametrize("channel", ["", "Draw", "a b", "x" * 33, "draw\n"])
def test_a_channel_is_one_plain_word(channel: str) -> None:
    with pytest.raises(ValidationError):
        submission(channel=channel)


def test_a_review_is_one_of_three() -> None:
    assert ReviewIn.model_validate({"status": "pending"}).reviewed_label is None
    with pytest.raises(ValidationError):
        ReviewIn.model_validate({"status": "perhaps"})
