"""Several streams in one input: their order, the channels of the encoder, and the way from pre-training to a probe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from plain_encoder import PlainEncoder
from runs import ROOT, TINY_ENCODER, tiny_config, train

from mmgaitemo.config import load_config
from mmgaitemo.errors import CheckpointError, ConfigError
from mmgaitemo.evaluation import extract_features
from mmgaitemo.models import GaitClassifier, GaitDataPreprocessor
from mmgaitemo.models.data_preprocessor import check_in_channels
from mmgaitemo.models.encoder_io import read_checkpoint
from mmgaitemo.provenance import ENCODER, check_made_with
from mmgaitemo.registry import DATASETS, MODELS
from mmgaitemo.skeleton import get_skeleton

NINE = {
    "model.data_preprocessor.stream": ("joint", "bone", "motion"),
    "model.backbone.graph.in_channels": 9,
    "model.backbone.image.in_channels": 9,
}
PLUS = ("configs/ssal_plus_egait.py", "configs/ssal_plus_pathogait.py")


def batch(joints: int = 16, frames: int = 7) -> dict:
    return {"inputs": torch.randn(4, 3, frames, joints), "label": torch.arange(4), "id": list("abcd")}


def streams_of(x: np.ndarray, parents: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The streams of (N, 3, T, V) by their definitions, joint by joint and frame by frame."""
    bone, motion = np.zeros_like(x), np.zeros_like(x)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            bone[..., joint] = x[..., joint] - x[..., parent]
    for frame in range(x.shape[2] - 1):
        motion[:, :, frame] = x[:, :, frame + 1] - x[:, :, frame]
    lengths = np.linalg.norm(bone, axis=1, keepdims=True)
    direction = np.divide(bone, lengths, out=np.zeros_like(bone), where=lengths > 0)
    return {"joint": x, "bone": bone, "motion": motion, "direction": direction}


@pytest.mark.parametrize("layout", ["egait16", "kinect25"])
@pytest.mark.parametrize("names", [("joint", "bone", "motion"), ("motion", "joint"), ("bone",), "motion", "direction"])
def test_streams_stand_one_behind_the_other_in_the_order_named(names: tuple[str, ...] | str, layout: str) -> None:
    skeleton = get_skeleton(layout)
    data = batch(skeleton.num_joints)
    inputs = GaitDataPreprocessor(layout, stream=names)(data)["inputs"]
    wanted = streams_of(data["inputs"].numpy(), skeleton.parents)
    listed = [names] if isinstance(names, str) else names
    np.testing.assert_allclose(inputs.numpy(), np.concatenate([wanted[name] for name in listed], axis=1), atol=1e-6)


def test_streams_are_those_of_the_views() -> None:
    views = {"type": "SingleView", "general": {"order": ("yaw",), "yaw": {"type": "RandomYaw", "max_angle": 90.0}}}
    data, drawn = batch(), {}
    for stream in ("joint", ("motion", "bone")):
        preprocessor = GaitDataPreprocessor("egait16", stream=stream, views=views)
        preprocessor.seed(0)
        drawn[stream] = preprocessor(data, training=True)["inputs"].numpy()
    wanted = streams_of(drawn["joint"], get_skeleton("egait16").parents)
    assert not np.allclose(drawn["joint"], data["inputs"])
    np.testing.assert_array_equal(drawn["motion", "bone"], np.concatenate([wanted["motion"], wanted["bone"]], axis=1))


@pytest.mark.parametrize("stream", [(), ("joint", "joint"), ("joint", "speed"), "speed"])
def test_no_stream_one_twice_or_an_unknown_one_is_refused(stream: object) -> None:
    with pytest.raises(ConfigError, match=r"data_preprocessor.stream: no such stream"):
        GaitDataPreprocessor("egait16", stream=stream)


# ---- the encoder's channels


@pytest.mark.parametrize("branch", ["graph", "image"])
def test_a_branch_that_reads_other_channels_is_named_with_both_keys(branch: str, tmp_path: Path) -> None:
    cfg = tiny_config(tmp_path, **NINE | {f"model.backbone.{branch}.in_channels": 3})
    words = rf"model\.backbone\.{branch}\.in_channels: must be 9.*model\.data_preprocessor\.stream.*in_channels 3"
    with pytest.raises(ConfigError, match=words):
        check_in_channels(MODELS.build(cfg.model))


@pytest.mark.parametrize("options", [{}, NINE, {"model.data_preprocessor.stream": "bone"}])
def test_an_encoder_that_reads_what_it_is_given_passes(options: dict, tmp_path: Path) -> None:
    check_in_channels(MODELS.build(tiny_config(tmp_path, **options).model))


def test_a_plain_branch_is_named_too_and_an_encoder_that_does_not_say_passes() -> None:
    def classifier(backbone: dict) -> GaitClassifier:
        head, streams = dict(type="LinearHead", num_classes=4), dict(type="GaitDataPreprocessor", skeleton="egait16")
        return GaitClassifier(backbone, head, data_preprocessor={**streams, "stream": ("joint", "bone")})

    with pytest.raises(ConfigError, match=r"model\.backbone\.in_channels: must be 6"):
        check_in_channels(classifier(dict(type="STGCN", skeleton="egait16", channels=(8,), strides=(1,))))
    check_in_channels(classifier(dict(type=PlainEncoder)))


# ---- from pre-training to a probe


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    """A pre-training of two epochs with three streams, and its checkpoint."""
    folder = tmp_path_factory.mktemp("nine")
    cfg = tiny_config(folder, **NINE)
    train(cfg)
    return cfg, folder / "epoch_2.pth"


def linear(work_dir: Path, **options: object) -> Config:
    few = {"train_dataloader.batch_size": 8, **TINY_ENCODER, **NINE}
    cfg = load_config(ROOT / "configs/downstream/linear_synthgait.py", {**few, **options})
    cfg.work_dir = str(work_dir)
    for dataset in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset):
        dataset.update(num_persons=10, takes=1)
    return cfg


def test_the_encoder_is_probed_and_carried_to_a_classifier(pretrained: tuple[Config, Path], tmp_path: Path) -> None:
    cfg, checkpoint = pretrained
    cfg.load_from, cfg.work_dir = str(checkpoint), str(tmp_path / "test")
    metrics = Runner.from_cfg(cfg).val()
    assert 0 <= metrics["knn/accuracy"] <= 1 and "untrained_accuracy" in metrics
    probe = linear(tmp_path / "probe", **{"model.encoder": str(checkpoint), "train_cfg.max_epochs": 1})
    check_made_with(read_checkpoint(str(checkpoint)), probe, ENCODER, "checkpoint")
    walks = DATASETS.build(probe.val_dataloader.dataset)
    expected = MODELS.build(cfg.model)
    expected.load_state_dict(read_checkpoint(str(checkpoint))["state_dict"])
    torch.testing.assert_close(extract_features(train(probe), walks)[0], extract_features(expected, walks)[0])


@pytest.mark.parametrize("stream", ["joint", ("bone", "joint", "motion")])
def test_an_encoder_is_not_used_with_other_streams_or_another_order(
    stream: object, pretrained: tuple[Config, Path], tmp_path: Path
) -> None:
    probe = linear(tmp_path, **{"model.data_preprocessor.stream": stream})
    with pytest.raises(CheckpointError, match=r"model\.data_preprocessor\.stream differ"):
        check_made_with(read_checkpoint(str(pretrained[1])), probe, ENCODER, "checkpoint")


# ---- the configs


@pytest.mark.parametrize("name", PLUS)
def test_gait_fit_configs_train_on_phases_of_the_walk_and_test_on_its_start(
    name: str, stand_in_env: dict[str, str]
) -> None:
    cfg = load_config(ROOT / name)
    model = MODELS.build(cfg.model)
    check_in_channels(model)
    frames = {
        role: DATASETS.build(d)[0]["inputs"].shape[1]
        for role, d in (
            ("train", cfg.train_dataloader.dataset),
            ("val", cfg.val_dataloader.dataset),
            ("bank", cfg.val_cfg.bank),
        )
    }
    window = frames["val"]
    assert frames == {"train": 2 * window, "val": window, "bank": window}
    assert cfg.default_hooks.get("whitening", {"frames": window})["frames"] == window
    model.data_preprocessor.seed(0)
    views = model.data_preprocessor(batch(frames=2 * window), training=True)["inputs"]
    assert {view: tuple(x.shape) for view, x in views.items()} == dict.fromkeys(
        ("key", "query", "strong"), (4, 6, window, 16)
    )


@pytest.mark.parametrize("name", PLUS)
def test_gait_fit_configs_differ_from_the_default_in_the_knobs_they_name(
    name: str, stand_in_env: dict[str, str]
) -> None:
    def leaves(node: object, path: str = "") -> dict[str, object]:
        if not isinstance(node, dict):
            return {path: node}
        return {k: v for key, value in node.items() for k, v in leaves(value, f"{path}.{key}".strip(".")).items()}

    plus, parent = (leaves(load_config(ROOT / file).to_dict()) for file in (name, name.replace("_plus", "")))
    changed = {key for key in plus.keys() | parent.keys() if plus.get(key) != parent.get(key)}
    general = "model.data_preprocessor.views.general."
    knobs = {key.removeprefix(general).split(".")[0] for key in changed if key.startswith(general)}
    mirrored = {"mirror"} if "pathogait" not in name else set()
    assert knobs == {"order", "window", "crop", "shear", "yaw"} | mirrored
    branch = {"type", "skeleton", "in_channels", "symmetric" if mirrored else "harmonics"}
    hook = {"default_hooks.whitening.type", "default_hooks.whitening.frames"}
    assert {key for key in changed if not key.startswith(general)} == {
        *NINE,
        *(f"model.backbone.statistics.{key}" for key in branch),
        *({"model.backbone.out_channels"} if mirrored else {"model.backbone.whitening.type"} | hook),
        "model.data_preprocessor.views.strong.ssa.jitter.law",
        "train_dataloader.dataset.pipeline.time.length",
    }
