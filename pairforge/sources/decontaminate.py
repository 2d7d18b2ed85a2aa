"""Keep evaluation problems out of the training set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pairforge.errors import SourceError, nearest
from pairforge.records import Drop, Problem
from pairforge.sources.dedupe import drop_near_duplicates
from pairforge.sources.entry import RowDrop, clean
from pairforge.sources.matching import Kind, Match, Matcher
from pairforge.sources.merge import row_drops
from pairforge.sources.rows import open_rows

# name: (dataset, config, split) of each part. The question's column is found by its name.
EVALUATION_SETS: dict[str, tuple[tuple[str, str | None, str], ...]] = {
    "math-500": (("HuggingFaceH4/MATH-500", None, "test"),),
    "aime-2024": (("HuggingFaceH4/aime_2024", None, "train"),),
    "aime-2025": (("opencompass/AIME2025", "AIME2025-I", "test"), ("opencompass/AIME2025", "AIME2025-II", "test")),
    "gsm8k-test": (("openai/gsm8k", "main", "test"),),
    "olympiadbench": (("Hothan/OlympiadBench", "OE_TO_maths_en_COMP", "train"),),
    "gpqa": (("Idavidrein/gpqa", "gpqa_diamond", "train"),),  # gated: needs a login
}
_QUESTION_COLUMNS = ("problem", "question", "Question", "Problem", "prompt")


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """The questions of a named evaluation set, and the revision they were read at."""

    name: str
    questions: tuple[str, ...]
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Decontamination:
    """What is left, what was dropped, and against what.

    `sets` counts per evaluation set its questions and the problems that repeat one. `unreachable` names the sets that
    could not be read, with the reason: a report that does not show them would claim too much. `kinds` counts the
    dropped problems by kind of match (see `Kind`), `near_duplicates` those dropped because another one is nearly the
    same.
    """

    problems: list[Problem]
    drops: list[Drop]
    sets: dict[str, dict[str, int]] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    near_duplicates: int = 0

    def summary(self) -> dict[str, Any]:
        """The counts for a manifest or a card."""
        return {
            "sets": self.sets,
            "unreachable": self.unreachable,
            "kinds": self.kinds,
            "near_duplicates": self.near_duplicates,
        }


def screen(
    problems: Iterable[Problem],
    *,
    sets: Iterable[str],
    base_dir: Path,
    ngram: int | None,
    without_digits: bool,
    fuzzy: float | None,
    near_duplicates: float | None,
) -> Decontamination:
    """Drop what repeats a question of the named evaluation sets (see `decontaminate`), then near duplicates."""
    loaded, unreachable = load_evaluation_sets(sets, base_dir=base_dir)
    found = decontaminate(
        problems, loaded, ngram=ngram, without_digits=without_digits, fuzzy=fuzzy, unreachable=unreachable
    )
    if near_duplicates is None:
        return found
    kept, repeats = drop_near_duplicates(found.problems, threshold=near_duplicates)
    return replace(found, problems=kept, drops=found.drops + repeats, near_duplicates=len(found.problems) - len(kept))


def load_evaluation_sets(names: Iterable[str], *, base_dir: Path) -> tuple[list[EvaluationSet], dict[str, str]]:
    """Read evaluation sets by name: one of `EVALUATION_SETS`, or any dataset, folder or file a source may be.

    Returns the sets, and for those that cannot be reached the reason. A misspelt name of a known set is an error.
    """
    sets: list[EvaluationSet] = []
    unreachable: dict[str, str] = {}
    for name in names:
        try:
            sets.append(_load(name, base_dir))
        except SourceError as error:
            unreachable[_shown(name)] = error.message
    return sets, unreachable


def _load(name: str, base_dir: Path) -> EvaluationSet:
    by_dataset = {parts[0][0]: parts for parts in EVALUATION_SETS.values()}
    parts = EVALUATION_SETS.get(name) or by_dataset.get(name)
    if parts is None and "/" not in name and "." not in name and ":" not in name:
        known = nearest(name, EVALUATION_SETS, otherwise=f"known names: {', '.join(EVALUATION_SETS)}")
        raise SourceError(f"there is no evaluation set '{name}': {known}")
    questions: list[str] = []
    revisions = []
    for dataset, config, split in parts or ((name, None, "test"),):
        source = open_rows(dataset, config=config, split=split, revision=None, base_dir=base_dir)
        revisions.append(source.revision)
        for _, row in source.rows:
            column = None if isinstance(row, RowDrop) else next((c for c in _QUESTION_COLUMNS if row.get(c)), None)
            if column and not isinstance(row, RowDrop):
                questions.append(clean(str(row[column])))
    if not questions:
        raise SourceError(f"{name} has no column of questions ({', '.join(_QUESTION_COLUMNS)})")
    return EvaluationSet(_shown(name), tuple(questions), revisions[0])


def _shown(name: str) -> str:
    """A file's or folder's own name; cards are public, and where it lies on this machine is nobody's business."""
    return Path(name).name if Path(name).is_absolute() else name


def decontaminate(
    problems: Iterable[Problem],
    sets: Iterable[EvaluationSet],
    *,
    ngram: int | None,
    without_digits: bool,
    fuzzy: float | None,
    unreachable: dict[str, str] | None = None,
) -> Decontamination:
    """Drop every problem that repeats an evaluation question. Each drop names the set, the kind of match and the text.

    Questions are compared in one spelling of LaTeX, numbers and punctuation (see `normalise`). Equal questions always
    match. `ngram` also drops problems with so many consecutive words in common, unless those are stock phrases; None
    turns this off. `without_digits` also drops problems that equal a question but for the numbers: the same exercise
    with other figures. `fuzzy`, from 0 to 1, also drops problems that contain a question, or share so much of its
    words in the same order, with other names or small changes; None turns this off.
    """
    sets = list(sets)
    matcher = Matcher(
        ((one.name, one.questions) for one in sets), ngram=ngram, without_digits=without_digits, fuzzy=fuzzy
    )
    counts = {one.name: {"questions": len(one.questions), "problems": 0} for one in sets}
    kinds: dict[str, int] = {}
    kept: list[Problem] = []
    drops: list[Drop] = []
    for problem in problems:
        match = matcher.match(problem.question)
        if match is None:
            kept.append(problem)
            continue
        counts[match.set_name]["problems"] += 1
        kinds[match.kind] = kinds.get(match.kind, 0) + 1
        drops.extend(row_drops(problem, "contaminated", _shown_match(match)))
    return Decontamination(kept, drops, counts, dict(unreachable or {}), kinds)


_MEANING: dict[Kind, str] = {
    "exact": "same question",
    "numbers": "same question but for its numbers",
    "contained": "contains the question",
    "ngram": "shared words",
    "fuzzy": "similar question",
}


def _shown_match(match: Match) -> str:
    score = f" ({match.score:.2f})" if match.kind == "fuzzy" else ""
    return f"{match.set_name}, {match.kind}, {_MEANING[match.kind]}{score}: {match.quote}"
