"""Reading BVH files (Biovision hierarchy), the usual text format of motion capture.

The format was never standardised; the description everybody cites is that of the University of Wisconsin
("Biovision BVH", M. Meredith and S. Maddock, "Motion capture file formats explained", University of Sheffield, 2001,
says the same). Read here is what files in the wild contain: any case of the keywords, any white space and line ends,
braces and values on any line, names with spaces and colons, any channels in any order on any joint, several end sites.
Whatever cannot be read is refused with the line: nothing is guessed.
"""

from __future__ import annotations

import codecs
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmgaitemo.conversion.bvh_motion import AXES, BvhMotion
from mmgaitemo.conversion.bvh_text import LARGEST, LINE_END, BvhText, decoded, number_in
from mmgaitemo.errors import DataError

# Bounds on what a file can cost. Memory follows the size of a file, but joints without channels are free for the file.
_MAX_BYTES = 1 << 28
_MAX_JOINTS = 1000
_MAX_POSITIONS = 40_000_000  # frames x joints: about 1 GB
_MAX_NAME = 256
_SHORTEST, _LONGEST = 1e-4, 10.0  # seconds, Frame Time

_VALUE = re.compile(rb"\S+")
# Written so that no part can match what the next one starts with: time stays linear in the length of the text.
_TIMING = re.compile(rb"\s*frames[\s:]*([^\s:]+)\s*frame\s*time[\s:]*([^\s:]+)", re.IGNORECASE)
_CHANNELS = frozenset(f"{axis}{kind}" for axis in AXES for kind in ("position", "rotation"))


def read_bvh(path: str | Path) -> BvhMotion:
    """Read a BVH file.

    Args:
        path: The file. Bytes that are no UTF-8 are read as Latin-1; only joint names can contain such.

    Returns:
        The motion; every value is finite.

    Raises:
        DataError: There is no such file, or it is no complete BVH file with one root; the message names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(str(path), "no such file", remedy="correct the path")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(
                str(path), "is larger than 256 MB", found=f"{path.stat().st_size} bytes", remedy="cut the recording"
            )
        text = BvhText(path, path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise DataError(str(path), "cannot be read", found=error, remedy="check the file and its rights") from error
    hierarchy = _read_hierarchy(text)
    frames, rate = _read_timing(text)
    joints, channels = len(hierarchy.names), sum(map(len, hierarchy.channels))
    if not channels:
        raise text.error("no joint has a channel, so nothing moves", remedy="export the motion too")
    values = _read_values(text, frames, channels)
    if frames * joints > _MAX_POSITIONS:
        raise DataError(
            str(path),
            f"has more than {_MAX_POSITIONS} joint positions",
            found=f"{frames} frames, {joints} joints",
            remedy="cut the recording",
        )
    return BvhMotion(
        names=tuple(hierarchy.names),
        parents=tuple(hierarchy.parents),
        offsets=np.array(hierarchy.offsets, dtype=np.float64),
        channels=tuple(hierarchy.channels),
        values=values,
        rate=rate,
    )


@dataclass
class _Hierarchy:
    """The joints read so far; an offset is empty until it is read, and so are channels."""

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[tuple[float, ...]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, name: str, parent: int) -> int:
        """Add a joint and give its number."""
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append(())
        self.channels.append(())
        return len(self.names) - 1


def _read_hierarchy(text: BvhText) -> _Hierarchy:
    text.expect("HIERARCHY")
    text.expect("ROOT")
    result = _Hierarchy()
    # The open joints, innermost last, and whether each is an end site: a list, because files may nest deeply.
    is_open = [(result.add(_read_name(text, "the name of the root"), -1), False)]
    while is_open:
        joint, is_end = is_open[-1]
        token = text.take("'}'")
        word = token.lower()
        if word == b"}":
            if not result.offsets[joint]:
                raise text.error(f"joint {result.names[joint]!r} has no OFFSET", remedy="add 'OFFSET x y z' to it")
            is_open.pop()
        elif word == b"offset" and not result.offsets[joint]:
            result.offsets[joint] = tuple(text.number("a number of the OFFSET") for _ in range(3))
        elif word == b"channels" and not is_end and not result.channels[joint]:
            if joint != len(result.names) - 1:
                # The values of a frame come in the order of the CHANNELS lines; programs disagree on it otherwise.
                raise text.error("CHANNELS stands behind a child of the joint", remedy="move it to before the child")
            result.channels[joint] = _read_channels(text)
        elif word in (b"joint", b"end") and not is_end:
            if len(result.names) >= _MAX_JOINTS:
                raise text.error(f"there are more than {_MAX_JOINTS} joints", remedy="export the body's joints alone")
            if word == b"joint":
                name = _read_name(text, "the name of the joint")
            else:
                text.expect("Site")
                _read_name(text, "'{'", optional=True)  # some programs name end sites, each in its own way
                name = _end_name(result, joint)
            is_open.append((result.add(name, joint), word == b"end"))
        else:
            wanted = "OFFSET or '}'" if is_end else "OFFSET, CHANNELS, JOINT, End Site or '}'"
            raise text.error(
                f"{wanted} is expected in {result.names[joint]!r}, OFFSET and CHANNELS once each",
                found=token,
                remedy="correct the hierarchy, or export the file again",
            )
    return result


def _read_name(text: BvhText, wanted: str, *, optional: bool = False) -> str:
    """The words up to the '{', which is taken too; they stand on one line, the '{' may stand on another."""
    words: list[str] = []
    begin = text.place
    while (token := text.take("'{'" if words else wanted)) != b"{":
        begin = begin if words else text.start
        words.append(decoded(token))
        if token == b"}" or text.start - begin > _MAX_NAME or LINE_END.search(text.data, begin, text.start):
            raise text.error("'{' is expected after the name", found=token, remedy="add the missing '{'")
    if not words and not optional:
        raise text.error("a joint has no name", remedy="name it")
    return " ".join(words)


def _end_name(hierarchy: _Hierarchy, parent: int) -> str:
    name = f"{hierarchy.names[parent]}_end"
    siblings = [child for child, up in zip(hierarchy.names, hierarchy.parents, strict=True) if up == parent]
    before = sum(child.startswith(name) for child in siblings)
    return f"{name}{before + 1}" if before else name


def _read_channels(text: BvhText) -> tuple[str, ...]:
    token = text.take("the number of channels")
    if not re.fullmatch(rb"[0-6]", token):
        raise text.error("a joint has 0 to 6 channels", found=token, remedy="write their number after CHANNELS")
    channels: list[str] = []
    for _ in range(int(token)):
        name = text.take("a channel")
        channel = decoded(name).lower()
        if channel not in _CHANNELS or channel in channels:
            raise text.error(
                f"{int(token)} different channels are expected, such as Xposition or Zrotation",
                found=name,
                remedy="correct the CHANNELS line",
            )
        channels.append(channel)
    if decoded(text.peek()).lower() in _CHANNELS:
        raise text.error(f"CHANNELS lists more than the {int(token)} it announces", remedy="correct the number")
    return tuple(channels)


def _read_timing(text: BvhText) -> tuple[int, float]:
    """The number of frames and their rate; the place is then that of the values."""
    if text.peek().lower() == b"root":
        text.take("MOTION")
        raise text.error("there is a second ROOT", remedy="export each person to a file of their own")
    text.expect("MOTION")
    text.start = text.place
    match = _TIMING.match(text.data, text.place)
    if match is None:
        raise text.error(
            "'Frames: <number>' and 'Frame Time: <seconds>' are expected after MOTION",
            found=text.data[text.place : text.place + 60].lstrip(),
            remedy="export or copy the file again",
        )
    text.start, text.place = match.start(1), match.end(2)
    if not re.fullmatch(rb"\d{1,9}", match[1]) or not int(match[1]):
        raise text.error("a number of frames is expected here, 1 or more", found=match[1], remedy="correct it")
    text.start = match.start(2)
    seconds = number_in(match[2])
    if seconds is None or not _SHORTEST <= seconds <= _LONGEST:
        raise text.error(
            "the seconds of a frame are expected here, 0.0001 to 10", found=match[2], remedy="correct them"
        )
    return int(match[1]), 1 / seconds


def _read_values(text: BvhText, frames: int, channels: int) -> np.ndarray:
    """(frames, channels) values, in rows or broken over lines in any way."""
    body = text.data[text.place :]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what NumPy before 2.3 does about something else
            values = np.fromstring(body, sep=" ") if body.strip() else np.zeros(0)
    except (ValueError, DeprecationWarning):
        raise _bad_value(text) from None
    if values.size and not -LARGEST <= values.min() <= values.max() <= LARGEST:  # NaN fails too
        raise _bad_value(text)
    if values.size != frames * channels:
        rows = enumerate(map(bytes.split, LINE_END.split(body)), text.line(text.place))
        odd = next((f"; line {line} has {len(row)} values" for line, row in rows if len(row) not in (0, channels)), "")
        raise text.error(
            f"'Frames:' announces {frames} frames of {channels} values",
            found=f"{values.size} values, {values.size / channels:g} frames{odd}",
            remedy="export or copy the file again, or correct the number of frames",
        )
    return values.reshape(frames, channels)


def _bad_value(text: BvhText) -> DataError:
    """The error at the first value that is no finite number below 1e9."""
    values = _VALUE.finditer(text.data, text.place)
    bad = next((match for match in values if number_in(match.group()) is None), None)
    text.start = text.start if bad is None else bad.start()
    return text.error(
        "a value of the motion is no finite number below 1e9",
        found=None if bad is None else bad.group(),
        remedy="export the file again; a BVH file cannot hold missing values",
    )
