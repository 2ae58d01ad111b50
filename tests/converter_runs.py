"""Runs of converters: in this process, because starting Python takes longer than converting, or as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unittest.mock import patch

from runs import ROOT

FOLDER = ROOT / "tools" / "dataset_converters"


def converter(name: str) -> Callable[..., int]:
    """``main`` of a converter, called with its arguments; returns the exit code, raises what it raises."""
    spec = spec_from_file_location(f"{name}_converter", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*args: str | Path) -> int:
        with patch.object(sys, "argv", [name, *map(str, args)]):
            return module.main()

    return run


def run_converter(name: str, *args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The converter as a program of its own."""
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *map(str, args)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
