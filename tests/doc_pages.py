"""A reader who follows a page of the documentation to the letter, with everything small.

Blocks of Python whose first line is ``# NAME.py`` are written to that file, others are executed; lines of shell are
run one after the other. A block after ``<!-- not run: REASON -->`` is left out; tests/test_docs_blocks.py counts these.
"""

from __future__ import annotations

import inspect
import re
import runpy
import shlex
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from commands import run_here
from runs import ROOT, TINY_ENCODER

from mmgaitemo.config import ROLES, load_config
from mmgaitemo.overrides import setting_at

CODE = ("python", "shell", "bash")  # other fences are output, data, or excerpts of files of the project
FENCE = re.compile(r"(?:^<!-- not run: ([^\n]+) -->\n)?^```(\w+)\n(.*?)^```$", re.S | re.M)
TRAINED = ("tools/train.py", "tools/test.py", "tools/analysis/vis_embedding.py")  # they need the same small settings


class Block(NamedTuple):
    """A block of code.

    Attributes:
        language: Of the fence.
        text: The code.
        not_run: Why it is not run; None: it is.
    """

    language: str
    text: str
    not_run: str | None


def blocks_of(page: str) -> list[Block]:
    """The blocks of code of a page, by its path below the repository."""
    found = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [Block(language, text, reason or None) for reason, language, text in found if language in CODE]


def commands_of(block: Block) -> list[list[str]]:
    """The words of each command of a shell block."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def small_settings(config: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Overrides that make a run of a config one of a second."""
    cfg = load_config(config, options)
    small: dict[str, Any] = {"train_cfg.max_epochs": 1, "train_dataloader.batch_size": 8, "default_hooks.report": None}
    if cfg.model.backbone.type == "CFFN":
        small |= TINY_ENCODER
    if "queue" in cfg.model:
        small["model.queue.size"] = 37
    for role in ROLES:
        dataset = setting_at(cfg._cfg_dict, role)
        if dataset and dataset.type == "SyntheticGait":
            small |= {f"{role}.num_persons": 10, f"{role}.takes": 1}
            if dataset.get("label_file"):
                small[f"{role}.label_file"] = None  # it lists the walks of the whole set
    return small


def as_words(options: dict[str, Any]) -> list[str]:
    """Overrides as the command line takes them."""
    return [f"{key}={value}".replace(" ", "") for key, value in options.items()]


class Reader:
    """Follows a page in a folder that has ``configs`` like the repository, and is on ``sys.path``."""

    def __init__(self, page: str, cwd: Path) -> None:
        self.page, self.cwd, self.scope = page, cwd, {}
        (cwd / "configs").symlink_to(ROOT / "configs")

    def follow(self) -> None:
        """Every block that is to be run, in its order."""
        for block in blocks_of(self.page):
            if block.not_run is None:
                self.python(block.text) if block.language == "python" else self.shell(block)

    def python(self, text: str) -> None:
        """Write the file that the block names, or execute it."""
        name = re.match(r"# (\w+\.py)\n", text)
        if name:
            (self.cwd / name[1]).write_text(text, encoding="utf-8")
        else:
            exec(compile(text, self.page, "exec"), self.scope)

    def shell(self, block: Block) -> None:
        """Run every line."""
        for python, *words in commands_of(block):
            assert python == "python", f"{self.page}: {python}"
            if words[:2] == ["-m", "pytest"]:
                self.pytest(words[2])
                continue
            tool, *arguments = words
            config = self.cwd / arguments[0]
            if tool in TRAINED:
                arguments = self.smaller(arguments)
            done = run_here(self.cwd / tool if (self.cwd / tool).is_file() else tool, *arguments, cwd=self.cwd)
            assert done.returncode == 0, f"{self.page}: {' '.join(words)}\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
            if tool == TRAINED[0]:
                self.name_as_whole_run(config, arguments)

    def smaller(self, arguments: list[str]) -> list[str]:
        """The words of a command with small settings before its own."""
        own = arguments.index("--cfg-options") if "--cfg-options" in arguments else len(arguments)
        settings = as_words(small_settings(self.cwd / arguments[0], {}))
        return [*arguments[:own], "--cfg-options", *settings, *arguments[own + 1 :]]

    def name_as_whole_run(self, config: Path, arguments: list[str]) -> None:
        """Give the one epoch's checkpoint the name that the whole schedule leaves: what the page goes on with."""
        named = "--work-dir" in arguments
        folder = self.cwd / (arguments[arguments.index("--work-dir") + 1] if named else f"work_dirs/{config.stem}")
        last = load_config(config).train_cfg.max_epochs
        shutil.copy(folder / "epoch_1.pth", folder / f"epoch_{last}.pth")

    def pytest(self, name: str) -> None:
        """Call the tests of a file; none of them may go unseen."""
        tests = {key: test for key, test in runpy.run_path(str(self.cwd / name)).items() if key.startswith("test_")}
        assert tests, name
        for key, test in tests.items():
            marks = getattr(test, "pytestmark", [])
            cases = [mark.args for mark in marks if mark.name == "parametrize"] or [("", [None])]
            ((argument, values),) = cases
            for value in values:
                given = {argument: value} if argument else {}
                if "tmp_path" in inspect.signature(test).parameters:
                    given["tmp_path"] = self.cwd / f"of_{key}"
                    given["tmp_path"].mkdir()
                test(**given)
