#!/usr/bin/env bash
# Install pairforge, an engine and the test tools into .venv. Safe to run again, also after a failed run.
#   scripts/setup.sh [PYTHON]
# With an NVIDIA GPU: vLLM. On Linux without one: vLLM's CPU build. Elsewhere: no local engine; use a vLLM server.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "pairforge needs Python >= 3.11, '$python' is $("$python" -V 2>&1). Try: make setup PYTHON=python3.12" >&2; exit 1; }

# A half-made environment (an interrupted run, a removed interpreter) is made again.
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
# pip reads the machine's own configuration, so it installs uv; uv does the rest.
.venv/bin/python -m pip install -qq --disable-pip-version-check 'uv>=0.8' ||
  { echo "cannot install uv with pip: see the message above" >&2; exit 1; }

# uv does not read pip's configuration: pass on the folders of local wheels.
find_links=()
for folder in ${PIP_FIND_LINKS:-} $(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true); do
  find_links+=(--find-links "$folder")
done
install() { .venv/bin/uv pip install -q --python .venv/bin/python "${find_links[@]}" "$@"; }

if [ "$(uname -s)" != Linux ]; then
  echo "no vLLM for $(uname -s): use 'engine: {kind: server}' with a vLLM server on Linux" >&2
  install -e '.[server,train,report,dev]'
elif command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
  install -e '.[vllm,server,ray,train,report,dev]'
else
  # torch's CPU build: a local wheel where there is one, else the index that uv knows for it.
  install 'torch==2.13.0+cpu' 2>/dev/null || install --torch-backend cpu 'torch==2.13.0'
  install --override scripts/overrides.txt -c scripts/constraints.txt -e '.[cpu,server,ray,train,report,dev]'
fi
touch .venv/.ready
echo "ready. 'source .venv/bin/activate' puts pairforge on the PATH of this shell; then: pairforge --help"
