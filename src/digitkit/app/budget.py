"""A bound for what all visitors together may upload: Streamlit keeps files in memory until their page is closed."""

from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from digitkit.core.picture import LIMITS

BUDGET = 128 * 2**20  # bytes, of all visitors together: twenty photos of a phone, and a container of 768 MB holds
UPLOADS = "/_stcore/upload_file/"


class UploadBudget:
    """Refuses uploads while too much is kept or on its way; `kept` tells how many bytes are kept."""

    def __init__(self, app: ASGIApp, kept: Callable[[], int] | None = None, budget: int = BUDGET) -> None:
        self._app, self._kept, self._budget = app, kept or kept_by_streamlit, budget
        self._coming = 0  # bytes that are on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, connection or lifespan."""
        if scope["type"] != "http" or scope["method"] != "PUT" or not scope["path"].startswith(UPLOADS):
            await self._app(scope, receive, send)
            return
        size = _announced(dict(scope["headers"]))
        if self._kept() + self._coming + size > self._budget:
            refusal = PlainTextResponse("Too much is uploaded here at once. Try again later, or one by one.\n", 503)
            await refusal(scope, receive, send)
            return
        self._coming += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming -= size


def kept_by_streamlit() -> int:
    """How many bytes of uploads Streamlit keeps."""
    from streamlit.runtime import get_instance
    from streamlit.runtime.stats import CacheStat

    families = get_instance().uploaded_file_mgr.get_stats()
    return sum(stat.byte_length for family in families.values() for stat in family if isinstance(stat, CacheStat))


def _announced(headers: dict[bytes, bytes]) -> int:
    """How large a body says it is; one that does not say may have the most that is taken."""
    told = headers.get(b"content-length", b"")
    return int(told) if told.isdigit() and len(told) < 12 else LIMITS.content_bytes
