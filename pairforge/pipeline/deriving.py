"""Derived solutions: made from stored ones, stored as evidence with an origin of their own, and verified."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from pairforge.chat import completion_message, render_reasoning, split_reasoning, split_solution
from pairforge.derive.config import DeriveConfig
from pairforge.derive.cuts import first_correct, truncated, without_reflections
from pairforge.derive.steps import statements
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.session import Session
from pairforge.pipeline.verifying import verify
from pairforge.records import Sample, digest
from pairforge.run.derived_file import remove_derived, write_derived
from pairforge.verifier import Item, Verifier

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def derive(session: Session) -> dict[str, dict[str, int]]:
    """Make the recipe's derived solutions, and verify them; nothing is done again while nothing has changed.

    Returns by origin what became of the solutions they are made of: `made`, `unchanged` (the method found nothing to
    cut), `not_correct` (the method takes correct solutions only).
    """
    run, settings = session.run, session.recipe.derive
    if not settings and not run.derived_file.exists():
        return {}
    with run.lock():
        record = run.manifest().derived
        state = derived_state(session)
        if record is not None and record.state == state and run.derived_file.exists():
            return record.counts
        counts: dict[str, Counter[str]] = {name: Counter() for name in settings}
        try:
            with run.timed("derive"):
                if settings:
                    write_derived(run, made(session, counts))
                else:
                    remove_derived(run)
        finally:
            session.samples_changed()
            session.verdicts_changed()
            session.scores_changed()
        found = {name: dict(count) for name, count in counts.items()}
        run.update_manifest(derived={"state": state, "counts": found})
        verify(session)
        return found


def derived_state(session: Session) -> str:
    """Identifies the settings, and the solutions and verdicts that derived solutions are made from."""
    settings = {name: how.model_dump(mode="json") for name, how in sorted(session.recipe.derive.items())}
    taken = session.samples.filter(pl.col("origin").is_in([how.of for how in session.recipe.derive.values()]))
    judged = taken.join(session.verdicts, on="sample_key", how="left").sort("sample_key")
    student = session.student_digest if any(how.truncate for how in session.recipe.derive.values()) else ""
    evidence = [judged["sample_key"].to_list(), judged["status"].to_list()]
    return digest([settings, student, session.recipe.verifier.percent, evidence])


def made(session: Session, counts: dict[str, Counter[str]]) -> Iterator[tuple[Sample, str]]:
    """The derived solutions, origin by origin, each with the key of the solution it is made from."""
    standing = {origin: set(keys) for origin, keys in session.samples.group_by("origin").agg("sample_key").iter_rows()}
    correct = set(session.verdicts.filter(pl.col("status") == "correct")["sample_key"])
    for name, how in session.recipe.derive.items():
        keys = standing.get(how.of, set())
        sources = (s for s in session.run.each_sample() if s.origin == how.of and s.key in keys)
        for done, (source, thought) in enumerate(cut(session, how, sources, correct, counts[name]), start=1):
            yield rewritten(source, name, thought), source.key
            session.progress(f"derive {name}", done, None, "")


def cut(
    session: Session, how: DeriveConfig, sources: Iterable[Sample], correct: set[str], count: Counter[str]
) -> Iterator[tuple[Sample, str]]:
    """The solutions with their reasoning as the method leaves it; those that it leaves as they are are counted."""
    if how.needs_right_answers:
        count["not_correct"] = 0
        answers = dict(session.problems.select("id", "answer").iter_rows())
        taken = (s for s in sources if s.key in correct or count.update(["not_correct"]))
        with open_verifier(session.recipe, session.run) as verifier:
            for source, places in with_right_places(taken, answers, verifier):
                yield from kept(source, first_correct(reasoning(source)[0], places, how.first_correct_plus or 0), count)
        return
    for source in sources:
        thought = reasoning(source)[0]
        if how.truncate is not None:
            shorter = truncated(thought, characters_of(session.student, thought, how.truncate))
        else:
            shorter = without_reflections(thought)
        yield from kept(source, shorter, count)


def kept(source: Sample, thought: str | None, count: Counter[str]) -> Iterator[tuple[Sample, str]]:
    """The solution, where its reasoning became shorter."""
    count["made" if thought is not None else "unchanged"] += 1
    if thought is not None:
        yield source, thought


@dataclass(slots=True)
class Places:
    """A solution whose statements are being verified: how many are open, and where the right answer stands."""

    source: Sample
    open: int
    right: list[int] = field(default_factory=list)


def with_right_places(
    sources: Iterable[Sample], answers: dict[str, str], verifier: Verifier
) -> Iterator[tuple[Sample, list[int]]]:
    """Each solution with the places of its reasoning that state the right answer, in order and streaming."""
    waiting: deque[Places] = deque()
    asked: deque[tuple[Places, int]] = deque()

    def items() -> Iterator[Item]:
        for source in sources:
            stated = list(statements(reasoning(source)[0]))
            places = Places(source, len(stated))
            waiting.append(places)
            for statement in stated:
                asked.append((places, statement.end))
                yield Item(source.key, answers[source.problem_id], statement.text)

    for verdict in verifier.verify(items()):
        places, end = asked.popleft()
        places.open -= 1
        if verdict.status == "correct":
            places.right.append(end)
        while waiting and not waiting[0].open:
            ready = waiting.popleft()
            yield ready.source, ready.right
    yield from ((places.source, places.right) for places in waiting)


def reasoning(source: Sample) -> tuple[str, str]:
    """The reasoning of a solution and what follows it. One without a thought of its own is divided."""
    if source.thought is not None:
        return source.thought, source.answer_text
    return split_solution(source.answer_text)


def rewritten(source: Sample, origin: str, thought: str) -> Sample:
    """The solution with another reasoning, in the format it was written in, under another origin."""
    answer = reasoning(source)[1]
    if source.thought is None:
        text = render_reasoning(thought, answer, "bare")
        return replace(source, origin=origin, side="any", text=text, answer_text=text)
    frame = split_reasoning(source.text).frame
    text = completion_message(thought, answer, "", "think" if frame == "plain" else frame)
    return replace(source, origin=origin, side="any", text=text, thought=thought)


def characters_of(tokenizer: PreTrainedTokenizerBase, text: str, tokens: int) -> int:
    """How many characters of a text its first tokens cover."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return len(text) if len(ids) <= tokens else len(tokenizer.decode(ids[:tokens]))
    backend.no_truncation()
    offsets = backend.encode(text, add_special_tokens=False).offsets
    return len(text) if len(offsets) <= tokens else int(offsets[tokens - 1][1])
