"""The page that files are dropped on."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from string import Template

from mmgaitemo.apis.inputs import SUFFIXES
from mmgaitemo.apis.published import PublishedModel
from mmgaitemo.archive import UP_AXES
from mmgaitemo.webui.result_page import PERCEIVED, model_facts
from mmgaitemo.webui.uploads import LIMIT


def start_page(published: PublishedModel) -> str:
    """The page, as text; all it loads comes from the server itself."""
    own, shared = files("mmgaitemo.webui") / "templates", files("mmgaitemo.visualization") / "templates"
    style = [shared / "browser.css", shared / "report.css", own / "start.css"]
    script = (own / "start.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template((own / "start.html").read_text(encoding="utf-8")).substitute(
        style="\n".join(path.read_text(encoding="utf-8") for path in style),
        script=script,
        script_hash=f"'sha256-{digest}'",
        kinds=", ".join(SUFFIXES),
        megabytes=f"{LIMIT / 1e6:.0f}",
        axes="".join(f"<option>{axis}</option>" for axis in UP_AXES),
        layout=html.escape(published.meta["skeleton"]),
        model=model_facts(published),
        limits=json.dumps({"bytes": LIMIT}),
        footer=html.escape(PERCEIVED),
    )
