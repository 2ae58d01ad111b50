"""The report that a run leaves: its sections hold what the run knows, and no failure in drawing costs the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from runs import ROOT, tiny_config
from test_run_report import frames
from test_web_page import EVIL, Parts, content, decode

from mmgaitemo.config import load_config
from mmgaitemo.engine import RunReportHook
from mmgaitemo.evaluation import knn_probe
from mmgaitemo.visualization import run_report_sections
from mmgaitemo.visualization.browse_sources import load_walks
from mmgaitemo.visualization.run_report_sections import duration

HEADINGS = ["Run", "Accuracies", "Curves", "Confusion", "Worst mistakes", "Embedding", "Sample views", "Config as used"]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A finished run whose folder and data set have names that look like code."""
    folder = tmp_path_factory.mktemp("run") / "<img src=x onerror=alert(1)>"
    cfg = tiny_config(folder, **{"randomness.seed": 3, "default_hooks.checkpoint.interval": 2})
    for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset, cfg.val_cfg.bank):
        dataset.metainfo = dict(class_note=EVIL[1])
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def report_of(runner: Runner) -> str:
    return (Path(runner.work_dir) / "report.html").read_text(encoding="utf-8")


def log_of(runner: Runner) -> str:
    return next(Path(runner.work_dir).glob("*/*.log")).read_text(encoding="utf-8")


def headings(text: str) -> list[str]:
    """Of the sections, from the contents."""
    return text.partition("<nav")[2].partition("</nav>")[0].split("</a>")[:-1]


def rewritten(runner: Runner) -> str:
    """The report of the same run once more."""
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, RunReportHook))
    (Path(runner.work_dir) / "report.html").unlink()
    hook.after_train(runner)
    return report_of(runner)


def test_a_pretraining_ends_with_all_sections_and_its_names_stay_text(pretrained: Runner) -> None:
    text = report_of(pretrained)
    assert [heading.rpartition(">")[2] for heading in headings(text)] == HEADINGS
    assert "could not be made" not in text and len(text) < 5e6
    parts = Parts(text)
    assert Path(pretrained.work_dir).name in parts.text and len(frames(text)) == 2
    assert not {"script", "onerror"} & {name for tag, known in parts.tags for name in (tag, *known)}
    for frame in frames(text):
        assert len(Parts(frame).scripts) == 2 and EVIL[1] in Parts(frame).text


def test_it_names_data_machine_seed_duration_scores_and_config(pretrained: Runner) -> None:
    text = Parts(report_of(pretrained)).text
    scores = [json.loads(line) for line in next(Path(pretrained.work_dir).glob("*/vis_data/scalars.json")).open()][-1]
    for words in (
        "8 walks of 2 persons or groups",
        "32 walks of 8 persons or groups",
        "2 epochs, 8 steps",
        torch.__version__,
        "SSAL",
    ):
        assert words in text
    for name in ("knn/accuracy", "untrained_accuracy", "majority_accuracy"):
        assert f"{name}{scores[name]:.3f}" in text.replace("\n", "")
    assert "one walk is 12.5 points" in text and pretrained.cfg.pretty_text.strip() in text


def test_the_worst_mistakes_are_those_with_the_largest_excess_of_a_wrong_class(pretrained: Runner) -> None:
    loop = pretrained.val_loop
    labels, ids, scores = knn_probe(pretrained.model, loop.bank, loop.dataset, 4, loop.k, loop.temperature)
    wrong: list[tuple[float, str]] = []
    for label, name, row in zip(labels.tolist(), ids, scores.tolist(), strict=True):
        if max(row) > row[label]:
            wrong.append((row[label] - max(row), name))
    shown = content(frames(report_of(pretrained))[0])["walks"]
    assert [walk["id"] for walk in shown] == [name for _, name in sorted(wrong)] and len(wrong) >= 2
    classes = loop.dataset.metainfo["classes"]
    for walk in shown:
        place = ids.index(walk["id"])
        said, truth = int(scores[place].argmax()), int(labels[place])
        percent = [f"{100 * float(scores[place, c]):.0f} %" for c in (said, truth)]
        assert walk["about"] == f"{classes[truth]}, taken for {classes[said]} ({percent[0]} against {percent[1]})"
        expected = loop.dataset[place]["inputs"].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(np.nan_to_num(decode(walk["views"][0]["positions"], expected.shape)), expected)


def test_the_sample_views_are_those_that_the_dataset_browser_draws_with_the_seed(pretrained: Runner) -> None:
    shown = content(frames(report_of(pretrained))[1])
    ids = [walk["id"] for walk in shown["walks"]]
    (config,) = Path(pretrained.work_dir).glob("*.py")
    expected = load_walks(config, ids=ids, seed=3)
    assert shown["views"] == expected.view_names and len(ids) == 8
    for walk, other in zip(shown["walks"], expected.walks, strict=True):
        for view, (name, positions) in zip(walk["views"], other.views.items(), strict=True):
            found = np.nan_to_num(decode(view["positions"], positions.shape))
            np.testing.assert_allclose(found, positions, atol=1e-6, err_msg=name)


def test_a_section_that_fails_is_named_on_the_page_and_in_the_log_and_the_others_are_there(
    pretrained: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("no <b>ink</b>")

    monkeypatch.setattr(run_report_sections, "draw_embedding", fail)
    text = rewritten(pretrained)
    assert len(headings(text)) == len(HEADINGS) and text.count("could not be made") == 1
    assert "no <b>ink</b>" in Parts(text).text and "<b>ink" not in text
    log = log_of(pretrained)
    assert "ERROR" in log and "the report lacks 'Embedding'" in log and "Traceback" in log


def test_a_report_that_cannot_be_written_is_an_error_in_the_log_and_no_end_of_the_run(
    pretrained: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    (hook,) = (hook for hook in pretrained.hooks if isinstance(hook, RunReportHook))
    monkeypatch.setattr("mmgaitemo.engine.report_hook.write_report", fail)
    hook.after_train(pretrained)
    log = log_of(pretrained)
    assert "ERROR" in log and "the run is complete, but report.html could not be written: OSError('disk full')" in log


def test_the_report_of_a_classifier_is_of_its_own_scores_and_of_an_interrupted_run_says_so(tmp_path: Path) -> None:
    path = ROOT / "configs" / "downstream" / "linear_synthgait.py"
    base = tiny_config(tmp_path / "unused")
    backbone = {"model.backbone": dict(base.model.backbone, _delete_=True), "model.encoder": "untrained"}
    short = {"train_cfg.max_epochs": 2, "train_cfg.val_interval": 2, "default_hooks.checkpoint.interval": 1}
    for resume in (False, True):
        more = {"work_dir": str(tmp_path / "run"), "experiment_name": f"classifier{resume}", "resume": resume}
        cfg = load_config(path, {**backbone, **short, **more, "train_dataloader.batch_size": 8})
        for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset):
            dataset.update(num_persons=10, takes=1)
        if not resume:
            cfg.default_hooks.power_cut = dict(type="PowerCut")
            with pytest.raises(KeyboardInterrupt):
                Runner.from_cfg(cfg).train()
            assert not (tmp_path / "run" / "report.html").exists()
    runner = Runner.from_cfg(cfg)
    runner.train()
    text = report_of(runner)
    assert "from epoch 2 on, where the run was resumed" in text and "Sample views" not in text
    dataset = runner.val_loop.dataloader.dataset
    with torch.no_grad():
        said = runner.model.eval()(dataset.inputs).argmax(1)
    wrong = {name for name, guess, label in zip(dataset.ids, said, dataset.labels, strict=True) if guess != label}
    shown = [content(frame)["walks"] for frame in frames(text)]
    assert {walk["id"] for walks in shown for walk in walks} == wrong and wrong


def test_a_run_that_is_killed_while_its_report_is_drawn_gets_it_by_resuming_whatever_its_log_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_report_sections, "draw_embedding", kill)
        with pytest.raises(KeyboardInterrupt):
            Runner.from_cfg(tiny_config(tmp_path / "run")).train()
    assert not (tmp_path / "run" / "report.html").exists()
    (log,) = (tmp_path / "run").glob("*/vis_data/scalars.json")
    torn = b'{"loss": 1.0, "step"\n12\n[]\n\0\0\n\xff\n{"loss": 1.0}\n{"loss": null, "step": 1, "lr": 0}\n'
    log.write_bytes(log.read_bytes() + torn)
    runner = Runner.from_cfg(tiny_config(tmp_path / "run", resume=True))
    runner.train()
    text = report_of(runner)
    assert "the run was complete before" in text and "on, where the run was resumed" not in text
    assert [heading.rpartition(">")[2] for heading in headings(text)] == HEADINGS and "could not be made" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.54, "4.5 s"), (59.96, "60.0 s"), (61, "1 min 1 s"), (3599.7, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert duration(seconds) == text
