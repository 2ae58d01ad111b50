"""A page in the browser: drop a recording, see what the model makes of it and why.

python tools/webui.py                                    # the demonstration model, http://127.0.0.1:7860/
python tools/webui.py --model MODEL.pth --port 8000
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a bare checkout works too
# Read when PyTorch is loaded. Layers are small here: on a busy machine, threads that wait awake triple the time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from mmgaitemo.apis.inferencer import GaitEmotionInferencer
from mmgaitemo.cli import end_cleanly, plain_errors
from mmgaitemo.errors import ConfigError
from mmgaitemo.webui import WalkServer


def main() -> None:
    """Load the model, then serve until interrupted."""
    end_cleanly()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="published model (.pth); default: the demonstration model")
    parser.add_argument("--device", default="cpu", help="where the network runs, e.g. cuda")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; another than the default lets other machines in"
    )
    parser.add_argument("--port", type=int, default=7860, help="0: a free one")
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    inferencer = GaitEmotionInferencer(args.model, args.device)
    try:
        server = WalkServer(inferencer, args.host, args.port)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(
            f"{args.host}:{args.port}", "cannot be listened on", found=error, remedy="pass another --port or --host"
        ) from None
    with server:
        if not server.local:
            print("warning: everybody who reaches this address can upload; there is no password", file=sys.stderr)
        print(f"open {server.url} in a browser; Ctrl-C ends the server", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    with plain_errors("ended"):
        main()
