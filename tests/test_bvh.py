"""BVH: what is read is what the file says, however it is written, as other programs pose it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pybvh
import pytest
from bvh_files import POSITIONS, TREE, VALUES, Joint, bvh_text, random_motion, usual_motion, write
from pybvh.spatial_coord import frames_to_node_positions
from scipy.spatial.transform import Rotation

from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.bvh_motion import BvhMotion

REAL = Path(os.environ.get("MMGAITEMO_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "bandai_namco"
TEXT = bvh_text(TREE, VALUES)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], BvhMotion]:
    return lambda text: read_bvh(write(tmp_path / "a.bvh", text))


def posed_by_scipy(joints: list[Joint], values: np.ndarray) -> np.ndarray:
    """(T, J, 3): every joint a 4 x 4 matrix, every frame for itself."""
    result = np.zeros((len(values), len(joints), 3))
    for frame, row in enumerate(values):
        left, places = list(row), []
        for joint in joints:
            local, angles, order = np.eye(4), [], ""
            local[:3, 3] = joint.offset
            for channel in joint.channels or ():
                if channel in POSITIONS:
                    local[POSITIONS.index(channel), 3] = left.pop(0)
                else:
                    order, angles = order + channel[0], [*angles, left.pop(0)]
            if order:  # capitals: about the axes that turn along
                local[:3, :3] = Rotation.from_euler(order, np.array(angles), degrees=True).as_matrix().reshape(3, 3)
            places.append(places[joint.parent] @ local if joint.parent >= 0 else local)
        result[frame] = [place[:3, 3] for place in places]
    return result


def posed_by_pybvh(path: Path) -> np.ndarray:
    return frames_to_node_positions(pybvh.read_bvh_file(path, world_up="+y"))


@pytest.mark.parametrize("seed", range(20))
def test_any_channels_in_any_order_on_any_joint(read: Callable, seed: int) -> None:
    joints, values = random_motion(np.random.default_rng(seed))
    motion = read(bvh_text(joints, values))
    assert motion.parents == tuple(joint.parent for joint in joints)
    np.testing.assert_array_equal(motion.offsets, [joint.offset for joint in joints])
    np.testing.assert_allclose(motion.positions(), posed_by_scipy(joints, values), atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_the_usual_files_as_another_library_poses_them(tmp_path: Path, seed: int) -> None:
    path = write(tmp_path / "a.bvh", bvh_text(*usual_motion(np.random.default_rng(seed))))
    np.testing.assert_allclose(read_bvh(path).positions(), posed_by_pybvh(path), atol=1e-9)


def test_position_channels_replace_the_offset_axis_by_axis(read: Callable) -> None:
    joints = [Joint("A", -1, (1, 2, 3), ("Yposition",)), Joint("B", 0, (4, 5, 6), ("Zposition", "Xposition"))]
    motion = read(bvh_text([*joints, Joint("", 1, (7, 8, 9), None)], np.array([[10.0, 20.0, 30.0]])))
    assert motion.positions()[0].tolist() == [[1, 10, 3], [31, 15, 23], [38, 23, 32]]


def test_positions_do_not_depend_on_the_frames_beside_them(read: Callable) -> None:
    joints, values = random_motion(np.random.default_rng(5), frames=2500)  # more than are posed at a time
    motion = read(bvh_text(joints, values))
    some = [0, 1023, 1024, 2047, 2048, 2499]
    np.testing.assert_allclose(motion.positions()[some], posed_by_scipy(joints, values[some]), atol=1e-10)


def test_joints_without_channels_and_without_ends(read: Callable) -> None:
    motion = read(bvh_text([*TREE[:3], Joint("Leg", 0, (3, -9, 0), ())], VALUES[:, :9]))
    assert motion.channels[2:] == ((), ()) and motion.positions().shape == (3, 4, 3)
    zero = read(TEXT.replace("CHANNELS 1 Xrotation", "CHANNELS 0").replace(_values(TEXT), _rows(VALUES[:, :9])))
    np.testing.assert_array_equal(zero.positions(), motion.positions())


def test_names(read: Callable) -> None:
    text = TEXT.replace("JOINT Spine", "JOINT mixamorig:Spine  (lower)").replace("JOINT Leg", "JOINT Jambe é")
    assert read(text).names == ("Hips", "mixamorig:Spine (lower)", "mixamorig:Spine (lower)_end", "Jambe é")
    assert read(text.encode("latin-1")).names[3] == "Jambe é"
    end = "End Site\n\t\t{\n\t\t\tOFFSET 0.0 5.0 1.0\n\t\t}\n"
    assert end in TEXT
    assert read(TEXT.replace(end, end + end.replace("Site", "Site nub"))).names[2:4] == ("Spine_end", "Spine_end2")


def _values(text: str) -> str:
    return text.split("Frame Time: 0.0333333\n")[1]


def _rows(values: np.ndarray) -> str:
    return "\n".join(" ".join(map(repr, row)) for row in values.tolist()) + "\n"


SPELLINGS = {
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "old line ends": lambda text: text.replace("\n", "\r"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "lower case": str.lower,
    "upper case": str.upper,
    "spaces for tabs": lambda text: text.replace("\t", "   "),
    "brace on the line of the name": lambda text: re.sub(r"\s*\n\s*\{", " {", text),
    "brace next to the name": lambda text: re.sub(r"\s*\n\s*\{", "{", text),
    "hierarchy on one line per word": lambda text: re.sub(r"(OFFSET|CHANNELS|ROOT|JOINT|position) ", r"\1\n", text),
    "everything on one line": lambda text: text.replace("\n", " "),
    "one value a line": lambda text: text.replace(_values(text), _values(text).replace(" ", "\n")),
    "all values on one line": lambda text: text.replace(_values(text), _values(text).replace("\n", " ")),
    "blank lines": lambda text: "\n\n" + text.replace("\n", "\n \t\n") + "\n\n\n",
    "no line end at the end": str.rstrip,
    "spaces at the line ends": lambda text: text.replace("\n", "  \t\n"),
    "odd colons": lambda text: text.replace("Frames: ", "Frames :\t").replace("Frame Time: ", "Frame  Time:"),
    "no room after colons": lambda text: text.replace("Frames: ", "Frames:"),
    "numbers with exponents": lambda text: text.replace("Frame Time: 0.0333333", "Frame Time: +3.33333E-02"),
    "numbers without a zero": lambda text: text.replace("0.0333333", ".0333333"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_file_are_one_motion(read: Callable, spelling: str) -> None:
    plain, odd = read(TEXT), read(SPELLINGS[spelling](TEXT))
    np.testing.assert_array_equal(odd.positions(), plain.positions())
    assert [name.lower() for name in odd.names] == [name.lower() for name in plain.names]
    assert (odd.rate, odd.parents, odd.channels) == (plain.rate, plain.parents, plain.channels)
    assert plain.rate == pytest.approx(30, rel=1e-5)


def real_files() -> list[Path]:
    files = sorted((REAL / "data").glob("*.bvh"))
    if not files:
        pytest.skip("the Bandai-Namco files are not here: set MMGAITEMO_DATA to the folder that contains bandai_namco")
    return files


def as_usual_file(text: str) -> str:
    """A Bandai-Namco file for readers that know position channels on the root alone.

    joint_Root never moves, and below Hips the position channels keep one value, to which OFFSET is set.
    """
    head, tail = text.split("MOTION")
    names = re.findall(r"(?:ROOT|JOINT) (\S+)", head)
    values = np.array(tail.split("\n", 3)[3].split(), dtype=float).reshape(-1, len(names), 6)
    assert not values[:, 0].any() and np.ptp(values[:, 2:, :3], axis=0).max() < 1e-5
    head = head[head.index("JOINT Hips") :].replace("JOINT", "ROOT", 1)
    places = iter(values[0, 1:, :3])
    head = re.sub(r"OFFSET .*", lambda old: "OFFSET " + " ".join(map(str, next(places, np.zeros(3)))), _unended(head))
    head = head.replace("CHANNELS 6 Xposition Yposition Zposition", "CHANNELS 3").replace(
        "CHANNELS 3", "CHANNELS 6 Xposition Yposition Zposition", 1
    )
    rows = np.concatenate([values[:, 1], values[:, 2:, 3:].reshape(len(values), -1)], axis=1)
    return f"HIERARCHY\n{head}MOTION\nFrames: {len(rows)}\nFrame Time: 0.0333333\n{_rows(rows)}"


def _unended(head: str) -> str:
    """Without end sites (they have no extent) and the brace of joint_Root."""
    assert set(re.findall(r"End Site\s*\{\s*OFFSET (.*?)\s*\}", head)) == {"0.0 0.0 0.0"}
    return re.sub(r"End Site\s*\{[^}]*\}", "", head).rstrip().removesuffix("}")


def test_real_files_as_another_library_poses_them(tmp_path: Path) -> None:
    for file in real_files():
        motion = read_bvh(file)
        joints = [joint for joint, name in enumerate(motion.names) if not name.endswith("_end")][1:]
        path = write(tmp_path / file.name, as_usual_file(file.read_text()))
        np.testing.assert_allclose(motion.positions()[:, joints], posed_by_pybvh(path), atol=1e-4)


def test_bones_of_real_files_keep_their_length() -> None:
    files = real_files()
    assert len(files) == 35
    for file in files:
        motion = read_bvh(file)
        positions = motion.positions()
        assert motion.rate == pytest.approx(30, rel=1e-5) and positions.shape[1] == len(motion.names) == 22 + 5
        bones = [joint for joint, parent in enumerate(motion.parents) if parent > 0]  # Hips travels below joint_Root
        lengths = np.linalg.norm(positions[:, bones] - positions[:, [motion.parents[joint] for joint in bones]], axis=2)
        assert np.ptp(lengths, axis=0).max() < 1e-8
        height = positions[:, :, 1].mean(axis=0)
        head, ankle = (height[motion.names.index(name)] for name in ("Head", "Foot_L"))
        assert 120 < head < 145 and 8 < ankle < 25, "centimetres above the floor"


def test_mixed_rotations_and_positions(read: Callable) -> None:
    """Positions are where the joint is before its own rotation, wherever they stand in the list."""
    row = [90.0, 1.0, 2.0, 3.0]
    for order in ((0, 1, 2, 3), (1, 0, 2, 3), (1, 2, 3, 0)):
        channels = [("Zrotation", *POSITIONS)[place] for place in order]
        joints = [Joint("A", -1, (0, 0, 0), channels), Joint("", 0, (1, 0, 0), None)]
        positions = read(bvh_text(joints, np.array([[row[place] for place in order]]))).positions()
        np.testing.assert_allclose(positions[0], [[1, 2, 3], [1, 3, 3]], atol=1e-12)
