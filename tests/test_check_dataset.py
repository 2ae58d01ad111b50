"""tools/analysis/check_dataset.py as a user runs it: exit codes, tables, JSON, and what it says of bad files."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import write_pair
from planted import jumped, mirrored
from runs import ROOT

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.datasets.synthetic_walks import MOODS, Walk, synthetic_walks
from mmgaitemo.inspection import CHECKS
from mmgaitemo.skeleton import EGAIT16

TOOL = ROOT / "tools/analysis/check_dataset.py"
Row = tuple[str, str, int, np.ndarray]


def tool(*args: str | Path) -> int:
    """Run it in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["check_dataset.py", *map(str, args)])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name="__main__")
    assert isinstance(end.value.code, int)
    return end.value.code


def report(*args: str | Path, out: Path) -> tuple[int, dict[str, Any]]:
    code = tool(*args, "--report", out)
    content = json.loads(out.read_text())
    assert content["exit_code"] == code == int(any(check["problems"] for check in content["checks"]))
    return code, {check["name"]: check for check in content["checks"]}


def problems(check: dict[str, Any]) -> set[str]:
    return {finding["id"] for finding in check["findings"] if finding["severity"] == "problem"}


def row(walk: Walk) -> Row:
    return walk.id, walk.person, walk.label, walk.positions


def archive(path: Path, rows: list[Row], up: str = "y") -> Path:
    with ArchiveWriter(path, ArchiveInfo("egait16", "m", up, rate=30.0, label_names=MOODS)) as writer:
        for id, person, label, positions in rows:
            writer.append(positions, id=id, subject=person, label=MOODS[label])
    return path


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row(walk) for walk in synthetic_walks(6, 1, seed=3)]


@pytest.fixture
def clean(tmp_path: Path, rows: list[Row]) -> Path:
    return archive(tmp_path / "clean.gait.h5", rows)


def test_a_clean_archive_ends_with_zero_and_a_table_of_every_check(
    clean: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, checks = report(clean, out=tmp_path / "new" / "report.json")
    printed = capfd.readouterr().out
    assert code == 0 and "clean: nothing found" in printed and "24 walks" in printed
    assert list(checks) == list(CHECKS) and all(name in printed for name in CHECKS)
    assert checks["skate"]["looked_at"] == 0 and sum(checks["skate"]["not_applicable"].values()) == 24
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.json"]


@pytest.mark.parametrize("up", ["z", "-y"])
def test_walks_are_judged_upright_whatever_axis_points_up(up: str, tmp_path: Path, rows: list[Row]) -> None:
    turn = {"z": [[1, 0, 0], [0, 0, 1], [0, -1, 0]], "-y": [[1, 0, 0], [0, -1, 0], [0, 0, -1]]}[up]
    turned = [(id, person, label, walk @ np.array(turn, float)) for id, person, label, walk in rows]
    assert tool(archive(tmp_path / "a.gait.h5", turned, up)) == 0
    assert tool(archive(tmp_path / "b.gait.h5", turned, "y")) == 1


def test_planted_faults_in_an_archive_are_named_with_a_remedy(
    tmp_path: Path, rows: list[Row], capfd: pytest.CaptureFixture[str]
) -> None:
    (one, who, label, walk), (two, _, _, other), (three, _, _, third) = rows[0], rows[4], rows[8]
    spoilt = [*rows, (f"{three} again", "stranger", label, third)]
    spoilt[0], spoilt[4] = (one, who, label, mirrored(walk, EGAIT16)), (two, who, label, jumped(other, EGAIT16))
    code, checks = report(archive(tmp_path / "a.gait.h5", spoilt), out=tmp_path / "a.json")
    assert code == 1
    expected = {"mirrored": {one}, "jumps": {two}, "duplicates": {f"{three} again"}}
    assert {name: problems(check) for name, check in checks.items() if check["problems"]} == expected
    printed = capfd.readouterr().out
    for name in expected:
        assert checks[name]["remedy"] in printed and all(id in printed for id in expected[name])
    assert tool(tmp_path / "a.gait.h5", "--skip", *expected) == 0


def test_a_subject_in_two_groups_can_be_parted(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "a.gait.h5"
    with ArchiveWriter(path, ArchiveInfo("egait16", "m", "y", rate=30.0, label_names=(*MOODS, "absent"))) as writer:
        for number, (id, person, label, positions) in enumerate(rows):
            group = "elsewhere" if number == 1 else None
            writer.append(positions, id=id, subject=person, label=MOODS[label], group=group)
    code, checks = report(path, out=tmp_path / "a.json")
    assert code == 1 and problems(checks["persons"]) == {rows[0][1]} and problems(checks["labels"]) == {"absent"}


def pair_config(folder: Path, more: str = "") -> Path:
    """A config on a pair of files in E-Gait's format, made of synthetic walkers."""
    write_pair(folder / "data", takes=1)
    base = ROOT / "configs/ssal_egait.py"
    path = folder / "config.py"
    where = f"dict(data_root={str(folder / 'data')!r})"
    path.write_text(
        f"_base_ = [{str(base)!r}]\ntrain_dataloader = dict(dataset={where})\n"
        f"val_dataloader = dict(dataset={where})\nval_cfg = dict(bank={where})\n{more}\n"
    )
    return path


def edit_pair(folder: Path, change: Callable[[h5py.File, h5py.File, list[str]], None]) -> None:
    table = folder / "data/folds.csv"
    lines = table.read_text().splitlines()
    with h5py.File(folder / "data/features.h5", "a") as features, h5py.File(folder / "data/labels.h5", "a") as labels:
        change(features, labels, lines)
    table.write_text("\n".join(lines) + "\n")


def test_a_config_is_checked_as_a_run_sees_it(tmp_path: Path) -> None:
    code, checks = report(pair_config(tmp_path), out=tmp_path / "a.json")
    assert code == 0
    # 10 persons in 4 moods; training set and kNN bank are the same walks, and the held-out ones come on top.
    assert {check["looked_at"] for name, check in checks.items() if name != "skate"} == {40}


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_a_person_planted_in_train_and_test_is_found_by_the_walks(noise: float, tmp_path: Path) -> None:
    """Person 3 (fold 3) once more, in fold 0, turned and under another name."""
    config = pair_config(tmp_path)
    rng, turn = np.random.default_rng(0), np.array([[0.6, 0, 0.8], [0, 1, 0], [-0.8, 0, 0.6]])

    def plant(features: h5py.File, labels: h5py.File, lines: list[str]) -> None:
        for key in [key for key in features if key.startswith("person003")]:
            walk = features[key][()].reshape(-1, 16, 3)
            features[f"new_{key}"] = (walk @ turn + rng.normal(0, noise, walk.shape)).reshape(len(walk), -1)
            labels[f"new_{key}"] = labels[key][()]
            lines.append(f"new_{key},{labels[key][()]},,synthetic,newcomer,0")

    edit_pair(tmp_path, plant)
    code, checks = report(config, out=tmp_path / "a.json")
    assert code == 1 and [name for name, check in checks.items() if check["problems"]] == ["duplicates"]
    found = [finding["what"] for finding in checks["duplicates"]["findings"]]
    assert sum("on both sides of the split" in what for what in found) == 4
    assert "4 walks are also walks of person003: one person?" in " ".join(found)


def test_a_mirrored_skeleton_planted_in_a_copy_is_found_through_its_config(tmp_path: Path) -> None:
    config = pair_config(tmp_path)
    planted = ["person000_sad_take0.csv", "person004_angry_take0.csv"]

    def plant(features: h5py.File, labels: h5py.File, lines: list[str]) -> None:
        for key in planted:
            features[key][...] = (features[key][()].reshape(-1, 16, 3) * [-1, 1, 1]).reshape(-1, 48)

    edit_pair(tmp_path, plant)
    code, checks = report(config, out=tmp_path / "a.json")
    assert code == 1 and problems(checks["mirrored"]) == set(planted)


def test_a_person_on_both_sides_of_the_split_is_found(tmp_path: Path) -> None:
    config = pair_config(tmp_path, more="train_dataloader['dataset']['split'] = 'all'")
    code, checks = report(config, out=tmp_path / "a.json")
    assert code == 1 and problems(checks["persons"]) == {"person000", "person005"}
    assert checks["persons"]["findings"][0]["value"] == 4
    assert checks["duplicates"]["problems"] == 8


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def with_nan(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["positions"][40, 3, 1] = np.nan


def no_archive(path: Path) -> None:
    path.write_text("not HDF5")


@pytest.mark.parametrize("spoil", [truncated, with_nan, no_archive, Path.unlink])
def test_an_unreadable_archive_ends_with_two_and_one_line(
    spoil: Callable[[Path], None], clean: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil(clean)
    assert tool(clean, "--report", tmp_path / "report.json") == 2
    message = capfd.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(f"error: {clean}") and "Remedy:" in message
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model = dict(", "does not parse"),
        ("model = dict(type='GaitClassifier')", "no data set"),
        ("train_dataloader = dict(dataset=dict(type='Nothing', split='train'))", "Nothing"),
        ("train_dataloader = dict(dataset=dict(type='SyntheticGait', split='train', pipeline=3))", "pipeline"),
    ],
)
def test_a_config_that_cannot_be_built_ends_with_two_and_one_line(
    text: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.py").write_text(text)
    assert tool(tmp_path / "config.py") == 2
    error = capfd.readouterr().err.strip()
    assert error.startswith("error: ") and words in error and "Traceback" not in error


def test_impossible_arguments_are_refused_before_anything_is_read(
    clean: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for args in ([tmp_path / "walks.csv"], [clean, "--report", tmp_path / "report.txt"]):
        assert tool(*args) == 2
        assert "Remedy:" in capfd.readouterr().err
    assert tool(clean, "--report", tmp_path / "file" / "report.json") == 2
    assert tool(clean, "--skip", "nonsense") == 2
    assert "invalid choice" in capfd.readouterr().err


def test_it_runs_from_another_folder_by_its_path(clean: Path) -> None:
    done = subprocess.run([sys.executable, TOOL, clean.name], cwd=clean.parent, capture_output=True, text=True)
    assert done.returncode == 0 and "clean" in done.stdout and not done.stderr.strip()
