"""`POST /v1/predict` reads pictures however they come, and says what is wrong with those that are none."""

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digitkit.wire import PredictOut, ProblemOut
from tests.service.conftest import png, serving

URL = "/v1/predict"


def answers_of(client: TestClient, contents: list[bytes], **query: str) -> PredictOut:
    """What the service says of several files of a form."""
    files = [("pictures", ("any name", content)) for content in contents]
    answer = client.post(URL, files=files, params=query)
    assert answer.status_code == 200, answer.text
    return PredictOut.model_validate_json(answer.content)


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_file_of_a_form_is_read(reader: TestClient, seven: bytes) -> None:
    prediction = answers_of(reader, [seven]).answers[0].prediction
    assert prediction is not None
    assert (prediction.label, prediction.verdict) == ("7", "digit")
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert prediction.bundle.startswith("default@")
    assert prediction.milliseconds > 0


def test_the_body_itself_may_be_the_picture_whatever_it_is_called(reader: TestClient, seven: bytes) -> None:
    for kind in ("image/png", "image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded"):
        answer = reader.post(URL, content=seven, headers={"Content-Type": kind})
        assert answer.json()["answers"][0]["prediction"]["label"] == "7", kind


def test_json_with_base64_is_read_in_the_order_in_which_it_came(reader: TestClient, digits: list[bytes]) -> None:
    alone = [answers_of(reader, [digit]).answers[0].prediction for digit in digits]
    together = PredictOut.model_validate_json(
        reader.post(URL, json={"pictures": [base64_of(digit) for digit in digits]}).content
    )
    labels = [answer.prediction.label for answer in together.answers if answer.prediction]
    assert labels == [prediction.label for prediction in alone if prediction]
    assert len(labels) == len(digits)


def test_one_bad_picture_among_several_is_its_own_problem(reader: TestClient, seven: bytes) -> None:
    answers = answers_of(reader, [seven, b"no picture", seven[:300], seven]).answers
    assert [answer.prediction and answer.prediction.label for answer in answers] == ["7", None, None, "7"]
    assert [answer.problem and answer.problem.status for answer in answers] == [None, 415, 422, None]


def test_bad_base64_among_several_is_its_own_problem(reader: TestClient, seven: bytes) -> None:
    answer = reader.post(URL, json={"pictures": ["*", base64_of(seven)]}).json()["answers"]
    assert answer[0]["problem"]["status"] == 422
    assert answer[1]["prediction"]["label"] == "7"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"no picture", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"\x89PNG\r\n\x1a\nbroken", 422),
        (b"", 422),
    ],
    ids=["text", "svg", "broken", "nothing"],
)
def test_one_bad_picture_alone_is_the_problem_of_the_request(reader: TestClient, content: bytes, status: int) -> None:
    answer = reader.post(URL, content=content, headers={"Content-Type": "image/png"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = ProblemOut.model_validate_json(answer.content)
    assert (problem.status, problem.request_id) == (status, answer.headers["x-request-id"])


def test_blank_paper_is_an_answer_and_no_error(reader: TestClient) -> None:
    blank = answers_of(reader, [png(np.full((64, 64), 255, np.uint8))]).answers[0].prediction
    assert blank is not None
    assert (blank.label, blank.verdict) == (None, "blank")


def test_explain_sends_what_the_model_saw_as_a_picture(reader: TestClient, seven: bytes) -> None:
    seen = answers_of(reader, [seven], explain="true").answers[0].prediction
    assert seen is not None
    assert seen.seen is not None
    image = Image.open(io.BytesIO(base64.b64decode(seen.seen)))
    assert (image.format, image.size) == ("PNG", (28, 28))


def test_without_explain_no_picture_is_sent(reader: TestClient, seven: bytes) -> None:
    assert b'"seen":null' in reader.post(URL, content=seven).content


def test_top_k_ranks_so_many_classes(reader: TestClient, seven: bytes) -> None:
    prediction = answers_of(reader, [seven], top_k="5").answers[0].prediction
    assert prediction is not None
    shares = [ranked.probability for ranked in prediction.top]
    assert len(shares) == 5
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    "query",
    ["top_k=0", "top_k=many", "explain=perhaps", "unknown=1", f"bundle={'b' * 201}"],
    ids=lambda text: text[:12],
)
def test_a_query_that_makes_no_sense_is_refused(reader: TestClient, seven: bytes, query: str) -> None:
    assert reader.post(f"{URL}?{query}", content=seven).status_code == 422


def test_an_unknown_bundle_is_not_found(reader: TestClient, seven: bytes) -> None:
    assert reader.post(URL, content=seven, params={"bundle": "mine@0123456789ab"}).status_code == 404


def test_the_champion_may_be_asked_for_by_its_id(reader: TestClient, seven: bytes) -> None:
    champion = reader.get("/v1/bundles").json()["champion"]
    assert answers_of(reader, [seven], bundle=champion).answers[0].prediction is not None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"pictures": []}', 422),
        (b'{"pictures": [7]}', 422),
        (b'{"pictures": ["AAAA"], "more": 1}', 422),
        (b'{"pictures": ["*"]}', 422),
        (b'{"pictures": ["AAAA"]}', 415),
        (b"[" * 100_000, 400),
    ],
    ids=["cut", "bytes", "list", "empty", "none", "number", "more", "no base64", "no picture", "deep"],
)
def test_json_that_makes_no_sense_is_refused(reader: TestClient, body: bytes, status: int) -> None:
    assert reader.post(URL, content=body, headers={"Content-Type": "application/json"}).status_code == status


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "multipart/form-data", 400),
        (b"--b\r\n", "multipart/form-data; boundary=b", 422),
        (b"--b\r\nno header", "multipart/form-data; boundary=b", 400),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="pictures"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
            422,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="p"; filename="a"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
            422,
        ),
        (b"", "multipart/form-data; boundary=" + "b" * 5_000, 400),
        (b"--b--", "multipart/form-data; boundary=b; charset=nonsense", 422),
    ],
    ids=["no boundary", "nothing", "cut", "no name", "text", "other field", "long boundary", "charset"],
)
def test_a_form_that_is_broken_is_refused(reader: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = reader.post(URL, content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text


def test_a_file_name_is_never_looked_at(reader: TestClient, seven: bytes) -> None:
    for name in ("../../etc/passwd", "a\0b.png", "<script>.png", "x" * 4_000, "seven.svg"):
        answer = reader.post(URL, files={"pictures": (name, seven)})
        assert (answer.status_code, answer.json()["answers"][0]["prediction"]["label"]) == (200, "7"), name
        assert name not in answer.text


def test_more_pictures_than_one_request_may_have_are_refused(database: object, seven: bytes) -> None:
    with serving(database=str(database), pictures=3) as client:
        assert len(answers_of(client, [seven] * 3).answers) == 3
        four = [("pictures", ("a", seven))] * 4
        assert client.post(URL, files=four).status_code == 413
        assert client.post(URL, files=four * 10).status_code in (400, 413)
        assert client.post(URL, json={"pictures": [base64_of(seven)] * 4}).status_code == 413
