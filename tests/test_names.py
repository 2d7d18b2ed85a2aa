"""A file name means one thing within the package, so that a search for it finds the right place."""

from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "pairforge"

MAY_REPEAT = {
    "__init__": "every package has one",
    "config": "the models of a package's own settings",
    "columns": "an adapter's file has the name that a recipe gives it",
    "read": "of source rows, of parsed answers",
    "split": "of rows into train and test, of an answer into parts",
    "statistics": "of a view, of an evaluation",
    "words": "rules in words on a card, numbers written as words in an answer",
}


def places() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        found[path.stem].append(str(path.relative_to(PACKAGE)))
    return found


def test_file_names_are_unique():
    repeated = {name: files for name, files in places().items() if len(files) > 1 and name not in MAY_REPEAT}
    assert not repeated, f"rename all but one of these, to say what each is about: {repeated}"


def test_no_exception_is_out_of_date():
    assert {name for name, files in places().items() if len(files) > 1} | {"config"} >= MAY_REPEAT.keys()
