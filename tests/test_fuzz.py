"""A short run of the fuzzer: python tests/fuzz_converters.py is the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_mutated_files_are_converted_or_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("fuzz_converters.py")), "--count", "28", "--seed", "1"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("refused") == 2
