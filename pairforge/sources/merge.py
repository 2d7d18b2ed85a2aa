"""Many sources into one set of problems: repeats meet in one problem, contradictions are dropped."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from pairforge.records import Drop, Gold, Problem, Sample
from pairforge.sources.read import SourceStream
from pairforge.verifier.parse.plain import plain_number

_TRUST: dict[Gold, int] = {"majority": 0, "teacher": 1, "joined": 2, "dataset": 3}


@dataclass(slots=True)
class SourceSummary:
    """What one source gave: the figures `check` prints. Rows = rows in problems (repeats merge) + drops.

    `given_samples` counts the solutions that were taken, `repeated_given` those left out because their problem has the
    same text already.
    `gold` is where the ground truth comes from ("joined" as soon as any was joined, else the most frequent kind, ""
    without problems); `gold_counts` says how many problems have which. `license` is what the dataset's own card
    states, "" where it states none; `gold_from` is the source, revision and license of the dataset that was joined.
    """

    source: str
    adapter: str
    revision: str
    rows: int = 0
    problems: int = 0
    given_samples: int = 0
    repeated_given: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    gold: str = ""
    gold_counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    license: str = ""
    gold_from: dict[str, str] = field(default_factory=dict)


class Collection:
    """All sources read and merged. `samples()` must be exhausted first: given solutions pass through it and are
    never kept, only the problems stay in memory. Then `problems`, `drops` and `summaries()` are complete.

    Samples of a problem that is dropped later (two rows contradict each other) have passed by then: a reader of
    the stored samples goes by the problems.
    """

    def __init__(self, streams: Iterable[SourceStream]) -> None:
        self.streams = list(streams)
        _name_apart(self.streams)
        self._problems: dict[str, Problem] = {}
        self._contradicted: dict[str, list[Problem]] = {}
        self._texts: set[bytes] = set()
        self._draws: Counter[str] = Counter()
        self.drops: list[Drop] = []

    def samples(self) -> Iterator[Sample]:
        """Read every source, yielding the given samples with their final draw numbers."""
        for stream in self.streams:
            for found in stream:
                if isinstance(found, Drop):
                    self.drops.append(found)
                elif stream.config.only_known and found[0].id not in self._problems:
                    self.drops.extend(row_drops(found[0], "not_in_other_sources", "no source before has this question"))
                else:
                    self._merge(found[0])
                    before = stream.given_samples
                    for sample in self._renumber(found[1]):
                        stream.given_samples += 1
                        yield sample
                    stream.repeated_given += len(found[1]) - (stream.given_samples - before)
        for problem, repeats in self._contradicted.items():
            del self._problems[problem]
            golds = "; ".join(f"{repeat.answer!r} in {', '.join(repeat.rows)}" for repeat in repeats[:5])
            for repeat in repeats:
                self.drops.extend(row_drops(repeat, "repeat_gold_differs", golds))

    @property
    def problems(self) -> list[Problem]:
        """The merged problems, in the order of their first rows."""
        return list(self._problems.values())

    def summaries(self, problems: list[Problem], drops: list[Drop]) -> list[SourceSummary]:
        """Per source: `problems` and `drops` as they stand after everything that dropped more of them."""
        return summarise(self.streams, problems, drops)

    def _merge(self, problem: Problem) -> None:
        known = self._problems.get(problem.id)
        if known is None:
            self._problems[problem.id] = problem
        elif problem.id in self._contradicted:
            self._contradicted[problem.id].append(problem)
        elif known.gold == problem.gold and plain_answer(known.answer) != plain_answer(problem.answer):
            self._contradicted[problem.id] = [known, problem]
        else:
            better, other = (problem, known) if _TRUST[problem.gold] > _TRUST[known.gold] else (known, problem)
            merged = replace(better, rows=known.rows + problem.rows, meta={**other.meta, **better.meta})
            self._problems[problem.id] = merged

    def _renumber(self, samples: list[Sample]) -> Iterator[Sample]:
        for sample in samples:
            identity = f"{sample.problem_id}\n{sample.side}\n{sample.text}"
            seen = hashlib.blake2b(identity.encode(), digest_size=8).digest()
            if seen not in self._texts:
                self._texts.add(seen)
                yield replace(sample, draw=self._draws[sample.problem_id])
                self._draws[sample.problem_id] += 1


def collect(streams: Iterable[SourceStream]) -> Collection:
    """Merge sources; see `Collection`."""
    return Collection(streams)


def _name_apart(streams: list[SourceStream]) -> None:
    """Two sources of one dataset (other rows, other columns) get different names, because rows are named by them."""
    seen: Counter[str] = Counter()
    for stream in streams:
        seen[stream.name] += 1
        if seen[stream.name] > 1:
            stream.name = f"{stream.name}#{seen[stream.name]}"


def row_drops(problem: Problem, reason: str, detail: str) -> list[Drop]:
    """One drop for every source row of a problem, so that rows add up: rows in problems + drops = rows read."""
    return [Drop(row, "source", reason, detail) for row in problem.rows]


def plain_answer(answer: str) -> str | Fraction:
    """What two gold texts that are one answer have in common: the number, or the text but for spacing and dollars."""
    text = "".join(answer.split()).strip("$").rstrip(".").replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    value = plain_number(text)
    return text if value is None else value


def summarise(
    streams: Iterable[SourceStream], problems: Iterable[Problem], drops: Iterable[Drop]
) -> list[SourceSummary]:
    """The figures of each source, from the problems that are left and all drops so far (also later ones)."""
    summaries = {
        s.name: SourceSummary(
            s.name, s.adapter, s.revision, s.rows, 0, s.given_samples, s.repeated_given, notes=s.notes,
            license=s.license, gold_from=s.gold_from,
        )
        for s in streams
    }  # fmt: skip
    names = sorted(summaries, key=len, reverse=True)
    for problem in problems:
        for source in {_source_of(row, names) for row in problem.rows}:
            summaries[source].problems += 1
            counts = summaries[source].gold_counts
            counts[problem.gold] = counts.get(problem.gold, 0) + 1
    for drop in drops:
        source = _source_of(drop.subject, names)
        if source:
            summaries[source].drops[drop.reason] = summaries[source].drops.get(drop.reason, 0) + 1
    for summary in summaries.values():
        counts = summary.gold_counts
        summary.gold = "joined" if "joined" in counts else max(counts, key=lambda kind: counts[kind], default="")
    return list(summaries.values())


def _source_of(row: str, names: list[str]) -> str:
    return next((name for name in names if row.startswith(f"{name}:")), "")
