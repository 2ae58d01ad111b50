"""No block of code goes unnoticed: each is run by a test, read by its tool's own parser, or marked with a reason."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
from commands import run_here, run_program
from doc_pages import Block, blocks_of, commands_of
from runs import ROOT

from mmgaitemo.config import load_config
from mmgaitemo.study.reading import read_study

# Page: its blocks, those among them that are marked as not run, and the tests that run the others.
BLOCKS = {
    "README.md": (6, 0, "test_docs"),
    "CONTRIBUTING.md": (3, 3, ""),
    "docs/archive.md": (4, 0, "test_docs"),
    "docs/configs.md": (5, 0, "test_docs"),
    "docs/data.md": (3, 0, "test_docs, and here"),
    "docs/method.md": (1, 0, "test_kinematic_runs"),
    "docs/first_hour.md": (10, 1, "test_docs_pages"),
    "docs/protocols.md": (4, 0, "test_docs_pages"),
    "docs/inference.md": (6, 0, "test_docs_pages"),
    "docs/webui.md": (1, 0, "test_webui"),
    "docs/own_method.md": (3, 0, "test_docs_pages"),
    "docs/watching.md": (7, 1, "test_docs_pages, test_habits"),
    "docs/contributing/data_set.md": (5, 0, "test_docs_pages"),
    "docs/contributing/augmentation.md": (5, 0, "test_docs_pages"),
    "docs/contributing/backbone.md": (6, 0, "test_docs_pages"),
    "docs/contributing/ablation.md": (6, 1, "test_docs_pages, and here"),
    "docs/cluster.md": (3, 0, "here, with stand-ins for torchrun and Slurm"),
    "docs/studies.md": (2, 0, "read here: the first command takes minutes"),
    "docs/results.md": (2, 0, "read here: hours"),
    "docs/performance.md": (4, 0, "read here: minutes each"),
}
READ_ONLY = ("docs/data.md", "docs/studies.md", "docs/results.md", "docs/performance.md")
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md"))),
]


def counted(page: str) -> tuple[int, int]:
    blocks = blocks_of(page)
    return len(blocks), sum(block.not_run is not None for block in blocks)


@pytest.mark.parametrize("page", [page for page in PAGES if "_build" not in page and "/results/" not in page])
def test_every_block_is_accounted_for(page: str) -> None:
    """A new block: have it run by a test, and count it above."""
    blocks, not_run, tests = BLOCKS.get(page, (0, 0, ""))
    assert counted(page) == (blocks, not_run)
    for test in re.findall(r"test_\w+", tests):
        assert Path(page).stem in (ROOT / f"tests/{test}.py").read_text(encoding="utf-8")


def test_a_marked_block_is_seen_as_such(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: why -->\n```shell\na\n```\n\n```python\nb\n```\n\n```text\nc\n```\n")
    assert blocks_of(str(page)) == [Block("shell", "a\n", "why"), Block("python", "b\n", None)]


class ParsedError(Exception):
    """Ends a tool after its command line."""


def parsed(words: list[str], monkeypatch: pytest.MonkeyPatch, cwd: Path) -> dict[str, Any]:
    """What a tool understands of its command line; a tool that does not understand it ends with code 2."""
    parse, understood = argparse.ArgumentParser.parse_args, {}

    def stop(parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        understood.update(vars(parse(parser, *args, **kwargs)))
        raise ParsedError

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        try:
            done = run_here(words[0], *words[1:], cwd=cwd)
        except ParsedError:
            return understood
    raise AssertionError(f"{shlex.join(words)}: {done.stderr}")


@pytest.mark.parametrize("page", READ_ONLY)
def test_commands_that_are_not_run_are_understood(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = [words for block in blocks_of(page) if block.language == "shell" for words in commands_of(block)]
    assert commands
    for line in commands:
        words = [*dropwhile(lambda word: "=" in word, line)]  # settings of the environment stand first
        if words[0] == "export":
            continue
        assert words[0] == "python"
        understood = parsed(words[1:], monkeypatch, ROOT)
        for path in (str(value) for value in understood.values()):
            if words[1] == "tools/study.py" and path.startswith("configs/"):
                read_study(path)
            elif re.fullmatch(r"configs/[\w/]+\.py", path):
                load_config(path, understood.get("cfg_options"))


def test_a_command_with_a_misspelt_option_is_not_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="ampp"):
        parsed(["tools/train.py", "configs/ssal_synthgait.py", "--ampp"], monkeypatch, ROOT)


def test_studies_that_are_shown_are_studies(tmp_path: Path) -> None:
    for entry in (ROOT / "configs").iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (shown,) = (block.text for block in blocks_of("docs/studies.md") if block.language == "python")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "shown.py").write_text(shown)
    assert set(read_study(tmp_path / "folder" / "shown.py").methods) == {"ssal", "no_drop", "untrained", "handmade"}
    for block in blocks_of("docs/contributing/ablation.md"):
        if block.language == "python":
            (tmp_path / block.text.split()[1]).write_text(block.text)
    study = read_study(tmp_path / "shear_study.py")
    assert len(list(study.jobs())) == 45  # as the page says


RECORDER = '#!/bin/sh\nprintf "%s\\n" "$@" > "{out}"\n'


def test_commands_for_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches torchrun and Slurm is what tools/train.py and tools/test.py understand."""
    programs, out = tmp_path / "bin", tmp_path / "words.txt"
    programs.mkdir()
    for name in ("python", "srun"):
        (programs / name).write_text(RECORDER.format(out=out))
        (programs / name).chmod(0o755)
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    several, slurm, study = blocks_of("docs/cluster.md")
    for words in [*commands_of(several), *commands_of(slurm)]:
        settings = dict(word.split("=") for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        assert run_program(words[0], ROOT / words[1], *words[2:], cwd=ROOT, env=path | settings).returncode == 0
        given = out.read_text().split()
        tool = next(index for index, word in enumerate(given) if word.endswith(("train.py", "test.py")))
        understood = parsed(given[tool:], monkeypatch, ROOT)
        assert understood["launcher"] == ("slurm" if "slurm" in words[1] else "pytorch")
        assert understood["config"] == "configs/ssal_egait.py"
    assert {"--ntasks=8", "--ntasks-per-node=4"} <= set(given)
    (words,) = commands_of(study)  # tests/test_study_run.py submits one
    understood = parsed(words[1:], monkeypatch, ROOT)
    assert (understood["launcher"], understood["jobs"]) == ("slurm", 40)
