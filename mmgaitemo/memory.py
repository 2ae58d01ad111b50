"""The C library's memory, as long as a process trains."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what is freed instead of handing it back to the system.

    A training step frees and takes the same large blocks over and over. By default each goes back to the system, which
    clears every page of it when it comes again: up to a quarter of a step on a CPU. The process stays as large as it
    once was. On other C libraries nothing is changed.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)
