"""Who may do what: tokens of `digitkit keys create`, with the roles read, review and admin."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from digitkit.core.errors import Forbidden, Unauthorised
from digitkit.service.state import Here, Service
from digitkit.store import Key
from digitkit.store.records import Role

bearer = HTTPBearer(auto_error=False, description="A token of `digitkit keys create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]

CURE = "Send the header Authorization: Bearer with a token of `digitkit keys create`."


async def key_of(service: Service, credentials: HTTPAuthorizationCredentials | None, role: Role) -> Key:
    """The key behind a token that may do what the role may.

    Raises: Unauthorised without a valid token, Forbidden when its role is too low.
    """
    if credentials is None:
        raise Unauthorised(f"This needs a token. {CURE}")
    secret = credentials.credentials
    key = await service.ask(lambda: service.store.keys.check(secret))
    if key is None:
        raise Unauthorised(f"The token is not valid, or was revoked. {CURE}")
    if not key.may(role):
        raise Forbidden(f"This needs the role {role}; the token has {key.role}. Ask for another token.")
    return key


def holder_of(role: Role) -> Callable[..., Awaitable[Key]]:
    """The dependency of routes that need a role."""

    async def check(service: Here, credentials: Credentials) -> Key:
        return await key_of(service, credentials, role)

    return check


Reading = Annotated[Key, Depends(holder_of("read"))]
Reviewing = Annotated[Key, Depends(holder_of("review"))]
