"""What the command-line tools share."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmgaitemo.compat import prepare_distributed
from mmgaitemo.config import load_config
from mmgaitemo.errors import ConfigError, GaitError
from mmgaitemo.overrides import Overrides


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Config, work_dir, launcher and overrides."""
    parser.add_argument("config", help="config file, e.g. configs/ssal_synthgait.py")
    parser.add_argument("--work-dir", help="where to write; default work_dirs/<name of the config>")
    parser.add_argument("--launcher", choices=("none", "pytorch", "slurm"), default="none", help="job launcher")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=Overrides,
        help="overrides, e.g. fold=1 train_cfg.max_epochs=10 optim_wrapper.optimizer.lr=0.01",
    )


def load_complete(path: str, options: dict[str, Any] | None, *needs: str) -> Config:
    """The config, if it describes a model, its training data and these top-level keys.

    Raises:
        ConfigError: It does not.
    """
    cfg = load_config(path, options)
    if missing := [key for key in ("model", "train_dataloader", *needs) if not cfg.get(key)]:
        raise ConfigError(path, "is no complete config", found=f"no {missing}", remedy="inherit from one in configs/")
    return cfg


def config_from(args: argparse.Namespace, *needs: str) -> Config:
    """The config that the common arguments describe; one without these top-level keys too is refused."""
    cfg = load_complete(args.config, args.cfg_options, *needs)
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / Path(args.config).stem)
    if Path(cfg.work_dir).exists() and not Path(cfg.work_dir).is_dir():
        raise ConfigError(cfg.work_dir, "the work_dir is a file", remedy="pass --work-dir with another folder")
    cfg.launcher = args.launcher
    if args.launcher != "none":
        prepare_distributed(cfg)
    return cfg


@contextmanager
def plain_errors(interrupted: str = "interrupted") -> Iterator[None]:
    """End the program with one line and exit code 1 where the user can mend the cause.

    Args:
        interrupted: What to say, with exit code 130, where the user interrupts it.
    """
    try:
        yield
    except GaitError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        where = str(error.filename or "a file").encode(errors="replace").decode()
        sys.exit(
            f"error: {where}: cannot be read or written ({error.strerror or error}). Remedy: check path, rights, disk."
        )
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        sys.exit(130)


def end_cleanly() -> None:
    """Let a request to end be an exception, so that unfinished files are removed on the way out."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
