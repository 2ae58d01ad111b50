"""Prepared sequences, shared by the data sets of a process.

A run opens the same files many times: for training, test and the kNN bank, and before that to find out whether it can
work at all. The pipeline is deterministic, so its result is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from torch import Tensor

_KEPT = 2  # pre-training on one set and testing on another needs two
_inputs: OrderedDict[Hashable, Tensor] = OrderedDict()


def prepared_inputs(key: Hashable, prepare: Callable[[], Tensor]) -> Tensor:
    """The (N, 3, T, V) inputs of a key, from memory where they were prepared before.

    Args:
        key: Everything that the inputs depend on.
        prepare: Makes them.
    """
    if key not in _inputs:
        _inputs[key] = prepare()
        while len(_inputs) > _KEPT:
            _inputs.popitem(last=False)
    _inputs.move_to_end(key)
    return _inputs[key]
