"""What is sent in odd ways, or is too much: a clear answer, nothing in the log, and a server that goes on."""

from __future__ import annotations

import http.client
import io
import logging
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from commands import run_here
from inference_parts import walk
from test_web_page import Parts
from webui_parts import alive, archive_of, ask, bvh, upload

from mmgaitemo.apis.inputs import open_inputs
from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.skeleton import EGAIT16
from mmgaitemo.webui import WalkServer
from mmgaitemo.webui.server import _Handler
from mmgaitemo.webui.uploads import Portion

HEAD = b"POST /walks?name=a.bvh HTTP/1.1\r\nHost: 127.0.0.1\r\n"


pytestmark = pytest.mark.usefixtures("small_pictures")


@pytest.fixture(autouse=True)
def _silent_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing that a stranger sends is a fault of the server."""
    yield
    assert [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []
    assert "Traceback" not in capfd.readouterr().err


def answer(server: WalkServer, sent: bytes) -> str:
    with closing(socket.create_connection(("127.0.0.1", server.server_port), timeout=30)) as line:
        line.sendall(sent)
        return b"".join(iter(lambda: line.recv(9999), b"")).decode()


def test_an_upload_without_its_length_is_told_so(server: WalkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgaitemo.webui.server._PATIENCE", 0.1)
    for lines in (b"", b"Content-Length: -5\r\n", b"Transfer-Encoding: chunked\r\n"):
        assert "411 " in answer(server, HEAD + lines + b"\r\nabc")
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    line.request("POST", "/walks?name=a.bvh", (bytes(1_000_000) for _ in range(60)))  # http.client cuts it in pieces
    reply = line.getresponse()
    assert reply.status == 411 and b"does not say how long it is" in reply.read() and alive(server)


def test_a_length_of_thousands_of_digits_is_too_large(server: WalkServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmgaitemo.webui.server._PATIENCE", 0.1)
    found = answer(server, HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n")
    assert " 413 " in found and "is too large" in found


def test_a_sender_that_promises_more_than_it_sends_is_told_so(
    server: WalkServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_Handler, "timeout", 0.2)
    found = answer(server, HEAD + b"Content-Length: 5000\r\n\r\nHIERARCHY")
    assert " 422 " in found and "came only in part" in found


def test_who_hangs_up_half_way_or_before_the_answer_leaves_no_trace(server: WalkServer) -> None:
    text = bvh().encode()
    for sent, promised in ((b"HIERARCHY", 5000), (text, len(text))):
        line = socket.create_connection(("127.0.0.1", server.server_port))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # as a process that is killed
        line.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % promised + sent)
        line.close()
    assert upload(server, "a.bvh", text)[0] == 200  # comes after the others


def test_addresses_that_are_none_are_refused(server: WalkServer) -> None:
    assert ask(server, "GET", "/", Host="[")[0] == 403
    assert ask(server, "GET", "/", Origin="http://[")[0] == 403
    assert " 404 " in answer(server, b"GET http://[/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


@pytest.mark.parametrize("letter", ["x", "é", "走", "🚶"])
def test_a_name_of_any_length_and_script_is_taken(server: WalkServer, letter: str) -> None:
    status, found = upload(server, letter * 300 + ".bvh", bvh())
    assert status == 200, found
    assert letter * 50 in ask(server, "GET", found["result"])[1]


def test_of_long_recordings_and_of_many_the_beginning_is_taken_and_that_is_said(
    server: WalkServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mmgaitemo.webui.uploads.LONGEST", 5.0)
    monkeypatch.setattr("mmgaitemo.webui.uploads.TRIED", 3)
    with ArchiveWriter(tmp_path / "w.gait.h5", ArchiveInfo("egait16", "m", "y", rate=30.0)) as archive:
        for number in range(3):
            archive.append(walk(3.0, seed=number), id=f"walk{number}")
    _, found = upload(server, "w.gait.h5", tmp_path / "w.gait.h5")
    _, text, _ = ask(server, "GET", found["result"])
    assert "tools/infer.py takes all of it" in Parts(text).text
    assert "3.0</td>" in text and "2.0</td>" in text and "walk2" not in text  # seconds
    file = io.BytesIO()
    np.save(file, walk(3.0))
    _, found = upload(server, "w.npz", archive_of(a_npy=file.getvalue()), "&rate=30")
    assert "tools/infer.py takes all of it" not in ask(server, "GET", found["result"])[1]
    status, found = upload(server, "w.npz", archive_of(**{f"a{number}_npy": b"" for number in range(4)}), "&rate=30")
    assert status == 422 and "holds more than 3 arrays" in found["error"]


def test_a_wrong_rate_does_not_make_hours_of_it(server: WalkServer) -> None:
    """One frame in three seconds: at 30 Hz, what is read of it would be ninety times as long."""
    said = server.inferencer.said(rate=0.3)
    portion = Portion()
    (source,) = portion.of(open_inputs(np.zeros((5000, EGAIT16.num_joints, 3)), said))
    (take,) = source.read()
    assert len(take.positions) == 0.3 * 600 and portion.cut


def test_the_tool_says_what_is_wrong_with_an_address_and_warns_of_an_open_one(
    server: WalkServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY")
    for host, port in (("127.0.0.1", server.server_port), ("..", 0), ("no.such.invalid", 0), ("127.0.0.1", 99999)):
        done = run_here("tools/webui.py", "--host", host, "--port", port, cwd=tmp_path)
        assert done.returncode == 1 and f"{host}:{port}: cannot be listened on" in done.stderr
        assert "pass another --port or --host" in done.stderr
    monkeypatch.setattr(WalkServer, "serve_forever", lambda self: None)
    done = run_here("tools/webui.py", "--host", "0.0.0.0", "--port", 0, cwd=tmp_path)
    assert done.returncode == 0 and "there is no password" in done.stderr
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
