"""The architecture as a test: imports point down only, and importing pairforge stays cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pairforge"

# Higher number = higher layer. A module may import from its own part or from a lower layer, never sideways or up.
LAYER = {
    "errors": 0,
    "records": 1,
    "demo": 1,
    "chat": 2,
    "log": 2,
    "files": 3,
    "lock": 3,
    "lengths": 3,
    "verifier": 3,
    "filters": 4,
    "run": 5,
    "sources": 6,
    "generator": 6,
    "report": 6,
    "hub": 7,
    "recipe": 8,
    "pipeline": 9,
    "check": 10,
    "importing": 10,
    "train": 10,
    "evaluate": 11,
    "cli": 12,
}
HEAVY = {
    "vllm", "torch", "trl", "transformers", "ray", "datasets", "huggingface_hub", "polars", "sympy",
    "math_verify", "latex2sympy2_extended", "matplotlib", "pyarrow", "numpy", "accelerate", "peft", "openai", "tokenizers",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names += [a.name for a in node.names]
    return names


def test_every_part_has_a_layer():
    assert {part(p) for p in modules()} - {"__init__", "__main__"} <= LAYER.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path):
    me = part(path)
    for name in imported(ast.parse(path.read_text())):
        other = name.split(".")[1] if name.startswith("pairforge.") else me
        if me.startswith("__") or other == me or other.startswith("__"):
            continue
        assert LAYER[other] < LAYER[me], f"{path}: {me} may not import {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_inside_functions(path: Path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        for name in names:
            assert name.split(".")[0] not in HEAVY, f"{path}:{node.lineno} imports {name} at module level"


def test_importing_the_command_line_loads_nothing_heavy():
    code = "import sys, pairforge.cli; print(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert not HEAVY & set(done.stdout.split())
