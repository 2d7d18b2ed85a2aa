"""Throw-away environments with other trainers, from the package registry.

An environment has everything that a consumer asks for but torch and what is built for GPUs: these come from the
environment of the tests, or are left out. It is kept in the user's cache folder and made again when its packages change.
"""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pairforge" / "consumers"
ROOT = Path(__file__).parents[2]
# Not installed with a consumer: torch is the tests' own, the others need a GPU or are built against one torch.
LEFT_OUT = ("torch", "torchvision", "torchaudio", "triton", "flash-attn", "xformers", "bitsandbytes", "vllm", "deepspeed",
            "liger-kernel", "torchao", "fla-core", "flash-linear-attention", "nvidia-ml-py")  # fmt: skip


def consumer(name: str, *packages: str, stubs: tuple[str, ...] = ()) -> Path:
    """The Python of an environment with these packages; `stubs` are modules that are imported and not used."""
    key = hashlib.sha256(json.dumps([packages, stubs, LEFT_OUT, sys.version]).encode()).hexdigest()[:12]
    home = CACHE / f"{name}-{key}"
    python = home / "bin" / "python"
    if (home / "ready").exists():
        return python
    CACHE.mkdir(parents=True, exist_ok=True)
    overrides = CACHE / f"{name}-{key}.txt"
    overrides.write_text("".join(f"{package}; sys_platform == 'never'\n" for package in LEFT_OUT))
    uv = [sys.executable, "-m", "uv"]
    run([*uv, "venv", "-q", "--clear", "--python", sys.executable, home])
    run([*uv, "pip", "install", "-q", "--python", python, "--overrides", overrides, *packages])
    [site] = home.glob("lib/python*/site-packages")
    (site / "of_the_tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    for stub in stubs:
        (site / f"{stub}.py").touch()
    (home / "ready").touch()
    return python


def run(command: list, folder: Path | None = None, **environment: str) -> str:
    """Run a command; its output, or an error with its end."""
    offline = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT), **environment}
    env = {**os.environ, **(offline if folder else {})}
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, env=env, timeout=900)
    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def ask(python: Path, code: str, folder: Path, **environment: str):
    """Run code in the export's folder; it prints JSON as its last line."""
    offline = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]), **environment}
    done = subprocess.run(
        [python, "-c", code], cwd=folder, capture_output=True, text=True, env={**os.environ, **offline}, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
