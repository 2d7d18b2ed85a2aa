"""Bundled problems and the bundled nano model, addressed by name so that they work from an installed package.

Everything here is synthetic: written, or trained on what was written, by the scripts in `recipes/nano/`.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from pairforge.errors import PairforgeError, nearest

PREFIX = "pairforge:"

_FILES = {
    "pairforge:demo": "problems.jsonl",
    "pairforge:demo-eval": "eval.jsonl",
    "pairforge:nano": "nano",
}


def is_demo_address(name: str) -> bool:
    """Whether a dataset or model name means something bundled."""
    return name.startswith(PREFIX)


def demo_path(address: str) -> Path:
    """The file or folder behind a bundled address.

    `pairforge:demo` is the build problems and `pairforge:demo-eval` the evaluation problems (JSONL with columns
    id, question, answer, solution, source, topic, difficulty); `pairforge:nano` is the model folder.

    Raises `PairforgeError` for any other name, listing the known ones.
    """
    if address not in _FILES:
        hint = " ".join([nearest(address, _FILES), f"known: {', '.join(_FILES)}"]).strip()
        raise PairforgeError(f"'{address}' is not bundled with pairforge", hint=hint)
    with as_file(files("pairforge.demo") / _FILES[address]) as path:
        return path


def resolve(name: str) -> str:
    """A name as libraries want it: bundled addresses become paths, everything else stays as it is."""
    return str(demo_path(name)) if is_demo_address(name) else name


def recipe_path() -> Path:
    """The demo's recipe, which lies beside the data so that it works from an installed package."""
    with as_file(files("pairforge.demo") / "recipe.yaml") as path:
        return path
