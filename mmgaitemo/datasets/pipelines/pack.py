"""The last step: from a sequence of positions to the network's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmgaitemo.errors import DataError
from mmgaitemo.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackGait(BaseTransform):
    """Add ``inputs``, a contiguous float32 tensor (3, T, V), made of ``positions`` (T, V, 3)."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``inputs``.

        Raises:
            DataError: ``positions`` is not (T, V, 3), or does not fit into finite float32 numbers.
        """
        positions, joints = results["positions"], results["skeleton"].num_joints
        if positions.ndim != 3 or positions.shape[1:] != (joints, 3):
            raise DataError(
                f"sample {results['id']!r}",
                f"PackGait needs positions (T, {joints}, 3), the joints of layout {results['skeleton'].name!r}",
                found=positions.shape,
                remedy="name the layout that the data is in",
            )
        with np.errstate(over="ignore"):  # an overflow is reported below, with the sample's name
            inputs = np.ascontiguousarray(positions.transpose(2, 0, 1), dtype=np.float32)
        if not np.isfinite(inputs).all():
            raise DataError(
                f"sample {results['id']!r}",
                "PackGait finds coordinates that are no finite float32 numbers",
                found=f"{np.count_nonzero(~np.isfinite(inputs))} of {inputs.size} values",
                remedy="repair or leave the sequence out",
            )
        return results | {"inputs": torch.from_numpy(inputs)}
