"""What is refused: files that are no published models, data that may not be published, files that would run code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run_here
from conftest import PATHOGAIT, write_archive
from published_parts import rewritten, tiny_classifier

from mmgaitemo.apis.publish import Statement, publish
from mmgaitemo.apis.published import demonstration, load_published
from mmgaitemo.apis.terms import EGAIT, SYNTHETIC, Source, sources_of
from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import CheckpointError, ConfigError, DataError

RAN = "ran.txt"


class Bomb:
    def __reduce__(self) -> tuple:
        return Path(RAN).write_text, ("boom",)


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_no_file() -> None:
    with pytest.raises(DataError, match="no such model file"):
        load_published("nowhere.pth")


def test_pickled_code_is_not_run() -> None:
    Path("bomb.pth").write_bytes(pickle.dumps(Bomb()))
    torch.save({"format": "mmgaitemo model", "state_dict": Bomb()}, "zipped.pth")
    for name in ("bomb.pth", "zipped.pth"):
        with pytest.raises(DataError, match=rf"{name}: .*pickled objects.*Remedy"):
            load_published(name)
    assert not Path(RAN).exists()


@pytest.mark.parametrize("length", [0, 1, 1000, 300_000, -1])
def test_truncated_file(length: int) -> None:
    whole = demonstration().read_bytes()
    Path("cut.pth").write_bytes(whole[:length])
    with pytest.raises(DataError, match=r"cut\.pth"):
        load_published("cut.pth")


def test_changed_byte_under_the_name_of_the_whole_file() -> None:
    content = bytearray(demonstration().read_bytes())
    content[len(content) // 2] ^= 1
    Path(demonstration().name).write_bytes(content)
    with pytest.raises(DataError, match="not the one that its name says"):
        load_published(demonstration().name)


def test_training_checkpoint_is_sent_to_the_publisher() -> None:
    torch.save({"state_dict": {}, "optimizer": {}, "meta": {}}, "epoch_1.pth")
    with pytest.raises(DataError, match=r"training checkpoint.*publish_model\.py epoch_1\.pth"):
        load_published("epoch_1.pth")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format_version": 2}, "another version"),
        ({"meta": {}}, "meta has no"),
        ({"novelty": {}}, "does not fit together"),
        ({"state_dict": {}}, "does not fit together"),
        ({"neighbours": {"ids": []}}, "does not fit together"),
    ],
)
def test_file_that_is_not_whole(entries: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_published(rewritten(demonstration(), tmp_path, **entries))


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        *(("meta", {"classes": classes}) for classes in (["one"], "abcd", [1, 2, 3, 4], ["same"] * 4)),
        *(("meta", {"rate": rate}) for rate in (0.0, float("nan"), 1e9, "30")),
        *(("meta", {"frames": frames}) for frames in (0, 1, -3, float("nan"))),
        *(("meta", {"skeleton": skeleton}) for skeleton in ("nowhere", "kinect25", [])),
        ("meta", {"name": torch.zeros(2)}),
        *(("calibration", {"temperature": value}) for value in (0.0, -1.0, float("nan"), "1", None)),
        *(("novelty", {"threshold": value}) for value in (0.0, float("nan"), float("inf"))),
        ("novelty", {"encoder": {"means": torch.zeros(1, 5), "whitening": torch.eye(5)}}),
        ("novelty", {"movement": {"means": torch.full((1, 3), float("nan")), "whitening": torch.eye(3)}}),
        ("novelty", {"movement": {"means": torch.zeros(1, 5), "whitening": torch.eye(5)}}),
    ],
)
def test_facts_that_cannot_be(entry: str, change: dict[str, Any], tmp_path: Path) -> None:
    stored = torch.load(demonstration(), weights_only=True)[entry]
    with pytest.raises(DataError, match=r"does not fit together.*Found: .+Remedy"):
        load_published(rewritten(demonstration(), tmp_path, **{entry: stored | change}))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "pathlib.Path.touch", "self": RAN},
        {"type": "GaitClassifier", "head": {"type": "os.system", "command": f"touch {RAN}"}},
        {"type": "GaitClassifier", "_scope_": "antigravity"},
    ],
)
def test_config_that_names_code_is_not_built(change: dict[str, Any], tmp_path: Path) -> None:
    config = torch.load(demonstration(), weights_only=True)["config"]
    for key in ("model", "pipeline"):
        spoilt = config | {key: config[key] | (change if key == "model" else {"time": change})}
        with pytest.raises(DataError, match="not known here"):
            load_published(rewritten(demonstration(), tmp_path, config=spoilt))
    assert not Path(RAN).exists()


def test_encoder_without_a_classifier(tmp_path: Path) -> None:
    config = "model = dict(type='SSAL', head=dict(type='ProjectionHead'))\n" + "".join(
        f"{split}_dataloader = dict(dataset=dict(type='SyntheticGait', split='{split}'))\n"
        for split in ("train", "val")
    )
    torch.save({"state_dict": {}, "meta": {"cfg": config}}, "ssal.pth")
    with pytest.raises(CheckpointError, match="without a classifier"):
        publish("ssal.pth", tmp_path, Statement())


def test_weights_alone_cannot_be_published(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, "weights.pth")
    with pytest.raises(CheckpointError, match="no config of a classifier"):
        publish("weights.pth", tmp_path, Statement())


@pytest.fixture(scope="module")
def patho(stand_ins: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier on an archive that says nothing of its terms; as many persons as folds."""
    work_dir = tmp_path_factory.mktemp("patho")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stand_ins.items():
            patch.setenv(name, value)
        return tiny_classifier("linear_pathogait.py", work_dir)


def test_data_without_terms_need_a_statement(patho: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not say under which terms"):
        publish(patho, tmp_path, Statement())
    published = load_published(publish(patho, tmp_path, Statement(licence="CC0-1.0")))
    assert published.meta["licence"] == "CC0-1.0" and published.meta["publishable"]
    assert published.meta["rate"] == 30 and published.meta["classes"] == list(PATHOGAIT)
    assert published.calibration["ece_after"] is None, "one person is held out: nothing tells of others"
    assert published.meta["metrics"]["abstained"]["held_out"] is None
    assert "one person: unknown" in published.summary()


def test_marked_data_are_refused_and_the_file_says_so_if_told(
    stand_in_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    checkpoint = tiny_classifier("linear_egait.py", tmp_path_factory.mktemp("egait"))
    with pytest.raises(DataError, match="not to be passed on"):
        publish(checkpoint, tmp_path, Statement(rate=30, licence="CC0-1.0"))
    with pytest.raises(ConfigError, match="one known frame rate"):
        publish(checkpoint, tmp_path, Statement(allow_unpublishable=True))
    assert not list(tmp_path.iterdir())
    done = run_here(
        *("tools/deploy/publish_model.py", checkpoint, "--out", tmp_path, "--rate", 30, "--allow-unpublishable"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "KEEP THIS FILE TO YOURSELF" in done.stdout
    meta = load_published(next(tmp_path.glob("*.pth"))).meta
    assert not meta["publishable"]
    assert (meta["rate"], meta["frames"]) == (30.0, 48), "24 frames, every other one"


def test_terms_are_those_of_the_pre_training_too() -> None:
    egait = "dict(type='GaitDataset', split='train', data_root='.', files=dict(own=dict(features='f', labels='l')))"
    synthetic = "dict(type='SyntheticGait', split='train')"
    torch.save({"state_dict": {}, "meta": {"cfg": f"train_dataloader = dict(dataset={egait})"}}, "encoder.pth")

    def probe(encoder: str) -> dict[str, Any]:
        text = f"model = dict(encoder={encoder!r})\ntrain_dataloader = dict(dataset={synthetic})"
        return {"meta": {"cfg": text}}

    assert sources_of(probe("encoder.pth"), "probe.pth") == [Source(*SYNTHETIC), Source(*EGAIT)]
    assert sources_of(probe("untrained"), "probe.pth") == [Source(*SYNTHETIC)]
    torch.save({"state_dict": {}, **probe("over.pth")}, "over.pth")
    _, over = sources_of(probe("over.pth"), "probe.pth")
    assert not over.licence, "written over by what started from it: what it was is not known"
    _, unknown = sources_of(probe("gone.pth"), "probe.pth")
    assert not unknown.licence and "gone.pth" in unknown.data


def test_terms_of_an_archive_are_those_it_states(tmp_path: Path) -> None:
    info = ArchiveInfo("egait16", "m", "y", 30.0, ("a", "b"), "our lab", "none stated: not to be passed on")
    with ArchiveWriter(tmp_path / "lab.gait.h5", info) as archive:
        archive.append(synthetic_walks(1, 1, seed=0)[0].positions, id="one")
    write_archive(tmp_path / "silent.gait.h5", ("a", "b"))
    files = "dict(a=dict(archive='lab.gait.h5'), b=dict(archive='silent.gait.h5', pretrain_only=True), c=None)"
    dataset = f"dict(type='GaitDataset', split='train', data_root={str(tmp_path)!r}, files={files})"
    marked, silent = sources_of({"meta": {"cfg": f"train_dataloader = dict(dataset={dataset})"}}, "x.pth")
    assert marked.data == "our lab" and marked.marked
    assert silent.data == "silent.gait.h5" and not silent.licence


def test_tools_refuse_at_once(tmp_path: Path) -> None:
    done = run_here("tools/deploy/publish_model.py", "x.pth", "--out", ".", "--imports", "no_such_module", cwd=tmp_path)
    assert done.returncode == 1 and "error: --imports: no_such_module" in done.stderr
    (tmp_path / "file").write_text("")
    done = run_here("tools/deploy/make_demo.py", "--out", "file", cwd=tmp_path)
    assert done.returncode == 1 and "error: file: is no folder" in done.stderr, "it does not train first"
