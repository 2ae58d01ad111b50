"""A running server of the page, and what tests send to it."""

from __future__ import annotations

import http.client
import io
import json
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from bvh_files import xsens_text
from inference_parts import published, small_model, walk

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.apis.published import Neighbours
from mmgaitemo.skeleton import EGAIT16
from mmgaitemo.webui import WalkServer


def bvh(seconds: float = 4.0) -> str:
    """A walk as Xsens writes it."""
    return xsens_text(walk(seconds), EGAIT16.joints)


@contextmanager
def serving(neighbour: str = "training walk") -> Iterator[WalkServer]:
    """The page with a small model, which has 20 neighbours."""
    width = small_model().backbone.out_channels
    features = torch.randn(20, width, generator=torch.Generator().manual_seed(0))
    bank = Neighbours([f"{neighbour} {number}" for number in range(20)], [0, 1, 2, 3, -1] * 4, features)
    with WalkServer(GaitEmotionInferencer(replace(published(), neighbours=bank)), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def alive(server: WalkServer) -> bool:
    """Whether the server still gives its first page."""
    status, text, _ = ask(server, "GET", "/")
    return status == 200 and "Drop a file" in text


def archive_of(**files: bytes) -> bytes:
    """A zip archive of these files; ``a_npy`` is a.npy."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name.replace("_npy", ".npy"), data)
    return file.getvalue()


def ask(server: WalkServer, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, str, dict]:
    """Status, text and headers of an answer."""
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    line.request(method, path, content, headers)
    answer = line.getresponse()
    found = answer.status, answer.read().decode(), dict(answer.headers)
    line.close()
    return found


def upload(server: WalkServer, name: str, content: str | bytes | Path, said: str = "") -> tuple[int, dict[str, str]]:
    """Status and JSON of an upload; ``said`` goes behind the name, such as ``&rate=30``."""
    content = content.read_bytes() if isinstance(content, Path) else content
    content = content.encode() if isinstance(content, str) else content
    path = f"/walks?name={urllib.parse.quote(name)}{said}"
    status, text, _ = ask(server, "POST", path, content)
    return status, json.loads(text)
