"""No host synchronisation in a training iteration: the run itself, on a pretended device (see no_sync.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from runs import ROOT

READ = ("loss_hook.py:_read", "DataDependentOutputException: aten._local_scalar_dense.default")
EPOCH = 4  # iterations, in tiny_config

pytestmark = pytest.mark.skipif(
    not hasattr(torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this PyTorch cannot pretend a device",
)


@pytest.fixture(scope="module")
def observed() -> dict[str, Any]:
    """What the program says; one process for all cases."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, str(ROOT / "tests" / "no_sync.py")]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("case", "iteration"),
    [
        ("ssal", EPOCH),
        ("ssal, data on the device", EPOCH),
        ("mining", EPOCH),
        ("kinematics", EPOCH),
        ("accumulated", EPOCH),
        ("often", 3),
        ("half", EPOCH),
        ("classifier", EPOCH),
    ],
)
def test_the_host_reads_nothing_before_the_log_is_written(observed: dict, case: str, iteration: int) -> None:
    run = observed["runs"][case]
    assert (run["where"], run["error"]) == READ, run
    assert run["iteration"] == iteration


@pytest.mark.parametrize("case", ["ssal", "mining", "half", "classifier"])
def test_only_the_batch_is_copied_and_the_host_does_not_wait(observed: dict, case: str) -> None:
    last = observed["runs"][case]["copies"][-1]  # constants are copied in the first iteration
    shapes = ["(8, 3, 48, 16) forward", "(8,) forward"] + ([] if case == "classifier" else ["(8,) loss"])
    assert last == [f"goes on: {shape}" for shape in shapes]


def test_of_data_on_the_device_only_the_names_of_the_samples_are_copied(observed: dict) -> None:
    assert observed["runs"]["ssal, data on the device"]["copies"][-1] == ["goes on: (8,) loss"]


def test_a_hook_that_reads_every_loss_is_caught(observed: dict) -> None:
    run = observed["runs"]["upstream_log"]
    assert run["iteration"] == 2  # the first on the pretended device
    assert (run["where"], run["error"]) == ("runtime_info_hook.py:after_train_iter", READ[1])


def test_the_pretended_device_objects_to_all_that_a_real_one_would_wait_for(observed: dict) -> None:
    silent = [name for name, objection in observed["offenders"].items() if not objection]
    assert silent == ["number of the host"]
    assert len(observed["offenders"]) > 8
