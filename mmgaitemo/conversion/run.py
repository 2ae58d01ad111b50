"""The way of every converter: read, check, repair, resample, cut, write, report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter
from mmgaitemo.archive.writer import LARGEST
from mmgaitemo.cli import end_cleanly
from mmgaitemo.conversion.recording import Recording, Source
from mmgaitemo.conversion.report import Report
from mmgaitemo.errors import ConfigError, DataError
from mmgaitemo.motion.cycles import find_cycles
from mmgaitemo.motion.gaps import repair_gaps
from mmgaitemo.motion.resampling import SAME_RATE, resample_rate, whole_rate
from mmgaitemo.motion.windows import cycle_windows, fixed_windows
from mmgaitemo.skeleton import get_skeleton


def add_conversion_arguments(parser: argparse.ArgumentParser, *, rate: bool = True) -> None:
    """The arguments that every converter takes.

    Args:
        parser: Gets ``out`` and the options.
        rate: Offer ``--rate``.
    """
    parser.add_argument("out", help="archive to write, *.gait.h5")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, write nothing")
    parser.add_argument("--force", action="store_true", help="replace an archive of this name")
    parser.add_argument(
        "--allow-refused", action="store_true", help="write the archive without the recordings that are refused"
    )
    parser.add_argument(
        "--max-gap", type=int, default=10, metavar="FRAMES", help="longest gap of a joint to interpolate (default 10)"
    )
    if rate:
        parser.add_argument("--rate", type=float, metavar="HZ", help="resample to this rate")
    parser.add_argument("--window", type=int, metavar="FRAMES", help="cut into windows of so many frames")
    parser.add_argument("--overlap", type=int, default=0, metavar="FRAMES", help="of two windows (default 0)")
    parser.add_argument("--cycles", type=int, metavar="K", help="cut into windows of K whole gait cycles")


def run_conversion(
    args: argparse.Namespace, sources: Sequence[Source], info: ArchiveInfo, *, dtype: str = "float32"
) -> int:
    """Convert everything, print what happened, and say how it went.

    A recording that cannot be taken is refused with its reason. Unless ``--allow-refused`` was given, nothing is
    written then.

    Args:
        args: With the arguments of ``add_conversion_arguments``.
        sources: What to read, in the order of the archive.
        info: Attributes of the archive; a ``rate`` of None becomes that of the recordings.
        dtype: Of the coordinates.

    Returns:
        The exit code: 1 if anything was refused without ``--allow-refused`` or nothing is left, else 0.

    Raises:
        ConfigError: An option is impossible, there is nothing to read, or the target cannot be written.
    """
    _check_options(args)
    writer = ArchiveWriter(args.out, info, force=args.force, dtype=dtype, dry_run=args.dry_run)
    if not sources:
        raise ConfigError("input", "there is nothing to convert", remedy="check the path; --help says what is read")
    end_cleanly()
    console = Console(width=max(100, Console().width), highlight=False)
    conversion = _Conversion(args, writer)
    try:
        with writer:
            conversion.run(sources)
            if conversion.failed:
                raise _NothingWrittenError
    except _NothingWrittenError:
        pass
    report = conversion.report
    report.show(console, getattr(args, "rate", None))
    outcome = f"written: {args.out}"
    if conversion.failed:
        remedy = "repair them, or pass --allow-refused to go without them" if report.lengths else "check the input"
        outcome = f"nothing written: {len(report.refused)} recording(s) were refused. Remedy: {remedy}."
    elif args.dry_run:
        outcome = f"dry run: nothing written to {args.out}"
    console.print(Text(outcome), soft_wrap=True)
    return int(conversion.failed)


class _NothingWrittenError(Exception):
    """Makes the writer throw its file away."""


def _check_options(args: argparse.Namespace) -> None:
    rate, window, cycles = getattr(args, "rate", None), args.window, args.cycles
    checks = [
        ("--max-gap", args.max_gap, args.max_gap >= 0, "use 0 to refuse every gap"),
        ("--rate", rate, rate is None or 0 < rate <= 1e4, "use frames per second, such as 30"),
        ("--window", window, window is None or window >= 2, "use at least 2 frames"),
        ("--overlap", args.overlap, 0 <= args.overlap < (window or 1), "use less than --window"),
        ("--cycles", cycles, cycles is None or cycles >= 1, "use 1 or more"),
        (
            "--cycles",
            f"{cycles}, with --window {window}",
            None in (cycles, window),
            "cut by cycles or by frames, not both",
        ),
    ]
    for option, value, fulfilled, remedy in checks:
        if not fulfilled:
            raise ConfigError(option, "is impossible", found=value, remedy=remedy)


class _Conversion:
    """One recording after another, from a source to the writer."""

    def __init__(self, args: argparse.Namespace, writer: ArchiveWriter) -> None:
        self._args, self._writer = args, writer
        self._skeleton = get_skeleton(writer.info.skeleton)
        self._cuts = args.window is not None or args.cycles is not None
        if getattr(args, "rate", None) is not None:
            writer.info = replace(writer.info, rate=args.rate)
        self._rate_known = writer.info.rate is not None
        self.report = Report()

    @property
    def failed(self) -> bool:
        return bool(self.report.refused and not self._args.allow_refused) or not self.report.lengths

    def run(self, sources: Sequence[Source]) -> None:
        columns = (TextColumn("converting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            for source in bar.track(sources):
                try:
                    for recording in source.read():
                        self._convert(recording)
                except DataError as error:
                    self.report.refuse(source.name, str(error))

    def _convert(self, raw: Recording) -> None:
        """Repair, resample and cut a recording and hand its walks over; refuse it where that fails."""
        try:
            self._check(raw)
            gaps = repair_gaps(raw.positions, self._args.max_gap, f"recording {raw.id!r}")
            kept = slice(gaps.first, gaps.first + len(gaps.positions))
            score = None if raw.score is None else raw.score[kept]
            recording = self._at_rate(replace(raw, positions=gaps.positions, score=score))
            windows = self._windows(recording)
            for window in windows:
                self._writer.append(
                    recording.positions[window],
                    id=f"{recording.id}@{window.start}" if self._cuts else recording.id,
                    subject=recording.subject,
                    label=recording.label,
                    group=recording.group or recording.subject or recording.id,
                    extra={**recording.extra, **({"first_frame": window.start} if self._cuts else {})},
                    score=None if recording.score is None else recording.score[window],
                )
        except DataError as error:
            self.report.refuse(raw.id, str(error))
            return
        if not self._rate_known:
            self._writer.info, self._rate_known = replace(self._writer.info, rate=recording.rate), True
        covered = np.zeros(len(recording.positions), dtype=bool)
        for window in windows:
            covered[window] = True
        lengths = [window.stop - window.start for window in windows]
        self.report.add(raw.label, raw.subject, lengths, raw.rate, int(np.count_nonzero(~covered)))
        cut = len(raw.positions) - len(gaps.positions)
        if cut or gaps.values:
            self.report.repaired.append((raw.id, cut, gaps.values, gaps.longest))

    def _check(self, recording: Recording) -> None:
        shape, joints = recording.positions.shape, self._skeleton.num_joints
        if len(shape) != 3 or shape[1:] != (joints, 3) or shape[0] < 2:
            raise DataError(
                f"recording {recording.id!r}",
                f"layout {self._skeleton.name!r} needs positions (T, {joints}, 3) with T of at least 2",
                found=shape,
                remedy="name the layout that the data is in, or leave the recording out",
            )
        if (np.abs(recording.positions) > LARGEST).any():  # NaN is not
            raise DataError(
                f"recording {recording.id!r}",
                f"a coordinate is infinite, or beyond {LARGEST:g}",
                remedy="record it as missing, or choose a larger unit",
            )
        if recording.score is not None and not (np.abs(recording.score) <= LARGEST).all():
            raise DataError(
                f"recording {recording.id!r}", "the scores hold what is no finite number", remedy="give a low score"
            )

    def _at_rate(self, recording: Recording) -> Recording:
        wanted, rate = getattr(self._args, "rate", None), recording.rate
        if wanted is not None:
            if rate is None:
                raise DataError(
                    f"recording {recording.id!r}", "its rate is not known", remedy="give its rate, or no --rate"
                )
            score = recording.score
            if score is not None:  # the filter swings beyond what it is given
                score = np.clip(resample_rate(score, rate, wanted), score.min(), score.max())
            positions = resample_rate(recording.positions, rate, wanted)
            return replace(recording, positions=positions, score=score, rate=wanted)
        rate = None if rate is None else whole_rate(rate)
        common = self._writer.info.rate
        if (
            self._rate_known
            and rate != common
            and (rate is None or common is None or abs(rate / common - 1) > SAME_RATE)
        ):
            raise DataError(
                f"recording {recording.id!r}",
                "its rate is not that of the recordings before",
                found=f"{rate} Hz, {common} Hz before",
                remedy="pass --rate to resample all to one rate",
            )
        return replace(recording, rate=rate)

    def _windows(self, recording: Recording) -> list[slice]:
        frames = len(recording.positions)
        if not self._cuts:
            return [slice(0, frames)]
        if self._args.window is not None:
            windows = fixed_windows(frames, self._args.window, self._args.overlap)
            need = f"a window of {self._args.window} frames"
        else:
            cycles = find_cycles(recording.positions, self._skeleton, self._writer.info.up)
            windows = cycle_windows(cycles, self._args.cycles)
            need = f"{self._args.cycles} whole gait cycle(s)"
        if not windows:
            raise DataError(
                f"recording {recording.id!r}",
                f"has no room for {need}, or none is found in it",
                found=f"{frames} frames",
                remedy="ask for less, or leave the recording out with --allow-refused",
            )
        return windows
