"""Runs of converters: their ``main`` alone, or the whole command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from commands import run_here
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


def run_converter(name: str, *args: str | Path, cwd: Path, run: Callable = run_here) -> CompletedProcess[str]:
    """The converter with all it says; ``run=as_program`` where it has to be a program of its own."""
    return run(FOLDER / f"{name}.py", *args, cwd=cwd)
