"""How answers are checked: which kind of ground truth it is, and the choices that a recipe makes for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pairforge.errors import VerifierError
from pairforge.verifier.decisions import Percent, Units

Kind = Literal["math", "choice", "exact", "python"]
Options = tuple[tuple[str, str], ...]
"""The options of a question, each as its letter and its text."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """How answers are compared with their gold answers.

    `kind`: "math" compares values; "choice" letters of options, or their texts; "exact" normalized text, numbers as
    numbers; "python" calls `function` ("/path/to/file.py:name"). `percent` and `units` are as for `Comparison`; the
    kinds "exact" and "python" know neither.
    """

    kind: Kind = "math"
    percent: Percent = "lenient"
    units: Units = "lenient"
    function: str = ""

    def suffix(self) -> str:
        """What these rules add to the verifier's version, "" for the defaults; a function by a digest of its file.

        Raises `VerifierError` when the function's file cannot be read.
        """
        parts: list[str] = [] if self.kind == "math" else [self.kind]
        if self.kind == "python":
            file, name = split_function(self.function)
            parts = [f"python:{file.stem}:{name}@{_digest(file)}"]
        if self.kind in ("math", "choice"):
            parts += ["strict"] if self.percent == "strict" else []
            parts += ["units-strict"] if self.units == "strict" else []
        return "".join(f"+{part}" for part in parts)


def split_function(function: str) -> tuple[Path, str]:
    """The file and the name of "/path/to/file.py:name". Raises `VerifierError` for anything else."""
    file, colon, name = function.rpartition(":")
    if not colon or not name.isidentifier() or not file.endswith(".py"):
        raise VerifierError(
            f"'{function}' does not name a function in a file",
            hint="write MODULE:FUNCTION, with MODULE.py beside the recipe, or path/to/file.py:FUNCTION",
        )
    return Path(file), name


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise VerifierError(
            f"the file of a verifier function cannot be read: {file}: {error.strerror}",
            hint="verifier.python names MODULE:FUNCTION, with MODULE.py beside the recipe",
        ) from None
