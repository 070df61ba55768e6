"""The document that every page begins with: Streamlit's, which is told at once where its service is.

Left alone it asks below its own address first (`/models/_stcore/...`), and the browser notes two 404s.
"""

from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

PATHS = ("read", "history", "review", "models", "about")  # the pages, in their order; the first one lies at "/"
INDEX = Path(streamlit.__file__).with_name("static") / "index.html"
PLACE = "<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"


def routes() -> list[Route]:
    """The addresses of all pages, each answered with the same document."""
    document = INDEX.read_text(encoding="utf-8").replace("</head>", f"  {PLACE}\n  </head>", 1)

    async def show(request: Request) -> Response:
        return HTMLResponse(document, headers={"Cache-Control": "no-cache"})  # it names files of one version

    async def go_to_first(request: Request) -> Response:
        return RedirectResponse("/")

    first, *others = PATHS
    return [Route("/", show), Route(f"/{first}", go_to_first), *(Route(f"/{path}", show) for path in others)]
