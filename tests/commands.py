"""Command-line tools: in this process, because starting Python takes longer than their work, or as a user does."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer
from runs import ROOT


def run_here(tool: str | Path, *args: object, cwd: Path, env: dict[str, str] | None = None) -> CompletedProcess[str]:
    """A tool, by its path below the repository, in this process, with everything a program of its own would leave.

    What is no planned end (``sys.exit``) is raised.
    """
    command, code = [str(ROOT / tool), *map(str, args)], None
    printed, said = StringIO(), StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for named in (MMLogger, MessageHub, Visualizer):
        named._instance_dict.clear()  # MMEngine names a run by the second it starts in, and keeps what has a name
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(said):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", command)
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr("mmgaitemo.memory.keep_freed_memory", lambda: None)  # for good, and for the whole process
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        try:
            runpy.run_path(command[0], run_name="__main__")
        except SystemExit as end:
            code = end.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    text = f"{code}\n" if isinstance(code, str) else ""
    return CompletedProcess(command, 1 if text else int(code or 0), printed.getvalue(), said.getvalue() + text)


def run_program(*command: object, cwd: Path, env: dict[str, Any] | None = None) -> CompletedProcess[str]:
    """A command as a program of its own; ``python`` is the one that runs the tests, on one thread."""
    words = [sys.executable if word == "python" else str(word) for word in command]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **(env or {})}
    return subprocess.run(words, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300)


def as_program(tool: str | Path, *args: object, cwd: Path, env: dict[str, str] | None = None) -> CompletedProcess[str]:
    """What ``run_here`` does, as a program of its own."""
    return run_program("python", ROOT / tool, *args, cwd=cwd, env=env)
