"""Small analysis tools, run in this process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from runs import ROOT


def tool(name: str, *args: str | Path) -> str:
    """Run one of tools/analysis; its last words: "" or the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *map(str, args)])
        try:
            runpy.run_path(str(ROOT / "tools/analysis" / name), run_name="__main__")
        except SystemExit as end:
            return str(end.code)
    return ""


def test_views_are_drawn_and_a_config_without_views_is_refused(tmp_path: Path) -> None:
    assert tool("draw_views.py", ROOT / "configs/ssal_synthgait.py", tmp_path / "v.png", "--frames", "4") == ""
    assert (tmp_path / "v.png").read_bytes().startswith(b"\x89PNG")
    refused = tool("draw_views.py", ROOT / "configs/downstream/supervised_synthgait.py", tmp_path / "w.png")
    assert "no contrastive views" in refused
    assert not (tmp_path / "w.png").exists()
