#!/usr/bin/env bash
# Test on several processes of this machine, GPUs where there are some, CPUs otherwise:
#   bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of tools/test.py]
set -euo pipefail
if [ $# -lt 3 ]; then sed -n "2,3s/^# *//p" "$0" >&2; exit 2; fi
config=$1
checkpoint=$2
processes=$3
export PYTHONPATH="$(dirname "$0")/..:${PYTHONPATH:-}"
exec python -m torch.distributed.run --standalone --nnodes="${NNODES:-1}" --nproc_per_node="$processes" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
