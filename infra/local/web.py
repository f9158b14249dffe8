"""One address for the page and the API: what CloudFront and API Gateway are in the cloud."""

from __future__ import annotations

import base64
import errno
import html
import json
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import CustomLocalChalice, ForbiddenError, LocalChalice, LocalGateway, LocalGatewayException

from infra.local.pages import Answer, Pages

STAGE = "/api"
MAX_BODY = 10 << 20
"""Bytes; API Gateway's own limit."""
MAX_LINE = 1024
"""Bytes of a line between the chunks of a body."""


class Gateway:
    """API Gateway for the Chalice app: HTTP in, the event Lambda gets, HTTP out; safe for several threads."""

    def __init__(self, app: Chalice) -> None:
        if not isinstance(app, LocalChalice):  # as `chalice local` does it: the current request becomes thread-local
            CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
            app.__class__ = CustomLocalChalice
        self._gateway = _StageGateway(app, Config.create(chalice_app=app, app_name=app.app_name))

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        """Answer one request; ``path`` is below the stage and may have a query.

        Returns
        -------
        (int, list of (str, str), bytes)
            Status, headers, body.
        """
        try:
            answer = self._gateway.handle_request(method, path, headers, body)  # type: ignore[arg-type]
        except ForbiddenError:  # this is how LocalGateway says that no route matches
            from infra.gateway import UNKNOWN  # imports the API, which reads the environment the stack has set by now

            return UNKNOWN.status, list(UNKNOWN.headers().items()), UNKNOWN.body().encode()
        except LocalGatewayException as error:
            return error.CODE, [(k, str(v)) for k, v in error.headers.items()], error.body or b""
        content = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content)
        fields = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            fields += [(name, str(value)) for value in values]
        return answer["statusCode"], fields, content.encode() if isinstance(content, str) else content


class _StageGateway(LocalGateway):
    """LocalGateway whose events look like API Gateway's: text bodies, the stage, the scheme."""

    def _generate_lambda_event(self, method: str, path: str, headers: dict, body: bytes | None) -> dict:
        event = super()._generate_lambda_event(method, path, headers, body)
        event["pathParameters"] = {name: unquote(value) for name, value in event["pathParameters"].items()}
        event["requestContext"]["path"] = STAGE + event["requestContext"]["path"]
        event["requestContext"]["stage"] = STAGE.strip("/")
        event["headers"].setdefault("x-forwarded-proto", "http")
        if isinstance(event["body"], bytes):
            try:
                event["body"] = event["body"].decode()
            except UnicodeDecodeError:
                event["body"] = base64.b64encode(event["body"]).decode()
                event["isBase64Encoded"] = True
        return event


def curl_lines(api: str) -> list[str]:
    """Three requests to paste into a shell where ``KEY`` is a token: a list, a record, a download."""
    get = 'curl -fL -H "Authorization: Token $KEY"'
    return [
        f'{get} "{api}/files/?data_type=4&obstype=SPECTRUM"',
        f'{get} "{api}/files/$ID/"',
        f'{get} "{api}/files/$ID/download/?redirect=1" -o spectrum.fits',
    ]


def _problem(status: int, title: str, detail: str) -> Answer:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    headers = [("Content-Type", "application/problem+json"), ("X-Content-Type-Options", "nosniff")]
    return status, headers, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "GoodmanLive"

    def __init__(self, *args: Any, gateway: Gateway, pages: Pages, **kwargs: Any) -> None:
        self._gateway = gateway
        self._pages = pages
        super().__init__(*args, **kwargs)

    def _answer(self) -> None:
        body, trouble = self._read_body()
        if trouble:
            self.close_connection = True
            self._send(*trouble)
            return
        path = urlsplit(self.path).path
        if path == STAGE or path.startswith(STAGE + "/"):
            below = "/" + self.path[len(STAGE) :].lstrip("/")  # "<base address>/" + "/files/" is what scripts make
            self._send(*self._gateway.handle(self.command, below, dict(self.headers.items()), body))
        elif self.command in ("GET", "HEAD"):
            self._send(*self._page(unquote(path)))
        else:
            self._send(*_problem(405, "Method not allowed", f"{self.command} is only for addresses below {STAGE}/."))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def _read_body(self) -> tuple[bytes | None, Answer | None]:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return None, _problem(400, "Bad request", "The Content-Length is not a number.")
        if not 0 <= length <= MAX_BODY:
            return None, _problem(413, "Body too large", f"A request's body may have {MAX_BODY} bytes.")
        return (self.rfile.read(length) if length else None), None

    def _read_chunks(self) -> tuple[bytes | None, Answer | None]:
        """A body sent in chunks (RFC 9112, section 7.1), as API Gateway puts one together for the function."""
        body = b""
        try:
            while size := int(self.rfile.readline(MAX_LINE).split(b";")[0], 16):
                if size < 0 or len(body) + size > MAX_BODY:
                    return None, _problem(413, "Body too large", f"A request's body may have {MAX_BODY} bytes.")
                body += self.rfile.read(size)
                self.rfile.readline(MAX_LINE)
            while self.rfile.readline(MAX_LINE).strip():
                pass  # trailers say nothing here
        except ValueError:
            return None, _problem(400, "Bad request", "The body's chunks cannot be read.")
        return body or None, None

    def _page(self, path: str) -> Answer:
        found = self._pages.answer(path, self.headers)
        if found is None and path == "/":
            found = self._pages.own(self._plain_page())
        return found or _problem(404, "Not found", "There is no such page.")

    def _plain_page(self) -> bytes:
        base = f"http://{self.headers.get('Host', 'localhost')}{STAGE}"
        api = html.escape(f"{base}/")
        examples = html.escape("\n".join(curl_lines(base)))
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Goodman Live</title>'
            "<h1>Goodman Live</h1><p>The web page is not built here: that needs Node.js 20 or newer, and "
            "<code>make frontend</code>. The pipeline and its API are running: "
            f'<a href="{api}">{api}</a>. Send the token that was printed at the start as '
            f"<code>Authorization: Token …</code>:</p><pre>{examples}</pre></html>"
        ).encode()

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        names = {name.lower() for name, _ in headers}
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if "content-type" not in names and body:
            self.send_header("Content-Type", "application/json")
        if status >= 200 and status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the progress bar."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a browser closed a connection: no news
            super().handle_error(request, client_address)


class WebServer:
    """The page and the API on one address, in threads of this process.

    Parameters
    ----------
    app : Chalice
        The API.
    pages : Path
        Directory of the built web page; where it has no ``index.html`` a short page names the API's address.
    port : int
        Wanted; if it is taken the next free one is used and ``notify`` is told.
    connect : iterable of str
        Where the page may send requests besides this address: the storage of frames.
    """

    def __init__(
        self,
        app: Chalice,
        pages: Path,
        port: int,
        notify: Callable[[str], None],
        *,
        connect: Iterable[str] = (),
        host: str = "127.0.0.1",
    ) -> None:
        self.gateway = Gateway(app)
        handler = partial(_Handler, gateway=self.gateway, pages=Pages(pages, connect))
        self._server = _listen(host, port, handler)
        taken = self._server.server_port
        if port and taken != port:
            notify(f"Port {port} is taken; using {taken}.")
        self.url = f"http://{host}:{taken}/"
        self.api = f"http://{host}:{taken}{STAGE}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _listen(host: str, port: int, handler: Any, tries: int = 20) -> _Server:
    candidates = [*range(port, min(port + tries, 65536)), 0] if port else [0]
    for candidate in candidates:
        try:
            return _Server((host, candidate), handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES) or candidate == 0:
                raise
    raise OSError(f"no free port on {host}")
