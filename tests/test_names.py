"""A file name means one thing within the package, so that a search for it finds the right place."""

from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "pairforge"

MAY_REPEAT = {
    "__init__": "every package has one",
    "config": "the models of a package's own settings",
    "expression": "of a rule over columns, of a mathematical answer",
    "read": "of source rows, of the tokens of an answer",
}
NAMED_IN_RECIPES = ("sources/adapters", "filters/rules", "filters/choices", "filters/controls", "export/formats")
"""Folders with a file per adapter, rule or format, under the name that a recipe or a command gives it."""


def repeated() -> dict[str, list[str]]:
    """The files of each name that occurs more than once."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        file = str(path.relative_to(PACKAGE))
        if not file.startswith(NAMED_IN_RECIPES):
            found[path.stem].append(file)
    return {name: files for name, files in found.items() if len(files) > 1}


def test_file_names_are_unique():
    wrong = {name: files for name, files in repeated().items() if name not in MAY_REPEAT}
    assert not wrong, f"rename all but one of these, to say what each is about: {wrong}"


def test_no_exception_is_out_of_date():
    assert MAY_REPEAT.keys() <= repeated().keys()
