"""Runs: interrupted, accumulated, distributed, broken."""

from __future__ import annotations

from pathlib import Path

import plain_encoder  # noqa: F401  registers what custom_imports names
import pytest
import torch
from commands import run_program
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from runs import ROOT, tiny_config, train

from mmgaitemo.benchmark.machine import using_threads
from mmgaitemo.errors import CheckpointError, ConfigError, TrainingError
from mmgaitemo.evaluation import knn_scores
from mmgaitemo.registry import HOOKS

NO_VIEWS = {
    "model.data_preprocessor.views.general.crop": None,
    "model.data_preprocessor.views.general.shear": None,
}


def without_batchnorm(cfg: Config) -> Config:
    """A contrast whose loss is a mean over samples: no BatchNorm, no batch-wide ratio of the drop, fixed views."""
    cfg.custom_imports = dict(imports=["plain_encoder"])
    cfg.model.backbone = dict(type="PlainEncoder")
    cfg.model.head.norm = False
    cfg.model.drop = None
    cfg.optim_wrapper.optimizer = dict(type="SGD", lr=0.1, momentum=0.9)
    cfg.model.data_preprocessor.views.strong = dict(order=("fixed",), fixed=dict(type="HideLegs"))
    return cfg


def states(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def differences(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> dict[str, float]:
    assert a.keys() == b.keys()
    return {key: float((a[key].double() - b[key].double()).abs().max()) for key in a if a[key].numel()}


DROPOUT, WORKERS = "model.backbone.graph.dropout", "train_dataloader.num_workers"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Runs of two epochs with random views and dropout on two threads, by their number of workers."""
    folders = {workers: tmp_path_factory.mktemp("whole") for workers in (0, 2)}
    with using_threads(2):
        for workers, folder in folders.items():
            train(tiny_config(folder, **{WORKERS: workers, DROPOUT: 0.3}))
    return folders


@pytest.mark.parametrize("workers", [0, 2])
def test_resumed_run_is_bit_identical(tmp_path: Path, whole: dict[int, Path], workers: int) -> None:
    options = {WORKERS: workers, DROPOUT: 0.3}

    cut = tiny_config(tmp_path, **options)
    cut.default_hooks.power_cut = dict(type="PowerCut")
    with using_threads(2):
        with pytest.raises(KeyboardInterrupt):
            train(cut)
        torch.manual_seed(99)  # whatever state the new process starts in
        train(tiny_config(tmp_path, **options, resume=True))
    expected, resumed = (states(folder / "epoch_2.pth") for folder in (whole[workers], tmp_path))
    assert set(differences(expected, resumed).values()) == {0.0}
    assert expected["queue.pointer"] == (2 * 4 * 8) % 37
    assert (expected["queue.samples"] >= 0).all()


def test_workers_do_not_change_a_run(whole: dict[int, Path]) -> None:
    a, b = (states(folder / "epoch_2.pth") for folder in whole.values())
    assert set(differences(a, b).values()) == {0.0}


def test_views_and_weights_move_every_epoch_and_the_seed_matters(tmp_path: Path, whole: dict[int, Path]) -> None:
    train(tiny_config(tmp_path, **{"randomness.seed": 1, DROPOUT: 0.3}))
    first, last = (states(whole[0] / f"epoch_{n}.pth") for n in (1, 2))
    other = states(tmp_path / "epoch_2.pth")
    moved = differences(first, last)
    for part in ("backbone.branches.graph", "key_backbone.branches.graph", "head", "key_head"):
        assert any(value > 0 for key, value in moved.items() if key.startswith(part)), part
    assert moved["queue.keys"] > 0
    assert max(differences(last, other).values()) > 0


def test_accumulated_batches_equal_one_large_batch(tmp_path: Path) -> None:
    for name, batch_size, steps in (("large", 8, 1), ("small", 4, 2)):
        cfg = without_batchnorm(tiny_config(tmp_path / name, **NO_VIEWS))
        cfg.train_dataloader.batch_size = batch_size
        cfg.optim_wrapper.accumulative_counts = steps
        cfg.param_scheduler = None
        cfg.default_hooks.momentum.end_momentum = None
        train(cfg)
    large, small = (states(tmp_path / name / "epoch_2.pth") for name in ("large", "small"))
    assert max(differences(large, small).values()) < 1e-5
    assert large["queue.pointer"] > 0


def contrast_of_one_process(folder: Path) -> Config:
    """The contrast whose loss is a mean over samples, on eight walks a step."""
    return without_batchnorm(tiny_config(folder, **NO_VIEWS))


@pytest.fixture(scope="module")
def distributed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of two processes each: "plain", one of half the batch, and "full", the whole model on random views."""
    folder = tmp_path_factory.mktemp("distributed")
    plain, full = contrast_of_one_process(folder / "plain"), tiny_config(folder / "full")
    plain.train_dataloader.batch_size = 4
    for cfg in (plain, full):
        cfg.launcher = "pytorch"
        cfg.dump(f"{cfg.work_dir}.py")
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = ["python", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    script = ROOT / "tests" / "distributed_run.py"
    result = run_program(*command, script, folder / "plain.py", folder / "full.py", cwd=folder, env=env)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return folder


def queues(run: Path) -> list[dict[str, torch.Tensor]]:
    """What each rank holds at the end."""
    return [torch.load(run / f"rank{rank}.pth", weights_only=True) for rank in (0, 1)]


def test_two_processes_equal_one_with_the_double_batch(distributed: Path, tmp_path: Path) -> None:
    train(contrast_of_one_process(tmp_path / "one"))
    one, two = (states(path / "epoch_2.pth") for path in (tmp_path / "one", distributed / "plain"))
    assert max(differences(one, two).values()) < 1e-5
    ranks = queues(distributed / "plain")
    assert all(torch.equal(ranks[0][key], ranks[1][key]) for key in ranks[0])
    assert ranks[0]["samples"].ge(0).all()


def test_both_ranks_hold_the_same_queue_with_the_full_model_and_random_views(distributed: Path) -> None:
    ranks, stored = queues(distributed / "full"), states(distributed / "full" / "epoch_2.pth")
    assert all(torch.equal(ranks[0][key], ranks[1][key]) for key in ranks[0])
    assert all(torch.equal(stored[f"queue.{key}"], ranks[0][key]) for key in ranks[0])
    assert ranks[0]["pointer"] == (2 * 2 * 16) % 37


@pytest.mark.parametrize("missing", ["momentum", "queue"])
def test_one_contrast_hook_without_the_other_is_an_error(tmp_path: Path, missing: str) -> None:
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.pop(missing)
    with pytest.raises(TrainingError, match=r"works only beside"):
        train(cfg)


def test_no_contrast_hook_at_all_is_an_error(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.pop("momentum")
    cfg.default_hooks.pop("queue")
    with pytest.raises(TrainingError, match="KeyQueueHook"):
        train(cfg)
    assert not list(tmp_path.glob("*.pth"))


def test_missing_seed_hook_is_an_error(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path)
    cfg.default_hooks.pop("seed")
    with pytest.raises(TrainingError, match="SeedHook"):
        train(cfg)


def test_contrast_hooks_on_a_classifier_are_an_error(tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path)
    cfg.model = dict(
        type="GaitClassifier",
        backbone=cfg.model.backbone,
        head=dict(type="LinearHead", num_classes=4),
        data_preprocessor=dict(type="GaitDataPreprocessor", skeleton="egait16"),
    )
    with pytest.raises(ConfigError, match="key encoder"):
        train(cfg)


def test_the_first_non_finite_loss_stops_the_run_and_names_the_samples(tmp_path: Path) -> None:
    @HOOKS.register_module(force=True)
    class Poison(Hook):
        def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
            if batch_idx == 1 and data_batch is not None:
                data_batch["inputs"][0, 0, 3, 2] = float("nan")
                self.names = data_batch["id"]

    cfg = tiny_config(tmp_path)
    cfg.default_hooks.poison = dict(type="Poison")
    with pytest.raises(TrainingError, match=r"epoch 1, iteration 2.*not finite.*person") as caught:
        train(cfg)
    assert str(caught.value).count("person") == 8
    assert not list(tmp_path.glob("*.pth"))


def test_checkpoint_holds_no_pickled_objects_and_foreign_ones_are_refused_whole(
    tmp_path: Path, whole: dict[int, Path]
) -> None:
    checkpoint = torch.load(whole[0] / "epoch_2.pth", weights_only=True)
    del checkpoint["state_dict"]["head.layers.0.weight"]
    checkpoint["state_dict"]["extra.weight"] = torch.zeros(1)
    torch.save(checkpoint, tmp_path / "foreign.pth")
    cfg = tiny_config(tmp_path / "b", load_from=str(tmp_path / "foreign.pth"), resume=True)
    with pytest.raises(CheckpointError, match=r"1 missing: head.layers.0.weight; 1 foreign: extra.weight"):
        train(cfg)


def test_probe_of_a_run_reports_trained_untrained_and_majority(tmp_path: Path) -> None:
    runner = Runner.from_cfg(tiny_config(tmp_path))
    runner.train()
    metrics = runner.val_loop.run()
    assert {"knn/accuracy", "untrained_accuracy", "majority_accuracy"} <= metrics.keys()
    assert metrics["majority_accuracy"] == pytest.approx(0.25)
    assert metrics == runner.val_loop.run()
    for name in ("curves.png", "embedding.png", "ssal_synthgait.py", "last_checkpoint"):
        assert (tmp_path / name).is_file(), name


def test_knn_vote_equals_a_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    bank, queries = torch.randn(30, 5, generator=generator) * 3 + 1, torch.randn(7, 5, generator=generator)
    labels = torch.randint(-1, 3, (30,), generator=generator)
    mine = knn_scores(bank, labels, queries, 3, k=4, temperature=0.2).numpy()
    kept = bank[labels >= 0].numpy()
    standard = lambda v: (v - kept.mean(0)) / kept.std(0)  # noqa: E731
    for row, query in enumerate(queries.numpy()):
        q = standard(query)
        sims = [float(q @ standard(b) / ((q @ q) ** 0.5 * (standard(b) @ standard(b)) ** 0.5)) for b in kept]
        best = sorted(range(len(sims)), key=lambda i: -sims[i])[:4]
        votes = [0.0] * 3
        for i in best:
            votes[int(labels[labels >= 0][i])] += 2.718281828459045 ** (sims[i] / 0.2)
        assert mine[row] == pytest.approx([v / sum(votes) for v in votes], abs=1e-4)


def test_knn_without_labels_is_an_error() -> None:
    with pytest.raises(ConfigError, match="labelled"):
        knn_scores(torch.randn(3, 2), torch.full((3,), -1), torch.randn(2, 2), 4)
