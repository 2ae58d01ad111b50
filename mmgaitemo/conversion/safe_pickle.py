"""Reading a pickle of plain data without trusting it: nothing that the file names is ever imported or called.

A pickle is a program for a small stack machine (documented in Python's ``pickletools``). This is such a machine without
the dangerous half: it knows the instructions that build dicts, lists, tuples, texts, numbers and NumPy arrays, and puts
arrays together itself, from their type, shape and bytes. Python's own machine, even with a list of admitted names,
would let the file call NumPy's internals with any arguments.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from mmgaitemo.errors import DataError, GaitError

_LARGEST = 1 << 32  # bytes; the largest annotation file of mmaction2 has about three quarters of it
_MOST_STEPS = 1 << 25  # instructions: some 250 for each of 100,000 annotations; an empty dict costs one byte of file
_PROTOCOLS = "write it again with pickle protocol 2 to 5, from dicts, lists, texts, numbers and NumPy arrays"
_NUMBERS = re.compile(r"f[248]|[iu][1248]|b1")
_CONSTANTS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def load_plain(path: Path) -> Any:
    """What a pickle holds.

    Args:
        path: The file, of protocol 2 to 5.

    Returns:
        Dicts (keys are texts or whole numbers), lists, tuples, texts, bytes, numbers, ``None``, and NumPy arrays of
        floats, whole numbers or truth values, which are read-only.

    Raises:
        DataError: There is no such file, it is too large or damaged, or it asks for anything else; the message names
            what. Nothing of it has been run.
    """
    try:
        if not path.is_file():
            raise DataError(str(path), "no such file", remedy="correct the path")
        if path.stat().st_size > _LARGEST:
            raise DataError(str(path), f"is larger than {_LARGEST >> 30} GiB", remedy="cut it into several files")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Machine(str(path)).run(data)
    except GaitError:
        raise
    except Exception as error:  # a broken program fails in every way: stack, memo, types, text, numbers
        found = ascii((str(error).splitlines() or [type(error).__name__])[0])[:200]
        raise DataError(
            str(path), "is no pickle, is truncated or is damaged", found=found, remedy=f"copy it again, or {_PROTOCOLS}"
        ) from None


@dataclass(frozen=True)
class _Name:
    """Something the file refers to; only ever compared."""

    text: str


@dataclass
class _Type:
    """A dtype; a later instruction sets its byte order."""

    value: np.dtype


@dataclass
class _Array:
    """An array before, and in the memo after, its contents arrive."""

    value: np.ndarray | None = None


class _Machine:
    """The stack machine; ``run`` is good for one file."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self, data: mmap.mmap) -> Any:
        """The object that the program leaves."""
        for step, (opcode, value, _) in enumerate(pickletools.genops(cast(IO[bytes], data))):
            if step >= _MOST_STEPS:
                raise self._refusal("holds too many objects", f"{step}", "cut it into several files")
            self._do(opcode.name, value)
        result = self._stack.pop()
        return result.value if isinstance(result, _Array) else result

    def _refusal(self, problem: str, found: str, remedy: str = _PROTOCOLS) -> DataError:
        return DataError(self._where, problem, found=found, remedy=remedy)

    def _do(self, name: str, value: Any) -> None:
        stack = self._stack
        if name in _CONSTANTS:
            if name == "LONG1" and not -(1 << 63) <= value < 1 << 64:
                raise self._refusal("holds a whole number of more than 64 bits", f"{value.bit_length()} bits")
            stack.append(value)
        elif name in _VALUES:
            stack.append(_VALUES[name])
        elif name in _TUPLES:
            self._marks.append(len(stack) - _TUPLES[name])
            stack.append(tuple(self._to_mark()))
        elif name in ("PROTO", "FRAME", "STOP"):
            pass
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(self._to_mark()))
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("APPEND", "APPENDS"):
            items = self._to_mark() if name == "APPENDS" else [stack.pop()]
            self._top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            # Of other keys the hash may take forever: tuples of tuples of ...
            if wrong := [key for key in items[::2] if type(key) not in (str, int)]:
                raise self._refusal("a key is neither text nor whole number", type(wrong[0]).__name__)
            self._top(dict).update(zip(items[::2], items[1::2], strict=True))
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self._memo[len(self._memo) if name == "MEMOIZE" else value] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            found = self._memo[value]
            stack.append(found.value if isinstance(found, _Array) and found.value is not None else found)
        elif name == "GLOBAL":
            self._name(value.replace(" ", ".", 1))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            self._name(f"{module}.{attribute}" if type(module) is type(attribute) is str else "no text")
        elif name == "REDUCE":
            arguments, what = stack.pop(), stack.pop()
            stack.append(_MAKERS[what.text](*arguments))
        elif name == "BUILD":
            self._build(stack.pop())
        else:
            raise self._refusal("needs an instruction that plain data does without", name)

    def _to_mark(self) -> list[Any]:
        start = self._marks.pop()
        if not 0 <= start <= len(self._stack):
            raise ValueError("a mark is not on the stack")
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise ValueError(f"items for something that is no {kind.__name__}")
        return self._stack[-1]

    def _name(self, text: str) -> None:
        if text not in _MAKERS and text != "numpy.ndarray":
            raise self._refusal(
                "asks for code that plain data does without; nothing of the file was run",
                ascii(text)[:200],
                f"do not open it with other programs unless you trust its source; {_PROTOCOLS}",
            )
        self._stack.append(_Name(text))

    def _build(self, state: Any) -> None:
        target = self._stack[-1]
        if isinstance(target, _Type):
            order = state[1]
            if state[2:5] != (None, None, None) or order not in ("<", ">", "=", "|"):
                raise ValueError("the type of an array is not of one number")
            target.value = target.value if order == "|" else target.value.newbyteorder(order)
        elif isinstance(target, _Array) and target.value is None:
            _, shape, dtype, fortran, data = state
            target.value = self._stack[-1] = _filled(data, dtype, shape, "F" if fortran else "C")
        else:
            raise ValueError("a state for something that has none")


def _filled(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(data, (bytes, bytearray)) or not isinstance(dtype, _Type):
        raise ValueError("an array of objects, or without its bytes")
    if type(shape) is not tuple or len(shape) > 8 or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("the shape of an array is none")
    if math.prod(shape) * dtype.value.itemsize != len(data):
        raise ValueError("the shape of an array does not fit its bytes")
    array = np.frombuffer(data, dtype.value) if data else np.empty(0, dtype.value)
    array.flags.writeable = False
    return array.reshape(shape, order="F" if order == "F" else "C")


def _dtype(code: Any, align: Any = False, copy: Any = True) -> _Type:
    if not isinstance(code, str) or not _NUMBERS.fullmatch(code):
        raise ValueError("an array holds other values than numbers")
    return _Type(np.dtype(code))


def _array(kind: Any, shape: Any, code: Any) -> _Array:
    return _Array()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _filled(data, dtype, shape, order)


def _scalar(dtype: Any, data: Any) -> int | float | bool:
    return _filled(data, dtype, (), "C").item()


def _encoded(text: Any, encoding: Any) -> bytes:
    """Protocol 2 has no bytes: they are a text that is to be encoded."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes that are no text of latin1")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


# What stands in for the callables that a pickle of arrays names, in the modules of NumPy 1 and 2, Python 2 and 3.
_MAKERS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _dtype,
    "_codecs.encode": _encoded,
    "builtins.bytes": _no_bytes,
    "__builtin__.bytes": _no_bytes,
    **{
        f"numpy.{core}.{name}": maker
        for core in ("core", "_core")
        for name, maker in (
            ("multiarray._reconstruct", _array),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
}
