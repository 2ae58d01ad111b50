"""The last step: from a sequence of positions to the network's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmgaitemo.errors import DataError
from mmgaitemo.registry import TRANSFORMS

PACKED = ("inputs", "kinematics")  # what a data set delivers of each walk, the second only where a step computes it


@TRANSFORMS.register_module()
class PackGait(BaseTransform):
    """Add ``inputs``, a contiguous float32 tensor (3, T, V), made of ``positions`` (T, V, 3).

    Where a step before has left ``kinematics`` (D,), they become a float32 tensor too.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``inputs``.

        Raises:
            DataError: ``positions`` is not (T, V, 3), or something does not fit into finite float32 numbers.
        """
        positions, joints = results["positions"], results["skeleton"].num_joints
        if positions.ndim != 3 or positions.shape[1:] != (joints, 3):
            raise DataError(
                f"sample {results['id']!r}",
                f"PackGait needs positions (T, {joints}, 3), the joints of layout {results['skeleton'].name!r}",
                found=positions.shape,
                remedy="name the layout that the data is in",
            )
        packed = {"inputs": _tensor(positions.transpose(2, 0, 1), results["id"], "coordinates")}
        if "kinematics" in results:
            packed["kinematics"] = _tensor(results["kinematics"], results["id"], "kinematics")
        return results | packed


def _tensor(values: np.ndarray, sample: str, what: str) -> torch.Tensor:
    with np.errstate(over="ignore"):  # an overflow is reported below, with the sample's name
        single = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(single).all():
        raise DataError(
            f"sample {sample!r}",
            f"PackGait finds {what} that are no finite float32 numbers",
            found=f"{np.count_nonzero(~np.isfinite(single))} of {single.size} values",
            remedy="repair or leave the sequence out",
        )
    return torch.from_numpy(single)
