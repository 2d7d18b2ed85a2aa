"""The verifier's files: few import floors, and packages that depend on each other one way."""

import ast
from functools import cache
from pathlib import Path

import pytest

import pairforge.verifier

ROOT = Path(pairforge.verifier.__file__).parent
NAME = "pairforge.verifier"
FILES = {
    ".".join([NAME, *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
# What a sub-package may import of the verifier, besides itself.
ALLOWED = {
    "extract": {f"{NAME}.parse.units"},
    "parse": set(),
    "equal": {f"{NAME}.parse.{name}" for name in ("syntax", "units", "values")} | {f"{NAME}.decisions"},
}


@cache
def imports(module: str) -> frozenset[str]:
    """The files of the verifier that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & FILES.keys() or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found & FILES.keys())


@cache
def floor(module: str) -> int:
    """1 for a file that imports no other file of the verifier, else one more than the highest it imports."""
    return 1 + max(map(floor, imports(module)), default=0)


def test_there_are_at_most_six_floors():
    floors = {module.removeprefix(NAME): floor(module) for module in FILES}
    assert max(floors.values()) <= 6, floors


@pytest.mark.parametrize("part", ALLOWED)
def test_packages_depend_on_each_other_one_way(part: str):
    inside = [module for module in FILES if module.startswith(f"{NAME}.{part}")]
    outside = {other for module in inside for other in imports(module) if not other.startswith(f"{NAME}.{part}")}
    assert len(inside) > 1 and outside == ALLOWED[part]


def test_the_callers_process_needs_no_parser():
    """Reading and judging are for the workers: what the caller imports decides plain answers only."""
    reached, todo = set(), [NAME, f"{NAME}.files"]
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += imports(module)
    assert not reached & {f"{NAME}.{name}" for name in ("worker", "decide", "equal.judge", "parse.read")}


def test_files_are_short():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert max(lines.values()) <= 420, lines
