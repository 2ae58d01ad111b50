"""The graph of a skeleton, as ST-GCN partitions it."""

from __future__ import annotations

import numpy as np

from mmgaitemo.skeleton import Skeleton


def spatial_partition(skeleton: Skeleton) -> np.ndarray:
    """(3, V, V) float32 adjacency A, used as out[w] = sum_v in[v] A[k, v, w].

    k = 0: the joint itself; 1: neighbours not nearer to the root than it (they send towards the root); 2: neighbours
    nearer to the root. The three add up to the column-normalised neighbourhood A D^-1. This is the "spatial
    configuration" of the ST-GCN paper (Yan et al., AAAI 2018). Its public code, and all that took it over, cuts hop
    distances at 1: joints farther than that from the centre are then equally far, and bones between two of them lie
    in subset 1 both ways.
    """
    hops = skeleton.hops()
    depth = hops[skeleton.root]
    near = (hops <= 1).astype(np.float32)
    normalised = near / near.sum(axis=0, keepdims=True)
    neighbour, nearer = hops == 1, depth[:, None] < depth[None, :]
    return np.stack([normalised * (hops == 0), normalised * (neighbour & ~nearer), normalised * (neighbour & nearer)])
