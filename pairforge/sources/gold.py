"""Ground truth from another dataset, joined on the normalised question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pairforge.errors import SourceError
from pairforge.records import problem_id
from pairforge.sources.config import GoldJoin
from pairforge.sources.entry import Entry, RowDrop, short_answer, verifiable
from pairforge.sources.rows import open_rows


@dataclass(frozen=True, slots=True)
class JoinedGold:
    """Another dataset's answers by problem id, and which dataset that is: name, revision, stated license."""

    source: str
    revision: str
    license: str
    answers: Mapping[str, str]

    def origin(self) -> dict[str, str]:
        """The dataset's identity, for the manifest."""
        return {"source": self.source, "revision": self.revision, "license": self.license}


def load_gold(join: GoldJoin, *, base_dir: Path) -> JoinedGold:
    """Read a whole dataset for its answers; only they and the problems' ids stay in memory.

    An answer column may hold a whole solution. Questions whose answers contradict each other are left out.
    Raises `SourceError` when the dataset has no such columns.
    """
    source = open_rows(join.dataset, config=join.config, split=join.split, revision=join.revision, base_dir=base_dir)
    answers: dict[str, str] = {}
    seen: set[str] = set()
    for _, row in source.rows:
        if isinstance(row, RowDrop):
            continue
        seen |= row.keys()
        question, answer = row.get(join.question), row.get(join.answer)
        if not isinstance(question, str) or not isinstance(answer, str | int | float):
            continue
        try:
            found = verifiable(short_answer(str(answer)))
        except RowDrop:
            continue
        identity = problem_id(question)
        if answers.setdefault(identity, found) != found:
            answers[identity] = ""
    missing = {join.question, join.answer} - seen
    if missing:
        raise SourceError(
            f"gold_from {source.name}: no column '{min(missing)}' among {', '.join(sorted(seen))}",
            hint="set `question` and `answer` of `gold_from` to its columns",
        )
    known = {identity: answer for identity, answer in answers.items() if answer}
    return JoinedGold(source.name, source.revision, source.license, known)


def with_joined_gold(entry: Entry, gold: Mapping[str, str]) -> Entry:
    """The entry with the other dataset's answer, where it has none of its own. The teacher's stays in `meta`."""
    answer = gold.get(problem_id(entry.question)) if entry.gold == "teacher" else None
    if not answer:
        return entry
    return replace(entry, answer=answer, gold="joined", meta={**entry.meta, "teacher_answer": entry.answer})
