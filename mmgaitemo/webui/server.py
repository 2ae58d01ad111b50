"""The server of the page: Python's own, for the people of one machine.

Uploads lie in a folder that is thrown away, results in memory. Neither an upload is trusted (``uploads``) nor another
web site: one that a user has open elsewhere can neither send a file here nor read a result.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import secrets
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.inputs import open_inputs
from mmgaitemo.errors import ConfigError, DataError, GaitError
from mmgaitemo.visualization.run_report import Html, report_page
from mmgaitemo.webui.result_page import PERCEIVED, result_sections
from mmgaitemo.webui.start_page import start_page
from mmgaitemo.webui.uploads import LIMIT, LONGEST, TRIED, Portion, check_content, check_size, checked_name

KEPT = 20  # results; the oldest go
MOST = 12  # recordings of an upload
_PIECE = 1 << 20
_DRAINED = 20 * LIMIT  # bytes of a refused upload that are still taken in, so that its sender gets to read why
_PATIENCE = 2  # seconds that it may be silent meanwhile
_GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
log = logging.getLogger(__name__)


class RefusedError(Exception):
    """Why nothing of an upload can be shown."""


class WalkServer(ThreadingHTTPServer):
    """Serves the page; ``serve_forever`` starts it.

    Args:
        inferencer: What makes the predictions.
        host: Address to listen on; ``127.0.0.1`` is this machine alone.
        port: 0 takes a free one.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
    """

    daemon_threads = True

    def __init__(self, inferencer: GaitEmotionInferencer, host: str = "127.0.0.1", port: int = 7860) -> None:
        super().__init__((host, port), _Handler)
        self.inferencer = inferencer
        self.start_page = start_page(inferencer.published)
        self.results: OrderedDict[str, tuple[str, dict[str, Html]]] = OrderedDict()
        self._turn = threading.Lock()  # one prediction at a time: two would only slow one another down

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{self.server_address[0]!s}:{self.server_port}/"

    @property
    def local(self) -> bool:
        """Whether it listens to this machine alone."""
        return ipaddress.ip_address(str(self.server_address[0])).is_loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hung up is no fault; anything else goes to the log."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            log.exception("a request could not be handled")

    def predict(self, path: Path, asked: Mapping[str, str]) -> str:
        """Make the result of an upload.

        Args:
            path: The file.
            asked: What the user says of it, where it does not say so itself: ``rate``, ``up``, ``skeleton``.

        Returns:
            Address of the result.

        Raises:
            RefusedError: There is no walk in it that could be taken.
            GaitError: It is no recording, or what the user says of it is impossible.
            OSError: It cannot be read.
        """
        check_content(path)
        complaints: list[str] = []  # not the errors: with them, all that was in memory when they arose would stay
        portion = Portion()
        with self._turn:
            said = self.inferencer.said(skeleton=asked.get("skeleton"), rate=_rate(asked), up=asked.get("up"))
            found = self.inferencer.iterate(
                portion.of(open_inputs(path, said)),
                said,
                on_error=lambda _, error: complaints.append(_without_folder(error, path)),
            )
            predictions = list(islice(found, MOST + 1))
            if not predictions:
                nothing = f"{path.name}: holds no walk. Remedy: upload a recording of one."
                raise RefusedError(complaints[0] if complaints else nothing)
            if len(predictions) > MOST:
                complaints.append(f"Only the first {MOST} recordings are shown; tools/infer.py takes them all.")
            if portion.cut:
                most = f"{LONGEST / 60:.0f} minutes, and {TRIED} recordings"
                complaints.append(f"Of an upload the first {most}, are read; tools/infer.py takes all of it.")
            # Drawing is no work for two threads at once either.
            sections = result_sections(path.name, predictions[:MOST], complaints, self.inferencer.published)
            token = secrets.token_urlsafe(16)
            self.results[token] = path.name, sections
            while len(self.results) > KEPT:
                self.results.popitem(last=False)
        return f"/results/{token}"


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: WalkServer
    timeout = 60  # seconds that a sender may be silent

    def do_GET(self) -> None:
        """The start page, a result, or a result as a file to keep."""
        if not self._is_from_here():
            return
        match self.path.partition("?")[0].strip("/").split("/"):
            case [""]:
                self._send(HTTPStatus.OK, self.server.start_page)
            case ["results", token, *rest] if token in self.server.results and rest in ([], ["report.html"]):
                result = self.server.results[token]
                if rest:
                    attached = {"Content-Disposition": 'attachment; filename="report.html"'}
                    self._send(HTTPStatus.OK, report_page(*result, [PERCEIVED]), attached)
                else:
                    links = {"Download this page": f"/results/{token}/report.html", "Another recording": "/"}
                    self._send(HTTPStatus.OK, report_page(*result, [PERCEIVED], links))
            case _:
                gone = f"Results are kept until {KEPT} others have come, or the server ends."
                self._send(HTTPStatus.NOT_FOUND, report_page("There is no such page", {}, [gone], {"Start": "/"}))

    def do_POST(self) -> None:
        """Take an upload; the answer is JSON: the address of its ``result``, or the ``error``."""
        if not self._is_from_here():
            return
        try:
            status, answer = self._upload()
        except Exception as error:  # a fault of this program is none of the recording
            log.exception("an upload could not be handled")
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            answer = {"error": f"The server failed ({type(error).__name__}); its log says more. It goes on."}
        self._send(status, json.dumps(answer), {"Content-Type": "application/json"})

    def _upload(self) -> tuple[HTTPStatus, dict[str, str]]:
        asked = {key: values[-1] for key, values in parse_qs(self.path.partition("?")[2]).items()}
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal():  # also of a sender that cuts the file in pieces of its own ("chunked")
            self._drain(_DRAINED)
            return HTTPStatus.LENGTH_REQUIRED, {"error": "The upload does not say how long it is (Content-Length)."}
        left = int(length[:18])  # a longer number is too large all the same
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload"
            try:
                path = Path(folder) / checked_name(asked.get("name", ""))
                check_size(path.name, left)
                with path.open("wb") as file:
                    while left:
                        if not (piece := self._piece(left)):
                            raise DataError(path.name, "came only in part", remedy="upload it again")
                        left -= file.write(piece)
                return HTTPStatus.OK, {"result": self.server.predict(path, asked)}
            except (GaitError, OSError, RefusedError) as error:
                self._drain(min(left, _DRAINED))
                status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if left > LIMIT else HTTPStatus.UNPROCESSABLE_ENTITY
                return status, {"error": _without_folder(error, path)}

    def _piece(self, left: int) -> bytes:
        """The next bytes of an upload; none where its sender has hung up, or is silent for too long."""
        try:
            return self.rfile.read(min(left, _PIECE))
        except (ConnectionError, TimeoutError):
            return b""

    def _drain(self, left: int) -> None:
        """Take in what is still coming: a sender that finds the line closed reads no answer."""
        self.connection.settimeout(_PATIENCE)
        with suppress(OSError):
            while left > 0 and (piece := self.rfile.read1(_PIECE)):
                left -= len(piece)
        self.connection.settimeout(self.timeout)

    def _is_from_here(self) -> bool:
        """Whether the page itself asks; if another web site does, by whatever name of this machine, say no."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        try:
            name, sender = urlsplit(f"//{host}").hostname, urlsplit(origin or f"http://{host}").netloc
        except ValueError:  # no address at all
            name = sender = None
        if sender != host or (self.server.local and name not in ("localhost", self.server.server_address[0])):
            self._send(HTTPStatus.FORBIDDEN, report_page("Requests of other sites are refused", {}))
            return False
        return True

    def _send(self, status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> None:
        content = text.encode()
        known = {"Content-Type": "text/html; charset=utf-8", **_GUARDS, **(headers or {})}
        self.send_response(status)
        for name, value in {**known, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """To the log, not to standard error."""
        log.info(format, *args)


def _rate(asked: Mapping[str, str]) -> float | None:
    try:
        return float(asked["rate"]) if "rate" in asked else None
    except ValueError:
        raise ConfigError("frames a second", "is no number", found=asked["rate"], remedy="write 60 or 29.97") from None


def _without_folder(error: Exception, path: Path) -> str:
    """The message, without the folder that nobody knows."""
    return str(error).replace(f"{path.parent}/", "")
