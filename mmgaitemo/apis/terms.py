"""Under which terms the data are that a checkpoint, or the encoder it started from, was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgaitemo.archive import GaitArchive
from mmgaitemo.config import datasets_of
from mmgaitemo.errors import CheckpointError
from mmgaitemo.models.algorithms.gait_classifier import REQUIRED, UNTRAINED
from mmgaitemo.models.encoder_io import read_checkpoint
from mmgaitemo.overrides import setting_at
from mmgaitemo.provenance import read_settings

# The words by which converters and archives mark data whose owners have not agreed to their publication.
MARK = "not to be passed on"
SYNTHETIC = ("synthetic walkers of mmgaitemo", "Apache-2.0")
# Its native files say nothing; whatever is in their format is taken for it.
EGAIT = ("Emotion-Gait (E-Gait), Bhattacharya et al., STEP, AAAI 2020", f"none stated: for research, {MARK}")


@dataclass(frozen=True)
class Source:
    """A set of walks.

    Args:
        data: What it is.
        licence: Its terms; empty where they are not known.
    """

    data: str
    licence: str

    @property
    def marked(self) -> bool:
        """Whether it is marked as not for publication."""
        return MARK in self.licence


def settings_of(checkpoint: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The config inside a checkpoint, as ``read_settings`` gives it; empty where it has none.

    Raises:
        CheckpointError: It cannot be read.
    """
    try:
        return read_settings(checkpoint["meta"].get("cfg", ""))
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise CheckpointError(
            where, "its config cannot be read", found=error, remedy="pass a checkpoint written by tools/train.py"
        ) from None


def sources_of(checkpoint: Mapping[str, Any], where: str, above: tuple[str, ...] = ()) -> list[Source]:
    """Every source of walks that a checkpoint's weights have seen, those of its encoder's pre-training included.

    Args:
        checkpoint: As ``read_checkpoint`` gives it.
        where: Its file.
        above: Files of the checkpoints that started from it.
    """
    settings = settings_of(checkpoint, where)
    if not settings:
        return [Source(f"unknown: {Path(where).name} holds weights alone", "")]
    found = [source for dataset in datasets_of(settings.get("train_dataloader")) for source in _of_dataset(dataset)]
    start = None if settings.get("resume") else settings.get("load_from")
    for path in {setting_at(settings, "model.encoder"), start} - {None, UNTRAINED, REQUIRED}:
        try:
            if path in (where, *above):
                raise CheckpointError(path, "was written over", remedy="keep it")
            found += sources_of(read_checkpoint(path), path, (where, *above))
        except CheckpointError:
            found.append(Source(f"unknown: the pre-training of {Path(path).name}, which is not there any more", ""))
    return list(dict.fromkeys(found))


def _of_dataset(dataset: Mapping[str, Any]) -> list[Source]:
    if dataset["type"] == "SyntheticGait":
        return [Source(*SYNTHETIC)]
    if dataset["type"] != "GaitDataset":
        return [Source(str(dataset["type"]), "")]
    found = []
    for files in filter(None, dataset["files"].values()):
        if "archive" in files:
            with GaitArchive(Path(dataset["data_root"]).expanduser() / files["archive"]) as archive:
                found.append(Source(archive.info.source or archive.path.name, archive.info.licence))
        else:
            found.append(Source(*EGAIT))
    return found
