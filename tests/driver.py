"""A headless Chromium that tests can drive, by the WebDriver protocol of W3C: JSON over HTTP, no library needed."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from test_web_page import CHROMIUM, FLAGS

CHROMEDRIVER = shutil.which("chromedriver")
driven = pytest.mark.skipif(
    CHROMIUM is None or CHROMEDRIVER is None,
    reason="needs Chromium and chromedriver: apt-get install chromium chromium-driver",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element, fixed by the standard


class Browser:
    """One window. What fails in the browser is raised as an ``AssertionError`` with its message."""

    def __init__(self, address: str, profile: Path) -> None:
        self._address = address
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._address += f"/session/{session['sessionId']}"

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._ask("POST", "/url", {"url": url})

    def resize(self, width: int, height: int) -> None:
        """Size of the window."""
        self._ask("POST", "/window/rect", {"width": width, "height": height})

    def run(self, script: str, *args: Any) -> Any:
        """What a function body returns, or what the promise that it returns holds."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": args})

    def find(self, selector: str) -> dict[str, str]:
        """An element, for ``type`` and ``frame``, or as an argument of a script."""
        return self._ask("POST", "/element", {"using": "css selector", "value": selector})

    def type(self, selector: str, text: str | Path) -> None:
        """Type into an element, or give a file input the path of a file."""
        self._ask("POST", f"/element/{self.find(selector)[ELEMENT]}/value", {"text": str(text)})

    def frame(self, selector: str | None) -> None:
        """Go into a frame, or back to the page."""
        self._ask("POST", "/frame", {"id": self.find(selector) if selector else None})

    def wait(self, script: str, seconds: float = 60) -> Any:
        """What a function body returns as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"{script} is not true after {seconds} s; the page: {self.text()[:2000]}"
            time.sleep(0.05)
        return found

    def text(self) -> str:
        """What is to be read on the page."""
        return str(self.run("return document.body.innerText"))

    def picture(self, path: Path | None = None) -> np.ndarray:
        """(height, width, 3) of 0 to 255: what is to be seen; ``path`` keeps it."""
        png = base64.b64decode(self._ask("GET", "/screenshot"))
        if path is not None:
            path.write_bytes(png)
        return (imread(io.BytesIO(png))[..., :3] * 255).round()

    def messages(self) -> list[str]:
        """What has been written to the console since the last call."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def close(self) -> None:
        """End it."""
        self._ask("DELETE", "")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser whose profile is in a folder, for as long as the block lasts."""
    with subprocess.Popen([str(CHROMEDRIVER), "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout is not None
            started = (re.search(r"started successfully on port (\d+)", line) for line in driver.stdout)
            port = next(found[1] for found in started if found)
            window = Browser(f"http://127.0.0.1:{port}", folder / "profile")
            try:
                yield window
            finally:
                window.close()
        finally:
            driver.terminate()
