"""The page that shows what arrived. Everything on it comes from this package and nothing from elsewhere."""

from functools import cache
from importlib.resources import files

from pushserver.sandbox.answer import HTML, Answer, Reply, json_answer
from pushserver.sandbox.request import Request

PATHS = {
    "/": ("index.html", HTML),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}

_HEADERS = (
    ("Cache-Control", "no-cache"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_WRONG_METHOD = json_answer({"error": "the page is read with GET"}, 405, (("Allow", "GET, HEAD"),))


def serve(request: Request) -> Reply:
    """The page, its style or its script."""
    if request.head.method not in {"GET", "HEAD"}:
        return Reply(_WRONG_METHOD)
    name, content_type = PATHS[request.head.path]
    return Reply(Answer(200, _asset(name), content_type, _HEADERS))


@cache
def _asset(name: str) -> bytes:
    return (files("pushserver.sandbox") / "assets" / name).read_bytes()
