"""A motion as a BVH file describes it, and the joint positions that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AXES = "xyz"
_BLOCK = 1024  # frames posed at a time: the orientations of all joints stay in the cache, and memory stays flat


@dataclass(frozen=True)
class BvhMotion:
    """A hierarchy and its channels over time.

    A joint's place in its parent's frame is its OFFSET. Position channels *replace* it, axis by axis, on the root as on
    any other joint; an axis without a channel keeps its part of the OFFSET. (Blender's importer replaces too, but sets
    axes without a channel to zero; a joint with some position channels and not all three is where we differ.) Rotation
    channels turn the joint in the order in which they are listed, each about the axes that the one before has turned:
    ``Zrotation Xrotation Yrotation`` is the matrix Rz Rx Ry. Position and rotation channels may be mixed in any order.
    End sites are joints without channels, named ``<parent>_end``.

    Args:
        names: J joint names, parents before children, in the order of the file.
        parents: Parent of each joint; -1 for the root.
        offsets: (J, 3) OFFSETs, in the file's unit.
        channels: Of each joint, such as ``("xposition", "zrotation")``, lower case, in the order of the file.
        values: (T, C) channel values; angles in degrees, positions in the file's unit.
        rate: Frames per second, 1 / Frame Time.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: np.ndarray
    channels: tuple[tuple[str, ...], ...]
    values: np.ndarray
    rate: float

    def positions(self) -> np.ndarray:
        """(T, J, 3) float64 joint positions in the file's unit and axes, by forward kinematics."""
        result = np.empty((len(self.values), len(self.names), 3))
        for start in range(0, len(self.values), _BLOCK):
            block = slice(start, start + _BLOCK)
            self._pose(self.values[block].T, result[block])
        return result

    def _pose(self, columns: np.ndarray, result: np.ndarray) -> None:
        """Fill ``result`` (T, J, 3) from ``columns`` (C, T)."""
        # Columns of the orientation matrices, (3, 3, T): turned[joint][k] is where the joint's axis k points.
        turned: list[np.ndarray] = []
        first = 0
        for joint, (parent, channels) in enumerate(zip(self.parents, self.channels, strict=True)):
            frames = len(result)
            axes = turned[parent].copy() if parent >= 0 else np.repeat(np.eye(3)[..., None], frames, axis=2)
            place = np.repeat(self.offsets[joint][:, None], frames, axis=1)
            for channel, values in zip(channels, columns[first : first + len(channels)], strict=True):
                axis = AXES.index(channel[0])
                if channel.endswith("position"):
                    place[axis] = values
                else:
                    _turn(axes, axis, np.radians(values))
            first += len(channels)
            if parent >= 0:
                result[:, joint] = result[:, parent] + np.einsum("kit,kt->ti", turned[parent], place)
            else:
                result[:, joint] = place.T
            turned.append(axes)


def _turn(axes: np.ndarray, axis: int, angle: np.ndarray) -> None:
    """Turn ``axes`` (3, 3, T) in place about their own axis by ``angle`` (T,), radians."""
    one, two = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = np.cos(angle), np.sin(angle)
    axes[one], axes[two] = cos * axes[one] + sin * axes[two], cos * axes[two] - sin * axes[one]
