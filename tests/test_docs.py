"""What README and docs say is run: every code block, every path, every link between pages."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from bvh_files import write, xsens_text
from commands import run_here
from mmengine.runner import Runner
from runs import ROOT, TINY_ENCODER

from mmgaitemo.archive import UNITS, UP_AXES, GaitArchive
from mmgaitemo.config import load_config
from mmgaitemo.datasets import GaitDataset
from mmgaitemo.datasets.synthetic_walks import MOODS, synthetic_walks
from mmgaitemo.skeleton import EGAIT16

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(page for folder in ("", "api", "contributing") for page in (ROOT / "docs" / folder).glob("*.md")),
]
INSTALL_AND_TRAIN = (
    "pip install -c requirements/constraints.txt -e . && python tools/train.py configs/ssal_synthgait.py"
)
INSTALL_AND_TEST = 'pip install -c requirements/constraints.txt -e ".[tests]" && python -m pytest -n 2 --dist loadfile'


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


def small(*more: str) -> list[str]:
    encoder = [f"{key}={value}".replace(" ", "") for key, value in TINY_ENCODER.items()]
    short = ("train_cfg.max_epochs=1", "train_dataloader.batch_size=8", "default_hooks.report=None")
    return ["--cfg-options", *short, *encoder, *more]


def shell(line: str, cwd: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Run ``python TOOL ...`` in a folder that is not the repository; what it prints."""
    python, *words = shlex.split(line, comments=True)
    assert python == "python"
    words = [str(ROOT / word) if word.startswith(("tools/", "configs/")) else word for word in words]
    done = run_here(*words, *arguments, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_the_first_two_bash_blocks_are_the_two_commands_and_nothing_else() -> None:
    assert [block.strip() for block in blocks("README.md", "bash")] == [INSTALL_AND_TRAIN, INSTALL_AND_TEST]


def test_commands_for_egait_run_in_their_order(stand_ins: dict[str, str], tmp_path: Path) -> None:
    export, pretrain, probe, test = blocks("README.md", "shell")[0].strip().splitlines()
    assert export.startswith("export MMGAITEMO_EGAIT=")
    shell(pretrain, tmp_path, *small(), env=stand_ins)
    named = re.search(r"--encoder (\S+)", probe)
    assert named is not None
    epochs = load_config(ROOT / "configs" / "ssal_egait.py").train_cfg.max_epochs
    assert named[1] == f"work_dirs/ssal_egait/epoch_{epochs}.pth"  # what the full schedule leaves behind
    shutil.copy(tmp_path / "work_dirs/ssal_egait/epoch_1.pth", tmp_path / named[1])
    assert "accuracy" in shell(probe, tmp_path, *small(), env=stand_ins)
    assert "knn/accuracy" in shell(test, tmp_path, *small(), env=stand_ins)


def test_commands_for_own_recordings_run(tmp_path: Path) -> None:
    for walk in synthetic_walks(num_persons=2, takes=1, seed=0):
        text = xsens_text(np.tile(walk.positions, (2, 1, 1)), EGAIT16.joints)
        write(tmp_path / "RECORDINGS" / f"{walk.person}_{MOODS[walk.label]}_1.bvh", text)
    for line in blocks("README.md", "shell")[1].strip().splitlines():
        shell(line, tmp_path)
    with GaitArchive(tmp_path / "lab.gait.h5") as archive:
        assert set(archive.info.label_names) == set(MOODS)
        assert len(set(archive.subjects)) == 2
    assert (tmp_path / "lab.html").is_file()


def test_the_command_for_one_ablation_runs(stand_ins: dict[str, str], tmp_path: Path) -> None:
    line, options = blocks("README.md", "shell")[2].strip().split(" --cfg-options ")
    shell(line, tmp_path, *small(*options.split()), env=stand_ins)
    assert (tmp_path / "work_dirs/big_queue/epoch_1.pth").is_file()


def test_the_ablation_shown_is_the_file(tmp_path: Path) -> None:
    shown = blocks("README.md", "python")[0].strip()
    file = (ROOT / "configs/ablations/no_drop.py").read_text(encoding="utf-8")
    assert [line for line in file.splitlines() if line and not line.startswith("#")] == shown.splitlines()


def test_own_parts_and_the_python_interface_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, parts, config, python, features = blocks("docs/configs.md", "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "my_parts.py").write_text(parts)
    (tmp_path / "my_config.py").write_text(config)
    short = {"train_cfg.max_epochs": 1, "default_hooks.report": None}
    options = {**short, "work_dir": str(tmp_path / "own"), **TINY_ENCODER}
    cfg = load_config(tmp_path / "my_config.py", options)
    assert cfg.model.data_preprocessor.views.general.scale.type == "ScaleBody"
    runner = Runner.from_cfg(cfg)
    runner.train()
    names = [type(step).__name__ for step in runner.model.data_preprocessor.views.general]
    assert names == ["TemporalCrop", "Shear", "ScaleBody"]
    exec(compile(python.replace('"fold": 2}', f'"fold": 2, **{TINY_ENCODER}}}'), "docs/configs.md", "exec"), {})
    made = tmp_path / "work_dirs/from_python/epoch_1.pth"
    assert made.is_file()
    features = features.replace("work_dirs/ssal_synthgait/epoch_20.pth", str(made))
    features = features.replace('ssal_synthgait.py")', f'ssal_synthgait.py", {TINY_ENCODER})')
    scope: dict = {}
    exec(compile(features, "docs/configs.md", "exec"), scope)
    assert scope["features"].shape == (len(scope["ids"]), 128)


def test_data_configs_are_what_the_page_says(stand_in_env: dict[str, str], tmp_path: Path) -> None:
    elmd, own = blocks("docs/data.md", "python")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "elmd.py").write_text(elmd)
    (tmp_path / "own.py").write_text(own)
    cfg = load_config(tmp_path / "elmd.py")
    for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, cfg.val_cfg.bank):
        assert set(dataset.files) == {"own", "elmd"}
    cfg = load_config(tmp_path / "own.py")
    for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, cfg.val_cfg.bank):
        assert dataset.fold_file is None
        dataset.pop("type")
        dataset.pop("person_pattern")  # the stand-in has other keys
        assert len(GaitDataset(**dataset, person_pattern=r"^(person\d+)_")) > 0


def test_the_worked_example_of_ten_sequences_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/archive.md from the first line to a trained network, then what it says about fields and converters."""
    written, read, config = blocks("docs/archive.md", "python")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    scope: dict = {}
    exec(compile(written, "docs/archive.md", "exec"), scope)
    exec(compile(read, "docs/archive.md", "exec"), scope)
    assert len(scope["lengths"]) == 10
    (tmp_path / "ssal_ten.py").write_text(config)
    check, browse, train = blocks("docs/archive.md", "shell")[0].strip().splitlines()
    shell(check, tmp_path)
    shell(browse, tmp_path)
    assert (tmp_path / "ten.html").stat().st_size > 10_000
    shell(train, tmp_path, *small("train_dataloader.batch_size=4"))
    assert (tmp_path / "work_dirs/ssal_ten/epoch_1.pth").is_file()


def test_the_archive_page_names_every_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/archive.md").read_text(encoding="utf-8")
    exec(compile(blocks("docs/archive.md", "python")[0], "docs/archive.md", "exec"), {})
    with h5py.File(tmp_path / "ten.gait.h5") as file:
        assert all(f"`{name}" in page for name in (*file, *file.attrs))
    converters = {path.name for path in (ROOT / "tools/dataset_converters").glob("*.py")}
    assert set(re.findall(r"tools/dataset_converters/(\w+\.py)", page)) == converters
    assert all(f"`{name}`" in page for name in (*UNITS, *UP_AXES))


def test_the_size_named_is_the_size_built(stand_in_env: dict[str, str]) -> None:
    done = run_here("tools/analysis/get_flops.py", ROOT / "configs/ssal_egait.py", cwd=ROOT)
    page = " ".join((ROOT / "docs/method.md").read_text(encoding="utf-8").split())
    parameters, macs = re.findall(r"encoder +([\d,]+) parameters +([\d,]+) multiply", done.stdout)[0]
    assert f"{parameters} parameters, {macs} multiply-accumulates" in page


def test_the_lines_beside_the_equations_are_those_of_the_files() -> None:
    page = (ROOT / "docs/method.md").read_text(encoding="utf-8")
    excerpts = re.findall(r"^```py\n(.*?)^```$", page, re.S | re.M)
    assert len(excerpts) > 8
    for excerpt in excerpts:
        source: list[str] = []
        for part in re.split(r"^(# mmgaitemo/\S+|\.\.\.)\n", excerpt, flags=re.M):
            if part.startswith("# mmgaitemo/"):
                source = [line.strip() for line in (ROOT / part[2:]).read_text(encoding="utf-8").splitlines()]
            elif part.strip() and part != "...":
                lines = [line.strip() for line in part.splitlines()]
                assert any(source[at : at + len(lines)] == lines for at in range(len(source))), part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_links_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(
        r"(?<![\w/.-])((?:configs|tools|docs|mmgaitemo|tests)/[\w./-]+\.(?:py|sh|md|json|png))", text
    ):
        assert (ROOT / path).exists(), path
