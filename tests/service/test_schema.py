"""The OpenAPI schema tells the truth: requests made from it, good and bad, get only answers that it knows."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from digitkit.store import Store
from tests.service.live import in_thread

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW, MANY = 200, 10_000  # requests in all


@pytest.fixture
def schema(database: Path, store: Store) -> Iterator[BaseSchema]:
    """The schema of a service that runs."""
    with in_thread(database=str(database)) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def check_all(schema: BaseSchema, token: str, cases: int) -> int:
    """Ask each request of the schema its share of the cases; gives how many were asked."""
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    taking = [
        each for each in operations if list(each.body) or list(each.iter_parameters())
    ]  # others differ in nothing
    asked = 0
    with requests.Session() as session:
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                asked += _check(operation, mode, session, token, cases // (2 * len(taking)) + 1)
    return asked


def _check(operation: APIOperation, mode: GenerationMode, session: requests.Session, token: str, cases: int) -> int:  # type: ignore[type-arg]
    asked = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=cases, derandomize=True, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(case: Case[Any]) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(session=session, headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that takes nothing
        check()
    return asked


@pytest.mark.parametrize(
    "cases",
    [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(7_200)])],
    ids=["few", "many"],
)
def test_requests_made_from_the_schema_find_no_lie(schema: BaseSchema, store: Store, cases: int) -> None:
    token = store.keys.create("schema", "admin", "the tests").secret
    assert check_all(schema, token, cases) >= 0.95 * cases
