#!/usr/bin/env bash
# Train on several processes of this machine, GPUs where there are some, CPUs otherwise:
#   bash tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
set -euo pipefail
config=$1
processes=$2
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
exec python -m torch.distributed.run --standalone --nnodes="${NNODES:-1}" --nproc_per_node="$processes" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
