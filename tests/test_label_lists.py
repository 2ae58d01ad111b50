"""Committed label fractions: nested, balanced, of these very walks; and folds that leave one person out."""

from __future__ import annotations

import json
import math
import os
import re
import runpy
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import ROOT

from mmgaitemo.config import load_config
from mmgaitemo.datasets import label_lists
from mmgaitemo.datasets.label_lists import check_label_lists, read_label_list
from mmgaitemo.datasets.splits import grouped_folds, nested_fraction
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.registry import DATASETS

COMMITTED = ROOT / "configs/splits/synthgait.json"
SEMI = ROOT / "configs/downstream/semi_synthgait.py"
FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)
DRAWN = "train_dataloader.dataset.label_file"
SMALL = {"train_dataloader.dataset.num_persons": 10, "train_dataloader.dataset.takes": 2}
FEW = [f"{key}={value}" for key, value in SMALL.items()]


def training_walks(fold: int, **options: Any) -> tuple[list[str], list[int]]:
    options = {"fold": fold, DRAWN: None, "train_dataloader.dataset.label_fraction": 1.0, **options}
    described = load_config(SEMI, options)
    built = DATASETS.build(described.train_dataloader.dataset)
    return built.ids, built.labels.tolist()


def tool(*args: str | Path) -> str:
    """Run tools/analysis/label_lists.py in this process; its last words: "" or the error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["label_lists.py", *map(str, args)])
        try:
            runpy.run_path(str(ROOT / "tools/analysis/label_lists.py"), run_name="__main__")
        except SystemExit as end:
            return f"exit {end.code}"
    return ""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A label file of ten walkers, made by the tool."""
    path = tmp_path_factory.mktemp("lists") / "new" / "own.json"
    assert tool(SEMI, "--out", path, "--folds", "1", "3", "--seeds", "0", "7", "--cfg-options", *FEW) == ""
    return path


@pytest.mark.parametrize("fold", [0, 4])
def test_committed_lists_are_nested_and_keep_each_class_its_share(fold: int) -> None:
    """Counted from the file and the data set alone."""
    ids, labels = training_walks(fold)
    content = json.loads(COMMITTED.read_text(encoding="utf-8"))
    by_id = [label for _, label in sorted(zip(ids, labels, strict=True))]
    total = Counter(by_id)
    for seed in range(5):
        lists = [content["lists"][f"fold {fold}, seed {seed}, fraction {fraction}"] for fraction in FRACTIONS]
        assert all(set(small) <= set(large) and len(small) < len(large) for small, large in pairwise(lists))
        for fraction, chosen in zip(FRACTIONS, lists, strict=True):
            kept = Counter(by_id[index] for index in chosen)
            assert len(set(chosen)) == len(chosen)
            assert kept == {label: max(1, math.ceil(round(fraction * n, 6))) for label, n in total.items()}


@pytest.mark.parametrize("name", ["synthgait", "egait_own"])
def test_committed_files_hold_numbers_and_hashes_and_every_combination(name: str) -> None:
    content = json.loads((ROOT / f"configs/splits/{name}.json").read_text(encoding="utf-8"))

    def leaves(node: Any) -> list[Any]:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        return [node] if children is None else [leaf for child in children for leaf in leaves(child)]

    assert all(type(leaf) in (int, float) or re.fullmatch("[0-9a-f]{64}", leaf) for leaf in leaves(content))
    words = {word for part in ("walks", "lists") for key in content[part] for word in re.findall("[a-z]+", key)}
    assert words == {"fold", "seed", "fraction"}
    assert len(content["lists"]) == 5 * 5 * len(FRACTIONS)


def test_committed_lists_are_those_the_data_give() -> None:
    assert tool(SEMI, "--out", COMMITTED, "--check") == ""


def test_committed_lists_of_the_real_data(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.environ.get("MMGAITEMO_DATA", "../shared/data")) / "egait_own"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} (MMGAITEMO_DATA) does not exist")
    committed = ROOT / "configs/splits/egait_own.json"
    monkeypatch.setenv("MMGAITEMO_EGAIT", str(folder))
    assert tool(ROOT / "configs/downstream/semi_egait.py", "--out", committed, "--check") == ""


@pytest.mark.parametrize("fraction", [*FRACTIONS, 1, 1.0])
def test_a_list_read_is_the_draw_itself_whatever_the_order_of_the_walks(own: Path, fraction: float) -> None:
    ids, labels = training_walks(3, **SMALL)
    ids, labels = [*ids, "aa", "zz"], [*labels, -1, -1]  # unlabelled walks cost nothing
    order = np.random.default_rng(0).permutation(len(ids))
    ids, labels = [ids[i] for i in order], [labels[i] for i in order]
    kept = read_label_list(own, 3, 7, fraction, ids, labels)
    assert kept == nested_fraction(ids, labels, fraction, 7)
    assert {ids.index("aa"), ids.index("zz")} <= set(kept)


def renamed(ids: list[str], labels: list[int]) -> tuple[list[str], list[int]]:
    return [f"x{name}" for name in ids], labels


def relabelled(ids: list[str], labels: list[int]) -> tuple[list[str], list[int]]:
    swap = labels.index(0), labels.index(1)  # the counts stay
    return ids, [1 if i == swap[0] else 0 if i == swap[1] else label for i, label in enumerate(labels)]


def fewer(ids: list[str], labels: list[int]) -> tuple[list[str], list[int]]:
    return ids[1:], labels[1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [(renamed, "other walks"), (relabelled, "other labels of the same walks"), (fewer, "other walks")],
)
def test_other_walks_or_labels_are_refused(own: Path, change: Callable, words: str) -> None:
    ids, labels = change(*training_walks(1, **SMALL))
    with pytest.raises(DataError, match=words) as caught:
        read_label_list(own, 1, 0, 0.1, ids, labels)
    assert "tools/analysis/label_lists.py CONFIG --out" in str(caught.value)
    assert "per class" in str(caught.value) and "label_file=None" in str(caught.value)


@pytest.mark.parametrize(
    ("fold", "seed", "fraction", "words"),
    [(2, 0, 0.1, "fold 2"), (1, 3, 0.1, r"seed 3.*\[0, 7\]"), (1, 0, 0.3, r"fraction 0.3.*0.2, 0.5")],
)
def test_a_list_the_file_does_not_have_is_refused(own: Path, fold: int, seed: int, fraction: float, words: str) -> None:
    ids, labels = training_walks(1, **SMALL)
    with pytest.raises(ConfigError, match=words):
        read_label_list(own, fold, seed, fraction, ids, labels)


def forged(content: dict[str, Any], indices: Any) -> str:
    content["lists"]["fold 1, seed 0, fraction 0.1"] = indices
    content.pop("sha256")
    return json.dumps({**content, "sha256": label_lists._sha256(content)})


BROKEN = {
    "one index changed": lambda text: text.replace('0.01": [', '0.01": [0, ', 1),
    "one hash changed": lambda text: re.sub('"ids": "(....)', '"ids": "0000', text, count=1),
    "no JSON": lambda text: text[: len(text) // 2],
    "no text": lambda text: b"\xff\xfe" * 50,
    "deeply nested": lambda text: "[" * 100_000,
    "a list": lambda text: "[1]",
    "another format": lambda text: text.replace('"format": 1', '"format": 2'),
    "index out of range": lambda text: forged(json.loads(text), [0, 10_000]),
    "index twice": lambda text: forged(json.loads(text), [0, 0]),
    "negative index": lambda text: forged(json.loads(text), [-1, 2]),
    "text for a list": lambda text: forged(json.loads(text), "all"),
    "numbers with commas": lambda text: forged(json.loads(text), [0.5, 1.5]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_file_ends_in_a_data_error(case: str, own: Path, tmp_path: Path) -> None:
    ids, labels = training_walks(1, **SMALL)
    path, broken = tmp_path / "broken.json", BROKEN[case](own.read_text(encoding="utf-8"))
    path.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    with pytest.raises(DataError, match=r"broken.json.*Remedy: .*make a list of your own"):
        read_label_list(path, 1, 0, 0.1, ids, labels)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.json: no such file"):
        read_label_list(tmp_path / "nowhere.json", 0, 0, 0.1, ["a"], [0])


def test_check_finds_other_data_and_nothing_is_overwritten(own: Path, tmp_path: Path) -> None:
    before = own.read_bytes()
    assert tool(SEMI, "--out", own, "--check", "--cfg-options", *FEW) == ""
    other = tool(SEMI, "--out", own, "--check", "--cfg-options", *FEW, "train_dataloader.dataset.seed=1")
    assert other.startswith("exit error: ") and "walks: fold 1" in other
    assert "exists already" in tool(SEMI, "--out", own, "--cfg-options", *FEW)
    assert own.read_bytes() == before


def test_check_finds_a_changed_draw(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = DATASETS.build({**load_config(SEMI, SMALL).train_dataloader.dataset, "lazy_init": True})
    check_label_lists(own, dataset)
    monkeypatch.setattr(label_lists, "nested_fraction", lambda *args: nested_fraction(*args)[1:])
    with pytest.raises(DataError, match=r"lists: fold 1, seed 0, fraction 0\.01"):
        check_label_lists(own, dataset)


@pytest.mark.parametrize(
    ("arguments", "words"), [(("--folds", "5"), "use 0 to 4"), (("--seeds", "-1"), "no seed"), (("--folds",), "exit 2")]
)
def test_impossible_folds_and_seeds_write_nothing(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    ended = tool(SEMI, "--out", tmp_path / "x.json", *arguments, "--cfg-options", *FEW)
    assert ended.startswith("exit ") and words in ended
    assert not list(tmp_path.iterdir())


EIGHT = [f"s{person}" for person in range(8) for _ in range(30)]
TYPES = [take % 6 for _ in range(8) for take in range(30)]


@pytest.mark.parametrize("unlabelled", [0, 3, 1])
@pytest.mark.parametrize("num_folds", [2, 4, 5, 8])
def test_persons_of_equal_balance_are_dealt_whole(num_folds: int, unlabelled: int) -> None:
    """Eight persons, six classes; every third walk, none, or every walk without a label."""
    labels = [-1 if unlabelled and i % unlabelled == 0 else label for i, label in enumerate(TYPES)]
    folds = np.array(grouped_folds(labels, EIGHT, num_folds, 0))
    persons = np.array(EIGHT)
    per_fold = [set(persons[folds == fold]) for fold in range(num_folds)]
    assert sum(map(len, per_fold)) == 8
    assert {len(held_out) for held_out in per_fold} <= {8 // num_folds, -(-8 // num_folds)}
    if num_folds == 8:  # leave one person out: who it is does not depend on labels or seed
        assert per_fold == [{f"s{person}"} for person in range(8)]
        assert folds.tolist() == grouped_folds(TYPES, EIGHT, 8, 99)
