"""Who may look: checked in front of every answer, which also gets the headers that keep a page to itself.

Without a token only the device itself is served, and under its own names: another website whose name was made to point
to 127.0.0.1 (DNS rebinding) is refused by the Host it asks for. With a token the Host does not matter, as that website
has neither the token nor the cookie. Requests that another website lets a browser make are refused in both cases.
"""

import hashlib
import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC = ("/healthz", "/style.css", "/icon.svg")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Guard:
    """An ASGI application in front of another one; `token` is None where none is needed, `ask` the page that asks."""

    def __init__(self, app: ASGIApp, token: str | None, name: str, port: int, ask: str) -> None:
        self._app, self._name, self._ask = app, name.lower(), ask
        self._token = None if token is None else _digest(token)
        # not the token itself: browsers send a host's cookies to all of its ports
        self._cookie = None if token is None else _digest(f"cookie for {token}").hex()
        self._cookie_name = f"ferlite_{port}"  # several previews on one host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        refusal = self._refusal(request)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if refusal is None and self._by_link(request):
                    headers.append(
                        "Set-Cookie", f"{self._cookie_name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"
                    )
            await send(message)

        await (self._app if refusal is None else refusal)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        if _from_elsewhere(request.headers):
            return PlainTextResponse("Other websites may not use this preview.\n", 403)
        if self._token is None:
            if _is_own(request.headers.get("host", ""), self._name):
                return None
            return PlainTextResponse(
                "Without a token this preview answers under the names of the device itself only, as http://localhost. "
                "Start it with a token to use it by another name.\n",
                403,
            )
        if request.url.path in PUBLIC or self._by_link(request) or self._by_header(request):
            return None
        headers = {"WWW-Authenticate": "Bearer"}
        wrong = "token" in request.query_params or "authorization" in request.headers
        if request.url.path == "/":
            return HTMLResponse(self._ask.replace(" hidden>", ">") if wrong else self._ask, 401, headers)
        trouble = "This is not the token of this preview" if wrong else "This preview needs its token"
        advice = "open the address that ferlite printed, or send it as `Authorization: Bearer TOKEN`"
        return PlainTextResponse(f"{trouble}: {advice}.\n", 401, headers)

    def _by_link(self, request: Request) -> bool:
        given = request.query_params.get("token")
        return self._token is not None and given is not None and hmac.compare_digest(_digest(given), self._token)

    def _by_header(self, request: Request) -> bool:
        assert self._token is not None
        assert self._cookie is not None
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        cookie = request.cookies.get(self._cookie_name, "")
        bearer = hmac.compare_digest(_digest(given.strip()), self._token)
        return (kind.lower() == "bearer" and bearer) or hmac.compare_digest(_digest(cookie), _digest(self._cookie))


def _digest(text: str) -> bytes:
    """Of one length, whatever was given: its comparison takes one time."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another website is behind the request; following a link to the page is fine."""
    site = headers.get("sec-fetch-site", "none")
    if site in ("cross-site", "same-site"):
        return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")
    if site == "same-origin":  # as the browser saw it: behind a proxy the Host is another one than the Origin
        return False
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _is_own(host: str, name: str) -> bool:
    """Whether a Host header is a name that means this device everywhere, or the one the preview was started with."""
    try:
        asked = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if asked in ("localhost", name):
        return True
    try:
        return ipaddress.ip_address(asked).is_loopback
    except ValueError:
        return False
