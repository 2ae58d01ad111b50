"""BVH files that are none: refused with the line and in plain words, at little cost, whatever the damage."""

from __future__ import annotations

import os
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bvh_files import TREE, VALUES, Joint, bvh_text, write

from mmgaitemo.conversion.bvh import read_bvh
from mmgaitemo.conversion.bvh_motion import BvhMotion
from mmgaitemo.errors import DataError

TEXT = bvh_text(TREE, VALUES)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], BvhMotion]:
    return lambda text: read_bvh(write(tmp_path / "a.bvh", text))


REFUSED: dict[str, tuple[Callable[[str], str], list[str]]] = {
    "nothing": (lambda text: "", ["line 1", "HIERARCHY"]),
    "another kind of file": (lambda text: "<html>" + text, ["line 1", "HIERARCHY", "<html>HIERARCHY"]),
    "two roots": (lambda text: text.replace("MOTION", "ROOT B\n{\n}\nMOTION"), ["line 21", "second ROOT"]),
    "no OFFSET": (lambda text: text.replace("OFFSET 0.0 10.0 0.0\n", ""), ["line 13", "'Spine'", "no OFFSET"]),
    "two OFFSETs": (lambda text: text.replace("OFFSET 0.0 10", "OFFSET 1 2 3 OFFSET 0 10"), ["line 8", "once"]),
    "short OFFSET": (lambda text: text.replace("OFFSET 0.0 10.0 0.0", "OFFSET 0 10"), ["line 9", "'CHANNELS'"]),
    "OFFSET that is no number": (lambda text: text.replace("10.0", "1O.0"), ["line 8", "'1O.0'"]),
    "infinite OFFSET": (lambda text: text.replace("10.0", "1e999"), ["line 8", "'1e999'"]),
    "unknown channel": (lambda text: text.replace("1 Xrotation", "1 Xscale"), ["line 18", "'Xscale'"]),
    "channel twice": (lambda text: text.replace("3 Zrotation X", "3 Xrotation X"), ["line 9", "different"]),
    "fewer channels than announced": (lambda text: text.replace("CHANNELS 1", "CHANNELS 2"), ["line 19", "'}'"]),
    "more channels than announced": (lambda text: text.replace("CHANNELS 3", "CHANNELS 2"), ["line 9", "more than"]),
    "absurd number of channels": (lambda text: text.replace("CHANNELS 1", "CHANNELS 99"), ["line 18", "'99'"]),
    "CHANNELS behind a child": (
        lambda text: text.replace("\t\tCHANNELS 3 Zrotation Xrotation Yrotation\n", "").replace(
            "\t}\n\tJOINT Leg", "\tCHANNELS 3 Zrotation Xrotation Yrotation\n\t}\n\tJOINT Leg"
        ),
        ["line 13", "child"],
    ),
    "CHANNELS of an end site": (lambda text: text.replace("5.0 1.0", "5 1 CHANNELS 0"), ["line 12", "OFFSET or '}'"]),
    "JOINT in an end site": (lambda text: text.replace("5.0 1.0", "5 1 JOINT a {"), ["line 12", "OFFSET or '}'"]),
    "name without end": (lambda text: text.replace("Spine", "Spine " * 100), ["line 6", "'{' is expected"]),
    "old line ends": (lambda text: text.replace("Spine\n", "\n").replace("\n", "\r"), ["line 7", "no name"]),
    "no brace": (lambda text: text.replace("JOINT Spine\n\t{", "JOINT Spine"), ["line 7", "'{' is expected"]),
    "no name": (lambda text: text.replace("JOINT Spine", "JOINT"), ["line 7", "no name"]),
    "brace too many": (lambda text: text.replace("MOTION", "}\nMOTION"), ["line 21", "'MOTION'"]),
    "end of the file in the hierarchy": (lambda text: text[: text.index("\tJOINT Leg")], ["line 15", "ends"]),
    "end of the file after it": (lambda text: text[: text.index("MOTION")], ["line 21", "ends"]),
    "no Frames": (lambda text: text.replace("Frames: 3\n", ""), ["line 21", "Frames"]),
    "no frame": (lambda text: text.replace("Frames: 3", "Frames: 0"), ["line 22", "'0'"]),
    "frames that are no number": (lambda text: text.replace("Frames: 3", "Frames: 3.5"), ["line 22", "'3.5'"]),
    "Frame Time 0": (lambda text: text.replace("0.0333333", "0"), ["line 23", "seconds", "'0'"]),
    "negative Frame Time": (lambda text: text.replace("0.0333333", "-0.03"), ["line 23", "'-0.03'"]),
    "Frame Time with a comma": (lambda text: text.replace("0.0333333", "0,0333"), ["line 23", "'0,0333'"]),
    "frames missing": (lambda text: text.replace("Frames: 3", "Frames: 4"), ["4 frames of 10", "30 values, 3 frames"]),
    "frames too many": (lambda text: text.replace("Frames: 3", "Frames: 2"), ["2 frames of 10", "30 values, 3 frames"]),
    "absurd number of frames": (lambda text: text.replace("Frames: 3", "Frames: 999999999"), ["999999999", "3 frames"]),
    "value missing": (lambda text: text.rstrip().rsplit(" ", 1)[0], ["29 values", "line 26 has 9"]),
    "value that is no number": (lambda text: text.rstrip() + "x", ["line 26", "x'"]),
    "two values run together": (lambda text: text.rstrip() + ".5", ["line 26", ".5'"]),
    "NaN": (lambda text: text.rstrip().rsplit(" ", 1)[0] + " nan", ["line 26", "'nan'", "missing"]),
    "infinity": (lambda text: text.rstrip().rsplit(" ", 1)[0] + " -inf", ["line 26", "'-inf'"]),
    "absurd value": (lambda text: text.rstrip().rsplit(" ", 1)[0] + " 1e10", ["line 26", "'1e10'"]),
    "NUL": (lambda text: text.rstrip() + "\0", ["line 26"]),
    "no values": (lambda text: text[: text.index("24.653")], ["0 values"]),
    "no channels": (lambda text: re.sub(r"CHANNELS.*", "", text), ["channel"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_and_how(read: Callable, case: str) -> None:
    spoil, words = REFUSED[case]
    with pytest.raises(DataError) as error:
        read(spoil(TEXT))
    message = str(error.value)
    assert "a.bvh" in message and "Remedy" in message
    assert all(word in message for word in words), message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.bvh")  # opening it would wait for ever
    for path in (tmp_path, tmp_path / "absent.bvh", tmp_path / "pipe.bvh"):
        with pytest.raises(DataError, match="no such file"):
            read_bvh(path)


def test_deep_nesting_costs_no_recursion(read: Callable) -> None:
    chain = [Joint(f"j{n}", n - 1, (0, 1, 0), ("Zrotation",)) for n in range(1000)]
    np.testing.assert_allclose(read(bvh_text(chain, np.zeros((1, 1000)))).positions()[0, -1], (0, 1000, 0))
    with pytest.raises(DataError, match="more than 1000 joints"):
        read("HIERARCHY ROOT a {" + "JOINT a {" * 1_000_000)


def test_small_files_cannot_cost_much(read: Callable) -> None:
    """A file of 160 kB with 80,000 frames of 1,000 joints, of which one moves: 2 GB of positions."""
    chain = [Joint(f"j{n}", min(n, 1) - 1, (0, 1, 0), () if n else ("Zrotation",)) for n in range(1000)]
    text = bvh_text(chain, np.zeros((1, 1))).replace("Frames: 1", "Frames: 80000").replace("\n0.0\n", "\n0" * 80_000)
    tracemalloc.start()
    with pytest.raises(DataError, match="80000 frames, 1000 joints"):
        read(text)
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()


@pytest.mark.parametrize("text", ["HIERARCHY" + " " * 3_000_000, "x" * 3_000_000, "{" * 3_000_000])
def test_no_text_takes_long(read: Callable, text: str) -> None:
    start = time.perf_counter()
    for whole in (text, TEXT.replace("Spine", text), TEXT.replace("Frames: 3", f"Frames{text}"), TEXT + text):
        with pytest.raises(DataError):
            read(whole + "x")
    assert time.perf_counter() - start < 5


def test_any_damage_is_refused_or_still_a_motion(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    fragments = ["{", "}", "JOINT", "OFFSET 1 2 3", "CHANNELS 3", "nan", "-", "\0", "\n", "End Site", "1e400", "\xff"]
    refused = 0
    for _ in range(300):
        text = TEXT
        for _ in range(rng.integers(1, 4)):
            start, stop = sorted(rng.integers(0, len(text) + 1, 2))
            choice = rng.integers(4)
            if choice == 0:
                text = text[:start] + text[min(stop, start + 9) :]
            elif choice == 1:
                text = text[:start] + str(rng.choice(fragments)) + text[start:]
            elif choice == 2:
                text = text[:start] + text[start:stop] + text[start:]
            else:
                text = text[:start] + chr(rng.integers(256)) + text[start + 1 :]
        try:
            positions = read_bvh(write(tmp_path / "a.bvh", text.encode("latin-1"))).positions()
        except DataError:
            refused += 1
        else:
            assert np.isfinite(positions).all()
    assert 150 < refused < 300  # both happens
