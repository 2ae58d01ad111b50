"""Throw mutated files at the converters: each has to be converted or refused, without crash, hang or partial output.

python tests/fuzz_converters.py --count 2000 --seed 0

Every file is converted in a process of its own, which has five seconds and two gigabytes. The mutations are drawn from
the seed: bytes flipped, cut, doubled, moved, replaced by hostile numbers and words; of HDF5 files also whole fields.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from bvh_files import xsens_text

from mmgaitemo.archive import ArchiveInfo, ArchiveWriter, GaitArchive
from mmgaitemo.cli import plain_errors
from mmgaitemo.datasets.synthetic_walks import synthetic_walks
from mmgaitemo.skeleton import EGAIT16

CONVERTERS = Path(__file__).resolve().parents[1] / "tools" / "dataset_converters"
SECONDS, MEMORY = 5, 2 << 30
HOSTILE = [
    *(
        b"nan",
        b"inf",
        b"-1",
        b"0",
        b"1e400",
        b"99999999999999999999",
        b"1e-400",
        b"0x10",
        b"\x00",
        b"\xff\xfe",
        b"{",
        b"}",
    ),
    *(
        b'"',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\t",
        b"null",
        b"true",
        b"[[[[",
        b"]",
        b"NaN",
        b"../../etc",
        b"%s%n",
        b"\xc3\x28",
    ),
]
WALK = synthetic_walks(1, 1, seed=0)[0].positions

Case = tuple[str, bytes, list[str]]  # name of the input file, its content, converter and options


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to eight random changes."""
    changed = bytearray(data)
    for _ in range(min(int(rng.geometric(0.5)), 8)):
        size = max(len(changed), 1)
        # Half of the changes near the start, where headers are.
        place = int(rng.integers(0, size if rng.random() < 0.5 else min(size, 600)))
        length = int(rng.integers(1, 1 + min(size, int(rng.choice([1, 8, 200])))))
        kind = rng.integers(0, 7)
        if kind == 0:
            changed[place : place + length] = rng.bytes(length)
        elif kind == 1:
            del changed[place : place + length]
        elif kind == 2:
            changed[place:place] = changed[place : place + length] * int(rng.integers(1, 50))
        elif kind == 3:
            changed[place:place] = HOSTILE[rng.integers(len(HOSTILE))]
        elif kind == 4:
            del changed[place:]
        elif kind == 5:
            changed[place : place + length] = HOSTILE[rng.integers(len(HOSTILE))]
        elif changed:
            changed[place % len(changed)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def bvh(rng: np.random.Generator) -> Case:
    """A walker of Xsens' skeleton."""
    text = xsens_text(WALK[:12], EGAIT16.joints).encode()
    return "walk.bvh", mutate(text, rng), ["bvh.py", "--preset", "xsens"]


def hdf5(
    change: Callable[[h5py.File, np.random.Generator], None], make: Callable[[Path], None], rng: np.random.Generator
) -> bytes:
    """An HDF5 file, changed field by field or byte by byte."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gait.h5"
        make(path)
        if rng.random() < 0.4:
            with h5py.File(path, "r+") as file:
                change(file, rng)
            return path.read_bytes()
        return mutate(path.read_bytes(), rng)


def change_field(file: h5py.File, rng: np.random.Generator) -> None:
    """Take a field away, or put something else in its place."""
    names: list[str] = []
    file.visit(names.append)
    name = names[rng.integers(len(names))]
    others = [np.zeros((0, 48)), np.full((5, 48), np.nan), 7, -1, "text", np.zeros((5, 4, 4)), np.array([1e300] * 9)]
    del file[name]
    choice = int(rng.integers(len(others) + 2))
    if choice < len(others):
        file[name] = others[choice]
    elif choice == len(others):
        file[name] = h5py.ExternalLink("/etc/hostname", "/x")
    if rng.random() < 0.3 and len(file.attrs):
        key = list(file.attrs)[rng.integers(len(file.attrs))]
        file.attrs[key] = ["", -1, np.nan, "z", 10**18, np.zeros(3)][rng.integers(6)]


def native(rng: np.random.Generator) -> Case:
    """E-Gait's features.h5; the labels beside it stay whole."""

    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for number in range(3):
                file[f"{number}.csv"] = WALK.reshape(len(WALK), -1)

    return "features.h5", hdf5(change_field, make, rng), ["egait.py"]


def archive(rng: np.random.Generator) -> Case:
    """A gait archive, read whole."""

    def make(path: Path) -> None:
        with ArchiveWriter(path, ArchiveInfo("egait16", "m", "y", rate=30.0)) as writer:
            for number in range(3):
                writer.append(WALK, id=str(number), label="a", extra={"take": number})

    return "walk.gait.h5", hdf5(change_field, make, rng), ["archive"]


def csv(rng: np.random.Generator) -> Case:
    """A table of named columns."""
    header = ",".join(f"{joint}_{axis}" for joint in EGAIT16.joints for axis in "xyz")
    rows = "\n".join(",".join(f"{value:.4f}" for value in frame.ravel()) for frame in WALK[:20])
    return "walk.csv", mutate(f"{header}\n{rows}\n".encode(), rng), ["generic.py", "--columns", "map.json"]


def json_file(rng: np.random.Generator) -> Case:
    """Frames of joints."""
    text = json.dumps({"frames": WALK[:20].round(3).tolist()})
    return "walk.json", mutate(text.encode(), rng), ["generic.py", "--columns", "map.json"]


def npy(rng: np.random.Generator) -> Case:
    """An array."""
    buffer = io.BytesIO()
    np.save(buffer, WALK)
    return "walk.npy", mutate(buffer.getvalue(), rng), ["generic.py", "--columns", "map.json"]


def npz(rng: np.random.Generator) -> Case:
    """Several arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=WALK, b=WALK[:10])
    return "walk.npz", mutate(buffer.getvalue(), rng), ["generic.py", "--columns", "map.json"]


def annotation(rng: np.random.Generator) -> Case:
    """A pickle of mmaction2's form."""
    import pickle

    keypoint = np.zeros((1, 20, 17, 2), np.float32) + np.arange(17)[:, None]
    entry = dict(frame_dir="a", total_frames=20, label=0, img_shape=(1, 1), original_shape=(1, 1), keypoint=keypoint)
    entry["keypoint_score"] = np.ones((1, 20, 17), np.float32)
    data = pickle.dumps(dict(split=dict(train=["a"]), annotations=[entry]), protocol=4)
    return "walk.pkl", mutate(data, rng), ["mmaction.py", "read"]


KINDS: dict[str, list[Callable[[np.random.Generator], Case]]] = {
    "bvh": [bvh],
    "tables": [native, archive, csv, json_file, npy, npz, annotation],
}


def convert(arguments: list[str], source: Path, out: Path) -> None:
    """Run a converter in this process, as the shell would."""
    if arguments[0] == "archive":
        with plain_errors(), GaitArchive(source) as opened:
            for positions in opened.iterate():
                assert len(positions)
        return
    if arguments[0] == "egait.py":
        source = source.parent
    name, *options = arguments
    sys.argv = (
        [name, *options[:1], str(source), str(out), *options[1:]]
        if options[:1] == ["read"]
        else [name, str(source), str(out), *options]
    )
    spec = importlib.util.spec_from_file_location("converter", CONVERTERS / name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with plain_errors():
        sys.exit(module.main())


def attempt(case: Case, folder: Path) -> str:
    """``converted``, ``refused``, or what went wrong."""
    name, data, arguments = case
    source, out = folder / "in" / name, folder / "out"
    for place in (source.parent, out):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    source.write_bytes(data)
    (folder / "map.json").write_text(json.dumps(MAP))
    if name == "features.h5":
        with h5py.File(source.parent / "labels.h5", "w") as file:
            for number in range(3):
                file[f"{number}.csv"] = number
    log = folder / "log"
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 99
        try:
            os.chdir(folder)
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            warnings.simplefilter("error", RuntimeWarning)
            convert(arguments, source, out / "walk.gait.h5")
            status = 0
        except SystemExit as exit_:
            text = str(exit_.code or "")
            status = 1 if text == "1" or text.startswith("error: ") else 0 if not exit_.code else 98
        except BaseException:  # whatever it is, it is what the fuzzer looks for
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() - start > SECONDS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hang"
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(done[1])
    left = sorted(path.name for path in out.iterdir())
    if code == 0:
        return "converted"
    if code == 1:
        return "refused" if not left else f"partial output {left}"
    return f"crash, exit code {code}: {log.read_text(errors='replace').strip().splitlines()[-1:]}"


MAP = {
    "skeleton": "egait16",
    "unit": "m",
    "up": "y",
    "rate": 30,
    "columns": "{joint}_{axis}",
    "joints": list(EGAIT16.joints),
}


def fuzz(kind: str, count: int, seed: int, keep: Path | None) -> Counter[str]:
    """Mutate and convert ``count`` files of a kind; what goes wrong is printed, and kept in ``keep``."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            make = KINDS[kind][number % len(KINDS[kind])]
            case = make(np.random.default_rng([seed, number]))
            outcome = attempt(case, Path(folder))
            outcomes[outcome.split(",")[0].split("[")[0].strip()] += 1
            if outcome not in ("converted", "refused"):
                print(f"{kind} {number} ({make.__name__}): {outcome}", flush=True)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{seed}_{number}_{case[0]}").write_bytes(case[1])
    return outcomes


def main() -> int:
    """Fuzz both kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="files of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--keep", type=Path, help="folder for the files that went wrong")
    args = parser.parse_args()
    wrong = 0
    for kind in args.kinds:
        start = time.perf_counter()
        outcomes = fuzz(kind, args.count, args.seed, args.keep)
        wrong += sum(count for outcome, count in outcomes.items() if outcome not in ("converted", "refused"))
        print(f"{kind}: {dict(outcomes)} in {time.perf_counter() - start:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
