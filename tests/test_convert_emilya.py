"""tools/dataset_converters/emilya.py on a stand-in: synthetic walkers in the folders and under the names of Emilya.

Nobody here has the data set: these tests hold what its papers and published scripts say about it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bvh_files import write, xsens_text
from commands import as_program
from converter_runs import converter, run_converter
from runs import ROOT

from mmgaitemo.archive import GaitArchive
from mmgaitemo.config import load_config
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.skeleton import EGAIT16

LABELS = ("anger", "anxiety", "joy", "neutral", "panic_fear", "pride", "sadness", "shame")
EMOTIONS = dict(zip(("Ag", "Ax", "Jy", "Nt", "PF", "Pr", "Sd", "Sh"), LABELS, strict=True))
FOLDERS = {label: label.replace("_", " ").title() for label in LABELS}
ACTIONS = {"SW": "Simple Walk", "WH": "Walk with smth in the Hands", "MB": "Move Books"}
ACTORS = ("Brian", "Elie")
WALKS = synthetic_walks(1, 1, seed=0)


@pytest.fixture(scope="module")
def convert() -> Callable[..., int]:
    return converter("emilya")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two actors, eight emotions, three actions, each take in two orders of rotations."""
    for code, label in EMOTIONS.items():
        for number, (short, action) in enumerate(ACTIONS.items()):
            for actor in ACTORS:
                place = tmp_path / "Emilya" / "Segments" / "PerAction" / action / FOLDERS[label] / actor
                text = xsens_text(WALKS[number].positions, EGAIT16.joints, "0.00833333")
                write(place / f"{code}1{short}2_{actor}.bvh", text)
                write(place / f"{code}1{short}2_{actor}_zyx.bvh", text)
    return tmp_path / "Emilya"


def folder_of(data: Path, action: str = "Simple Walk") -> Path:
    return data / "Segments" / "PerAction" / action


def test_walks_by_default(convert: Callable, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert(data, tmp_path / "emilya.gait.h5") == 0
    printed = capsys.readouterr().out
    assert "96 files" in printed and "48 takes in another order" in printed and "16 of other actions" in printed
    assert "without the plain file" not in printed
    with GaitArchive(tmp_path / "emilya.gait.h5") as archive:
        assert len(archive) == 2 * 8 * 2 and archive.info.label_names == LABELS
        assert (archive.info.unit, archive.info.up, archive.info.rate) == ("cm", "y", 120)
        assert np.bincount(archive.labels).tolist() == [4] * 8
        assert archive.subjects == archive.groups and {*archive.subjects} == {*ACTORS}
        for index, (name, positions) in enumerate(zip(archive.ids, archive.iterate(), strict=True)):
            action, emotion, actor, file = name.split("/")
            assert FOLDERS[LABELS[archive.labels[index]]] == emotion and archive.subjects[index] == actor
            extra = {key: column[index] for key, column in archive.extra.items()}
            assert extra == {"source_file": f"{name}.bvh", "action": action, "scenario": "1", "take": "2"}
            walk = WALKS[[*ACTIONS.values()].index(action)].positions
            np.testing.assert_allclose(positions, 100 * walk, atol=1e-4)
            assert file.endswith(actor) and not file.endswith("zyx")


def test_the_config_reads_it(convert: Callable, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert convert(data, tmp_path / "emilya.gait.h5") == 0
    monkeypatch.setenv("MMGAITEMO_EMILYA", str(tmp_path))
    dataset = load_config(ROOT / "configs" / "ssal_emilya.py").train_dataloader.dataset
    assert tuple(dataset.classes) == LABELS


def test_other_actions_and_folders_given_directly(convert: Callable, data: Path, tmp_path: Path) -> None:
    options = [tmp_path / "a.gait.h5", "--force", "--actions"]
    assert convert(folder_of(data).parent, *options, "Move Books") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        assert {*archive.extra["action"]} == {"Move Books"} and archive.info.label_names == LABELS
    with pytest.raises(ConfigError, match="Dance"):
        convert(data, *options, "Dance")


@pytest.mark.parametrize(
    "unknown", ["Dance/Joy/Brian/a.bvh", "Lift/Boredom/Brian/a.bvh", "Lift/Joy/a.bvh", "Lift/Joy/Elie/more/a.bvh"]
)
def test_unknown_folders_are_refused_by_name(convert: Callable, data: Path, tmp_path: Path, unknown: str) -> None:
    write(folder_of(data).parent / unknown, "")
    with pytest.raises(DataError, match=unknown.rsplit("/", 1)[0]):
        convert(data, tmp_path / "a.gait.h5")
    assert not (tmp_path / "a.gait.h5").exists()


@pytest.mark.parametrize("name, wrong", [("Sd1SW2", "emotion"), ("Ag1WH2", "action"), ("Ag1SW2_Hu", "actor")])
def test_names_that_contradict_their_folders_are_refused(
    convert: Callable, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture, name: str, wrong: str
) -> None:
    place = folder_of(data) / "Anger" / "Brian"
    (place / "Ag1SW2_Brian.bvh").rename(place / f"{name}{'_Brian' * ('_' not in name)}.bvh")
    assert convert(data, tmp_path / "a.gait.h5") == 1
    printed = capsys.readouterr().out
    assert f"{wrong} in the name" in printed and "31 taken, 1 refused" in printed


def test_other_names_say_nothing_and_are_taken(convert: Callable, data: Path, tmp_path: Path) -> None:
    place = folder_of(data) / "Panic Fear" / "Elie"
    (place / "PF1SW2_Elie.bvh").rename(place / "segment 7.bvh")
    (place / "PF1SW2_Elie_zyx.bvh").rename(place / "pf12SW3_elie.BVH")
    assert convert(data, tmp_path / "a.gait.h5") == 0
    with GaitArchive(tmp_path / "a.gait.h5") as archive:
        index = archive.ids.index("Simple Walk/Panic Fear/Elie/segment 7")
        assert [archive.extra[key][index] for key in ("scenario", "take")] == ["", ""]
        index = archive.ids.index("Simple Walk/Panic Fear/Elie/pf12SW3_elie")
        assert [archive.extra[key][index] for key in ("scenario", "take")] == ["12", "3"]


def test_takes_in_the_other_order_alone_are_told(
    convert: Callable, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (folder_of(data) / "Joy" / "Elie" / "Jy1SW2_Elie.bvh").unlink()
    assert convert(data, tmp_path / "a.gait.h5", "--dry-run") == 0
    assert "1 of them without the plain file beside them" in capsys.readouterr().out


def test_folders_that_are_none(convert: Callable, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "PerAction").mkdir(parents=True)
    for folder, words in (
        (tmp_path / "absent", "no such folder"),
        (tmp_path, "one folder PerAction"),
        (folder_of(data), "one folder PerAction"),
        (tmp_path / "other", "holds no"),
    ):
        with pytest.raises(ConfigError, match=words):
            convert(folder, tmp_path / "a.gait.h5")


def test_the_help_says_that_nobody_had_the_data(tmp_path: Path) -> None:
    result = run_converter("emilya", "--help", cwd=tmp_path, run=as_program)
    assert result.returncode == 0 and "Nobody who worked on it had\nthe data" in result.stdout
