"""The errors a user can meet. Each message says what is wrong, where, and what to do.

A failed request, an unparsable answer or a dropped row is *data* (a record with a status), never an exception.
Exceptions are for what stops the work: a broken recipe, a missing file, an engine that died.
The command line prints any `PairforgeError` as one line plus its hint and exits with code 1.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class PairforgeError(Exception):
    """Base of all errors pairforge raises on purpose.

    `message` says what is wrong and where (file, key, row); `hint` says what to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class RecipeError(PairforgeError):
    """The recipe, or an override of it, is not valid."""


class SourceError(PairforgeError):
    """A dataset cannot be found, read or understood."""


class RunError(PairforgeError):
    """A run directory is missing, locked, unwritable, or belongs to another recipe."""


class EngineError(PairforgeError):
    """The sampling engine cannot start, or died."""


class VerifierError(PairforgeError):
    """The verifier itself cannot work (a single unverifiable answer is a `Verdict`, not an error)."""


class TemplateError(PairforgeError):
    """A chat template is missing, fails to render, or loses the reasoning of an assistant turn."""


class RuleError(PairforgeError):
    """A filter rule is contradictory or names a column that does not exist."""


class HubError(PairforgeError):
    """Publishing to, or reading from, the Hub failed."""


class TrainError(PairforgeError):
    """Training or evaluation cannot start, or had to stop."""


class MissingExtraError(PairforgeError):
    """An optional dependency is needed and not installed."""


def nearest(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """The hint for a misspelt name: the known name that is most like it, or `otherwise` when none is."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional module, or say which extra provides it.

    Raises `MissingExtraError` naming the pip line when the module is absent.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".")[0]:
            raise  # the module is there, but something it needs is broken: that is not a missing extra
        raise MissingExtraError(
            f"{purpose} needs the package '{module}', which is not installed",
            hint=f"pip install 'pairforge[{extra}]'",
        ) from None
