#!/usr/bin/env bash
# Train on several processes of this machine, GPUs where there are some, CPUs otherwise:
#   bash tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
set -euo pipefail
if [ $# -lt 2 ]; then sed -n "2,3s/^# *//p" "$0" >&2; exit 2; fi
config=$1
processes=$2
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
exec python -m torch.distributed.run --standalone --nnodes="${NNODES:-1}" --nproc_per_node="$processes" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
