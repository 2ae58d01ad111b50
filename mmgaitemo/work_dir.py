"""One folder, one run: whether a new run may write here, where an interrupted one goes on, and who is at it now."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

from mmgaitemo.errors import CheckpointError, ConfigError

AUTO = "auto"


def checkpoints_in(work_dir: Path) -> list[Path]:
    """Checkpoints of a run, the oldest first."""
    return sorted(work_dir.glob("epoch_*.pth"), key=lambda path: path.stat().st_mtime)


def starting_point(work_dir: Path, resume: str | None, overwrite: bool) -> str | None:
    """Decide where a run starts.

    Args:
        work_dir: Where it writes.
        resume: The checkpoint to go on from; ``AUTO`` for the last one in the work_dir; None for a new run.
        overwrite: Whether it may write over another run.

    Returns:
        The checkpoint to go on from, or None.

    Raises:
        ConfigError: The work_dir holds another run.
        CheckpointError: The work_dir holds none that could go on.
    """
    noted, found = work_dir / "last_checkpoint", checkpoints_in(work_dir)
    held = noted.is_file() or bool(found)
    if resume == AUTO:
        if not held:
            raise CheckpointError(str(work_dir), "holds no run to resume", remedy="start without --resume")
        last = Path(noted.read_text(encoding="utf-8").strip() if noted.is_file() else "")
        # By its name in the work_dir: MMEngine notes an absolute path, and folders move.
        for path in (work_dir / last.name, last):
            if path.is_file():
                return str(path)
        raise CheckpointError(
            str(noted),
            "does not name a checkpoint that exists",
            found=f"{str(last)!r}; in the folder: {[path.name for path in found]}",
            remedy=f"name the checkpoint: --resume {found[-1]}" if found else "start anew with --overwrite",
        )
    if held and not overwrite and (resume is None or Path(resume).resolve().parent != work_dir.resolve()):
        raise ConfigError(
            str(work_dir),
            "already holds the checkpoints of a run" if resume is None else "holds another run than this checkpoint's",
            found=resume,
            remedy="pass --work-dir with another folder, --resume to go on with that run, or --overwrite",
        )
    return resume


@contextmanager
def only_run_in(work_dir: Path, shared: bool = True) -> Iterator[None]:
    """Make the work_dir and keep other runs out of it while the block lasts; the lock ends with the process.

    Args:
        work_dir: The folder.
        shared: Of a distributed run the first process alone holds the lock, for all of them.

    Raises:
        ConfigError: Another process trains in it.
    """
    if shared and int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", 0))) > 0:
        yield
        return
    work_dir.mkdir(parents=True, exist_ok=True)
    with (work_dir / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(
                str(work_dir),
                "another run is writing to it",
                found=file.read().strip(),
                remedy="wait for it, or pass --work-dir with another folder",
            ) from None
        except OSError as error:  # some network file systems
            print_log(
                f"{work_dir} cannot be locked ({error}); let no other run write to it", "current", logging.WARNING
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
