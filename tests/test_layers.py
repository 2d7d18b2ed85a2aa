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
    "config": 0,
    "paper": 0,
    "progress": 0,
    "records": 1,
    "intervals": 1,
    "rowfiles": 1,
    "vary": 1,
    "demo": 1,
    "switches": 1,
    "chat": 2,
    "lengths": 3,
    "templates": 3,
    "verifier": 3,
    "rewards": 4,
    "filters": 4,
    "run": 5,
    "sources": 6,
    "generator": 6,
    "report": 6,
    "export": 6,
    "scores": 7,
    "derive": 6,
    "hub": 7,
    "train": 8,
    "recipe": 9,
    "pipeline": 10,
    "evaluate": 11,
    "api": 12,
    "cli": 13,
}
OPTIONAL = {"vllm", "torch", "trl", "peft", "accelerate", "ray", "openai", "matplotlib", "latex2mathml"}
SLOW = {"transformers", "datasets", "sklearn", "sympy", "math_verify", "latex2sympy2_extended"}  # seconds each
HARD = {
    "polars", "pyarrow", "numpy", "scipy", "huggingface_hub", "tokenizers", "datasketch", "jinja2", "yaml", "pydantic",
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
def test_optional_and_slow_libraries_are_imported_where_they_are_used(path: Path):
    """And hard dependencies at the top, except in the command line, whose help must stay quick."""
    tree = ast.parse(path.read_text())
    statements = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    top = {name.split(".")[0] for node in statements for name in imported(node)}
    everywhere = {name.split(".")[0] for name in imported(tree)}
    assert not top & (OPTIONAL | SLOW), f"{path} imports {top & (OPTIONAL | SLOW)} at module level"
    if part(path) == "cli":
        assert not top & HARD, f"{path} imports {top & HARD} at module level, which --help pays for"
    elif part(path) != "verifier":
        assert everywhere & HARD <= top, f"{path} imports {everywhere & HARD - top} inside a function"


def test_importing_the_command_line_loads_nothing_heavy():
    code = "import sys, pairforge.cli; print(' '.join(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert not (OPTIONAL | SLOW | HARD) & set(done.stdout.split())
