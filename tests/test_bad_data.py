"""Bad input: every message names the place, what was found there and what to do, and comes before any result."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mmgaitemo.datasets import GaitDataset, SyntheticGait
from mmgaitemo.errors import CheckpointError, ConfigError, DataError, GaitError, TrainingError

PIPELINE = dict(order=("length", "pack"), length=dict(type="TileCyclic", length=48), pack=dict(type="PackGait"))
FILES = dict(own=dict(features="features.h5", labels="labels.h5"))
COLUMNS = ["key", "label", "acted", "source", "group", "fold"]


class Recordings:
    """A sound pair of files and its fold file in memory, to be spoilt and written: 10 persons with 4 gaits."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        self.folder = folder
        keys = [f"p{person}_{label}.csv" for person in range(10) for label in range(4)]
        self.features: dict[str, Any] = {key: rng.normal(size=(30, 48)) for key in keys}
        self.labels: dict[str, Any] = {key: int(key[3]) for key in keys}
        self.header = list(COLUMNS)
        self.folds = {key: [key, key[3], "", "toy", key[:2], str(int(key[1]) % 5)] for key in keys}

    def write(self) -> None:
        for name, content in (("features.h5", self.features), ("labels.h5", self.labels)):
            with h5py.File(self.folder / name, "w") as file:
                for key, value in content.items():
                    file[key] = value
        with (self.folder / "folds.csv").open("w", newline="") as file:
            csv.writer(file).writerows([self.header, *self.folds.values()])

    def build(self, **changes: Any) -> GaitDataset:
        return GaitDataset(**(dict(data_root=str(self.folder), files=FILES, pipeline=PIPELINE) | changes))


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path)


def check(error: type[GaitError], words: list[str], build: Callable[[], Any]) -> None:
    with pytest.raises(error) as caught:
        build()
    message = str(caught.value)
    assert "Remedy: " in message
    for word in words:
        assert word in message, message
    assert caught.value.__cause__ is None  # one message, not a chain of tracebacks
    assert len(message) < 1200


def test_sound_files_are_accepted(recordings: Recordings):
    recordings.write()
    assert len(recordings.build(split="all")) == 40


# ---- the files themselves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["features.h5", "labels.h5"])
def test_missing_file_says_how_to_get_the_data_and_how_to_run_without(recordings: Recordings, name: str):
    recordings.write()
    (recordings.folder / name).unlink()
    words = [
        str(recordings.folder / name),
        "no such file",
        "Emotion-Gait (E-Gait)",
        "from its authors",
        "features.h5 and labels.h5",
        "MMGAITEMO_EGAIT",
        "python tools/train.py configs/ssal_synthgait.py",
    ]
    check(DataError, words, recordings.build)


def test_missing_folder_and_another_data_set_have_their_own_remedy(recordings: Recordings):
    recordings.folder = recordings.folder / "nowhere"
    check(DataError, [str(recordings.folder / "features.h5"), "no such file"], recordings.build)
    words = ["ask the owner of Emilya", "ssal_synthgait"]
    check(DataError, words, lambda: recordings.build(how_to_get="ask the owner of Emilya"))


@pytest.mark.parametrize("name", ["features.h5", "labels.h5", "folds.csv"])
def test_folder_instead_of_a_file(recordings: Recordings, name: str):
    recordings.write()
    (recordings.folder / name).unlink()
    (recordings.folder / name).mkdir()
    check(DataError, [str(recordings.folder / name), "this is a folder"], recordings.build)


@pytest.mark.parametrize("name", ["features.h5", "labels.h5"])
@pytest.mark.parametrize(
    "spoil", [lambda b: b[: len(b) // 2], lambda b: b"key,label\n", lambda b: b"", lambda b: b[:100]]
)
def test_truncated_or_foreign_file(recordings: Recordings, name: str, spoil: Callable[[bytes], bytes]):
    recordings.write()
    path = recordings.folder / name
    path.write_bytes(spoil(path.read_bytes()))
    check(DataError, [str(path), "not HDF5, is truncated or is damaged", "copy it again"], recordings.build)


@pytest.mark.parametrize("name", ["features", "labels"])
def test_file_without_a_gait(recordings: Recordings, name: str):
    setattr(recordings, name, {})
    recordings.write()
    check(DataError, [f"{name}.h5", "holds no gait"], recordings.build)


# ---- their content ----------------------------------------------------------------------------------------------


def _pop(name: str, *keys: str) -> Callable[[Recordings], None]:
    def spoil(recordings: Recordings) -> None:
        for key in keys:
            getattr(recordings, name).pop(key)

    return spoil


def _put(name: str, key: str, value: Any) -> Callable[[Recordings], None]:
    return lambda recordings: getattr(recordings, name).__setitem__(key, value)


def _nan(key: str, frame: int, column: int, value: float) -> Callable[[Recordings], None]:
    return lambda recordings: recordings.features[key].__setitem__((frame, column), value)


KEY = "p3_2.csv"
MANY = [f"p9_{label}.csv" for label in range(4)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            _pop("labels", *MANY),
            ["labels.h5", "features.h5", "only in features.h5: 'p9_0.csv', 'p9_1.csv', 'p9_2.csv' and 1 more"],
        ),
        (_pop("features", KEY), ["labels.h5", f"only in labels.h5: {KEY!r}", "belong together"]),
        (
            lambda r: (r.labels.pop(KEY), r.features.pop(MANY[0])),
            [f"only in features.h5: {KEY!r}; only in labels.h5: 'p9_0.csv'"],
        ),
        (_put("features", KEY, np.zeros((30, 75))), [KEY, "75 columns", "48 columns", "egait16", "16 joints"]),
        (_put("features", KEY, np.zeros((30, 49))), [KEY, "49 columns"]),
        (_put("features", KEY, np.zeros(48)), [KEY, "table of numbers", "(48,)"]),
        (_put("features", KEY, np.zeros((30, 16, 3))), [KEY, "(30, 16, 3)"]),
        (_put("features", KEY, 1.0), [KEY, "table of numbers", "shape ()"]),
        (_put("features", KEY, "walk"), [KEY, "table of numbers"]),
        (_put("features", KEY, np.zeros((30, 48), complex)), [KEY, "complex128"]),
        (_put("features", f"{KEY}/deeper", np.zeros((30, 48))), []),
        (_put("features", "folder/gait.csv", np.zeros((30, 48))), ["'folder'", "a group"]),
        (_put("features", b"p3_\xff.csv", np.zeros((30, 48))), ["features.h5", "not UTF-8", r"b'p3_\xff.csv'"]),
        (_put("features", KEY, np.zeros((0, 48))), [KEY, "empty", "0 frame(s)", "remove the key"]),
        (_put("features", KEY, np.zeros((1, 48))), [KEY, "one frame", "1 frame(s)", "remove the key"]),
        (_nan(KEY, 7, 3 * 11 + 2, np.nan), [KEY, "nan at frame 7, joint 'left_knee'", "1 such", "interpolate"]),
        (_nan(KEY, 0, 0, np.inf), [KEY, "inf at frame 0, joint 'root'"]),
        (_nan(KEY, 29, 47, -np.inf), [KEY, "-inf at frame 29, joint 'right_foot'"]),
        (_nan(KEY, 29, 47, 1e200), [f"sample {KEY!r}", "PackGait", "float32"]),
        (_put("labels", KEY, 4), ["labels.h5", KEY, "outside the 4 classes 0 to 3", "'sad'", "Found: 4"]),
        (_put("labels", KEY, -1), ["labels.h5", KEY, "outside", "Found: -1"]),
        (_put("labels", KEY, 1.5), ["labels.h5", KEY, "one whole number", "Found: 1.5"]),
        (_put("labels", KEY, np.nan), ["labels.h5", KEY, "one whole number", "nan"]),
        (_put("labels", KEY, np.inf), ["labels.h5", KEY, "one whole number", "inf"]),
        (_put("labels", KEY, "sad"), ["labels.h5", KEY, "one whole number", "sad"]),
        (_put("labels", KEY, True), ["labels.h5", KEY, "one whole number"]),
        (_put("labels", KEY, [1, 2]), ["labels.h5", KEY, "one whole number", "[1 2]"]),
    ],
)
def test_content_that_is_no_gait_or_no_label(recordings: Recordings, spoil: Callable, words: list[str]):
    spoil(recordings)
    if f"{KEY}/deeper" in recordings.features:  # a group where a gait should be
        recordings.features.pop(KEY)
        words = [KEY, "a group"]
    recordings.write()
    check(DataError, words, lambda: recordings.build(split="all"))


def test_everything_is_checked_whatever_the_split(recordings: Recordings):
    recordings.features[KEY][5, 5] = np.nan  # person 3 is in fold 3
    recordings.write()
    for split in ("train", "test"):
        check(DataError, [KEY, "frame 5"], lambda split=split: recordings.build(split=split, fold=0))


def test_frame_step_that_leaves_one_frame(recordings: Recordings):
    recordings.write()
    files = dict(own=FILES["own"] | dict(frame_step=30))
    words = ["p0_0.csv", "30 frame(s) in the file, 1 kept with frame_step=30", "smaller frame_step"]
    check(DataError, words, lambda: recordings.build(files=files))


def test_two_sources_with_the_same_keys(recordings: Recordings):
    recordings.write()
    words = ["features.h5", "p0_0.csv", "'again' and 'own'", "rename"]
    check(DataError, words, lambda: recordings.build(files=dict(FILES, again=FILES["own"])))


# ---- folds ------------------------------------------------------------------------------------------------------


def _cell(key: str, column: str, value: str) -> Callable[[Recordings], None]:
    return lambda recordings: recordings.folds[key].__setitem__(COLUMNS.index(column), value)


def _drop_column(column: str) -> Callable[[Recordings], None]:
    def spoil(recordings: Recordings) -> None:
        for row in (recordings.header, *recordings.folds.values()):
            row.pop(COLUMNS.index(column))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_pop("folds", *MANY), ["in the data only: 'p9_0.csv', 'p9_1.csv', 'p9_2.csv' and 1 more", "fold_file=None"]),
        (_put("folds", "x", ["x.csv", "0", "", "", "x", "0"]), ["in the fold file only: 'x.csv'"]),
        (_put("folds", "x", [KEY, "2", "", "", "p3", "3"]), ["line 42", "occurs twice", KEY]),
        (_drop_column("fold"), ["column(s) fold missing", "columns key, label, acted, source, group"]),
        (_drop_column("group"), ["column(s) group missing"]),
        (lambda r: (r.header.clear(), r.folds.clear()), ["key, label, group, fold missing", "no header line"]),
        (_cell(KEY, "fold", "4"), [KEY, "person 'p3' is in two folds", "folds 3 and 4", "the same fold"]),
        (_cell(KEY, "fold", "three"), [KEY, "column fold needs a whole number", "'three'"]),
        (_cell(KEY, "fold", ""), [KEY, "column fold needs a whole number"]),
        (_cell(KEY, "group", ""), [KEY, "the group is empty"]),
        (_cell(KEY, "label", "0"), [KEY, "disagree", "label 0 here, 2 there"]),
        (_cell(KEY, "label", "sad"), [KEY, "column label needs a whole number", "'sad'"]),
        (lambda r: r.folds[KEY].pop(), ["line 16", "6 cells"]),
        (lambda r: r.folds[KEY].append("1"), ["line 16", "6 cells"]),
        (
            lambda r: [row.__setitem__(5, "0") for key, row in r.folds.items() if row[5] == "4"],
            ["num_folds=5 needs the folds 0 to 4", "folds [0, 1, 2, 3]"],
        ),
    ],
)
def test_fold_file_that_does_not_fit(recordings: Recordings, spoil: Callable, words: list[str]):
    spoil(recordings)
    recordings.write()
    check(DataError, ["folds.csv", *words], recordings.build)


def test_missing_fold_file_offers_a_split_without(recordings: Recordings):
    recordings.write()
    (recordings.folder / "folds.csv").unlink()
    check(DataError, [str(recordings.folder / "folds.csv"), "no such file", "fold_file=None"], recordings.build)
    assert len(recordings.build(fold_file=None)) == 32


@pytest.mark.parametrize("content", [b"\xff\xfe\x00key", b'key,label,group,fold\n"open,1,a,0\n', b"\x89HDF\r\n\x1a\n"])
def test_fold_file_that_is_no_table(recordings: Recordings, content: bytes):
    recordings.write()
    (recordings.folder / "folds.csv").write_bytes(content)
    check(DataError, ["folds.csv"], recordings.build)


def test_class_that_nobody_in_the_training_folds_shows(recordings: Recordings):
    recordings.write()
    words = ["without fold 0", "no training sequence", "proud (id 4)", "only those that the data have"]
    check(DataError, words, lambda: recordings.build(classes=("a", "b", "c", "d", "proud")))
    assert len(recordings.build(classes=("a", "b", "c", "d", "proud"), split="test")) == 8


# ---- arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(split="val"), ["GaitDataset.split", "'val'", "'train', 'test', 'all'"]),
        (dict(fold=5), ["GaitDataset.fold", "no such fold", "Found: 5", "0 to 4"]),
        (dict(fold=-1), ["GaitDataset.fold", "no such fold"]),
        (dict(fold="0"), ["GaitDataset.fold", "no such fold", "'0'"]),
        (dict(num_folds=1), ["GaitDataset.num_folds", "at least two"]),
        (dict(num_folds=41, fold_file=None), ["num_folds", "41 folds, 40 persons"]),
        (dict(num_folds=11, fold_file=None, person_pattern="^(p.)"), ["num_folds", "11 folds, 10 persons"]),
        (dict(split_seed=-3, fold_file=None), ["split_seed", "-3"]),
        (dict(label_fraction=0), ["GaitDataset.label_fraction", "(0, 1]", "Found: 0"]),
        (dict(label_fraction=1.01), ["GaitDataset.label_fraction", "1.01"]),
        (dict(label_fraction=float("nan")), ["GaitDataset.label_fraction", "nan"]),
        (dict(label_fraction="10%"), ["GaitDataset.label_fraction", "10%"]),
        (dict(label_fraction=0.1, split="test"), ["GaitDataset.label_fraction", "training split only", "'test'"]),
        (dict(label_seed=-1), ["GaitDataset.label_seed", "-1"]),
        (dict(skeleton="egait21"), ["skeleton", "'egait21'", "egait16"]),
        (dict(classes=("sad", "sad")), ["GaitDataset.classes", "different names"]),
        (dict(classes=()), ["GaitDataset.classes"]),
        (dict(classes=(1, 2)), ["GaitDataset.classes"]),
        (dict(files={}), ["GaitDataset.files", "no named source"]),
        (dict(files=dict(own=None)), ["GaitDataset.files", "no named source"]),
        (dict(files=[FILES["own"]]), ["GaitDataset.files", "no named source"]),
        (dict(files=dict(own=dict(features="f.h5"))), ["GaitDataset.files.own", "labels"]),
        (dict(files=dict(own=dict(FILES["own"], step=5))), ["GaitDataset.files.own", "step"]),
        (dict(files=dict(own=dict(FILES["own"], frame_step=0))), ["GaitDataset.files.own.frame_step", "Found: 0"]),
        (dict(files=dict(own=dict(FILES["own"], frame_step="5"))), ["GaitDataset.files.own.frame_step", "'5'"]),
        (dict(person_pattern="^(p.)"), ["GaitDataset.person_pattern", "fold_file=None"]),
        (dict(person_pattern="(p", fold_file=None), ["GaitDataset.person_pattern", "no regular expression", "'(p'"]),
        (dict(person_pattern="p.", fold_file=None), ["GaitDataset.person_pattern", "one capture group"]),
        (dict(person_pattern="(q.)", fold_file=None), ["GaitDataset.person_pattern", "matches no key", "p0_0.csv"]),
        (dict(pipeline=dict(PIPELINE, pack=None)), ["GaitDataset.pipeline", "no inputs", "PackGait"]),
        (dict(pipeline=dict(order=())), ["GaitDataset.pipeline", "no inputs"]),
        (dict(pipeline=dict(PIPELINE, length=dict(type="Tile"))), ["pipeline.length", "'Tile'"]),
    ],
)
def test_impossible_argument(recordings: Recordings, changes: dict[str, Any], words: list[str]):
    recordings.write()
    check(ConfigError, words, lambda: recordings.build(**changes))


def test_lengths_that_differ_cannot_be_stacked(recordings: Recordings):
    recordings.features[KEY] = recordings.features[KEY][:29]
    recordings.write()
    words = ["GaitDataset.pipeline", "(3, 30, 16) of 'p0_0.csv'", f"(3, 29, 16) of {KEY!r}", "TileCyclic or Resample"]
    check(ConfigError, words, lambda: recordings.build(split="all", pipeline=dict(PIPELINE, length=None)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (dict(num_folds=7), ["num_folds", "7 folds, 6 persons"]),
        (dict(fold=5), ["SyntheticGait.fold", "Found: 5"]),
        (dict(split="everything"), ["SyntheticGait.split", "'everything'"]),
        (dict(takes=0), ["takes", "0"]),
        (dict(seed=-1), ["seed", "-1"]),
    ],
)
def test_impossible_argument_of_the_walkers(changes: dict[str, Any], words: list[str]):
    check(ConfigError, words, lambda: SyntheticGait(**(dict(num_persons=6, takes=1, pipeline=PIPELINE) | changes)))


@pytest.mark.parametrize("kind", [DataError, ConfigError, CheckpointError, TrainingError])
def test_an_error_of_a_worker_process_arrives_in_its_own_words(kind: type[GaitError]) -> None:
    error = kind("a.h5", "is damaged", found=3, remedy="copy it again")
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is kind
    assert str(arrived) == str(error) == "a.h5: is damaged. Found: 3. Remedy: copy it again."
