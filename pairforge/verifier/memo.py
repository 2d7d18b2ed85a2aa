"""Decisions remembered: bounded in memory, and on disk keyed by the verifier's version."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path

from pairforge.errors import VerifierError
from pairforge.verifier.pool import Decision

Key = tuple[str, str, bool, bool]
_KEPT = 65_536
_KEPT_CHARS = 500  # longer pairs hardly ever repeat
_ON_DISK = {"correct", "incorrect", "refused", "gold_unparsed"}  # a timeout may be the machine's fault
_COMMIT_EVERY = 500


class Memo:
    """(gold, answer) -> decision. A cache file that cannot be used is an error at start, and ignored later."""

    def __init__(self, path: Path | None, version: str) -> None:
        self._version = version
        self._memory: dict[Key, Decision] = {}
        self._dirty = 0
        self._db = _open(path) if path is not None else None

    def get(self, key: Key) -> Decision | None:
        """The decision made earlier, or None."""
        decision = self._memory.get(key)
        if decision is None and self._db is not None:
            with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
                row = self._db.execute("SELECT decision FROM decisions WHERE key = ?", (self._digest(key),)).fetchone()
                if row:
                    status, rule, detail = json.loads(row[0])
                    decision = (str(status), str(rule), str(detail))
                    self._remember(key, decision)
        return decision

    def put(self, key: Key, decision: Decision) -> None:
        """Remember a decision."""
        self._remember(key, decision)
        if self._db is None or decision[0] not in _ON_DISK:
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

    def _remember(self, key: Key, decision: Decision) -> None:
        if len(key[0]) + len(key[1]) > _KEPT_CHARS:
            return
        if len(self._memory) >= _KEPT:
            del self._memory[next(iter(self._memory))]
        self._memory[key] = decision

    def _digest(self, key: Key) -> str:
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
