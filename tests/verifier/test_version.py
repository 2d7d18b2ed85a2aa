"""The verifier's version moves with what decides a verdict."""

import ast
import hashlib
from pathlib import Path

import pytest

import pairforge.verifier
from pairforge.verifier import VERIFIER_VERSION

# They carry or store decisions, and make none.
CARRIERS = {"__init__.py", "config.py", "decisions.py", "files.py", "majority_vote.py", "pool.py", "worker.py"}


def definitions(source: str) -> list[str]:
    """The statements of a file without imports, docstrings, comments and layout."""
    found = (node for node in ast.parse(source).body if not isinstance(node, ast.Import | ast.ImportFrom))
    return [written for node in found if (written := shape(node))]


def shape(node: object) -> str:
    """A syntax tree as text; fields that are empty are left out, as not every Python version has them."""
    if isinstance(node, list):
        return " ".join(filter(None, map(shape, node)))
    if not isinstance(node, ast.AST):
        return "" if node is None else repr(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return ""  # a docstring
    fields = ((name, shape(value)) for name, value in ast.iter_fields(node))
    return f"({type(node).__name__} {' '.join(f'{name}={written}' for name, written in fields if written)})"


def digest(sources: list[str]) -> str:
    """One digest of all definitions, wherever they stand."""
    found = sorted(definition for source in sources for definition in definitions(source))
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:12]


def test_a_change_of_the_rules_is_a_new_version():
    folder = Path(pairforge.verifier.__file__).parent
    deciding = [file.read_text(encoding="utf-8") for file in folder.rglob("*.py") if file.name not in CARRIERS]
    assert (VERIFIER_VERSION, digest(deciding)) == ("6", "f54fdfaf3551"), (
        "the deciding code changed: raise VERIFIER_VERSION if any verdict can change with it (stored verdicts and "
        "cached decisions of the old version are then made again), and write the new digest here"
    )


FIRST = "import re\n\nLIMIT = 3\n\n\ndef a(x):\n    return x < LIMIT\n"
SECOND = "def b(x):\n    return x\n"


@pytest.mark.parametrize(
    "sources",
    [
        [SECOND, FIRST],
        [FIRST + SECOND],
        [FIRST.replace("import re", "from x import y"), SECOND],
        [FIRST.replace("    return x <", '    """Says more."""\n    return x  <'), "# a comment\n" + SECOND],
    ],
)
def test_moving_and_explaining_code_keeps_the_digest(sources: list[str]):
    assert digest(sources) == digest([FIRST, SECOND])


@pytest.mark.parametrize("changed", [FIRST.replace("3", "4"), FIRST.replace("<", "<="), FIRST + "\n\na = max\n"])
def test_a_changed_rule_changes_the_digest(changed: str):
    assert digest([changed, SECOND]) != digest([FIRST, SECOND])
