"""Decisions: what is decided about two texts, and the cache that remembers it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Literal, NamedTuple, cast

from pairforge.errors import VerifierError
from pairforge.records import Status

Percent = Literal["strict", "lenient"]  # does 20 % equal a bare 20?
Units = Literal["strict", "lenient"]  # does 5 m equal a bare 5?


class Comparison(NamedTuple):
    """Two final answers to compare, whether the words around each speak of a percentage, and how signs and units count.

    `percent`: "lenient" takes x % and x as equal where one side has no sign; "strict" only where words speak of it.
    `units`: "lenient" takes 5 m and 5 as equal, "strict" does not.
    """

    gold: str
    answer: str
    gold_percent: bool = False
    answer_percent: bool = False
    percent: Percent = "lenient"
    units: Units = "lenient"


class Call(NamedTuple):
    """What the user's own function is called with; `answer` is the final answer found in the response, or ""."""

    function: str
    gold: str
    answer: str
    response: str
    question: str


class Decision(NamedTuple):
    """What was decided, by which rule, and why."""

    status: Status
    rule: str
    detail: str


_KEPT = 65_536
_KEPT_CHARS = 500  # longer pairs hardly ever repeat
_ON_DISK = {"correct", "incorrect", "refused", "gold_unparsed"}  # a timeout may be the machine's fault
_COMMIT_EVERY = 500


class DecisionCache:
    """Comparison to decision: bounded in memory, and on disk where there is a path, keyed by the verifier's version.

    Raises `VerifierError` for a file that cannot be used; errors that come later are ignored, and decided anew.
    """

    def __init__(self, path: Path | None, version: str) -> None:
        self._version = version
        self._memory: dict[Comparison, Decision] = {}
        self._dirty = 0
        self._db = _open(path) if path is not None else None

    def get(self, key: Comparison) -> Decision | None:
        """The decision made earlier, or None."""
        decision = self._memory.get(key)
        if decision is None and self._db is not None:
            with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
                row = self._db.execute("SELECT decision FROM decisions WHERE key = ?", (self._digest(key),)).fetchone()
                if row:
                    status, rule, detail = json.loads(row[0])
                    decision = Decision(cast(Status, str(status)), str(rule), str(detail))
                    self._remember(key, decision)
        return decision

    def put(self, key: Comparison, decision: Decision) -> None:
        """Remember a decision."""
        self._remember(key, decision)
        if self._db is None or decision.status not in _ON_DISK:
            return
        with contextlib.suppress(sqlite3.Error):
            self._db.execute(
                "INSERT OR REPLACE INTO decisions VALUES (?, ?)", (self._digest(key), json.dumps(decision))
            )
            self._dirty += 1
            if self._dirty >= _COMMIT_EVERY:
                self._db.commit()
                self._dirty = 0

    def close(self) -> None:
        """Write what is not on disk yet."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.commit()
            self._db.close()
            self._db = None

    def _remember(self, key: Comparison, decision: Decision) -> None:
        if len(key.gold) + len(key.answer) > _KEPT_CHARS:
            return
        if len(self._memory) >= _KEPT:
            del self._memory[next(iter(self._memory))]
        self._memory[key] = decision

    def _digest(self, key: Comparison) -> str:
        return hashlib.sha256(json.dumps([self._version, *key]).encode()).hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    """The cache file; one that is damaged is set aside, since everything in it can be decided again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                path.rename(path.with_suffix(path.suffix + ".damaged"))
            return _connect(path)
    except (OSError, sqlite3.Error) as error:
        hint = "delete the file or check its folder"
        raise VerifierError(f"{path}: the verifier's cache cannot be used: {error}", hint=hint) from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=5.0)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("CREATE TABLE IF NOT EXISTS decisions (key TEXT PRIMARY KEY, decision TEXT) WITHOUT ROWID")
    db.commit()
    return db
