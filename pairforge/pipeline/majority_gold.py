"""Ground truth for problems that have none: the answer that most solutions of one arm agree on.

These problems are drawn before all others, and fully: nothing can be accepted while no answer is known. What was
decided is stored and stays, so that everything later sees an answer like any other, marked as the weakest kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from pairforge.generator import Plan
from pairforge.generator.budget import Budget, budget
from pairforge.generator.config import GIVEN
from pairforge.pipeline.frozen_target import facts_by_problem, frozen_target
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.sampler import stop_strings
from pairforge.pipeline.sampling_plan import Arm, Work, begun_draws, by_hash, length_measure, make_arm, make_task
from pairforge.pipeline.session import Session
from pairforge.run.tables import MAJORITY_COLUMNS
from pairforge.verifier import Verifier
from pairforge.verifier.extract.answer import extract_answer
from pairforge.verifier.majority_vote import Majority, majorities


def unlabelled(session: Session) -> list[str]:
    """The problems without ground truth, in the order of the sources."""
    return session.problems.filter(pl.col("answer") == "")["id"].to_list()


def unlabelled_work(session: Session, *, only: int | None = None) -> Work | None:
    """What is still to be drawn for problems without ground truth; None when nothing is.

    `only` limits it to that many problems, chosen by a hash of the seed and their ids.
    """
    recipe, pending = session.recipe, unlabelled(session)
    if recipe.majority is None or recipe.majority.arm == GIVEN or not pending:
        return None
    arm = make_arm(session, recipe.majority.arm, recipe.arms[recipe.majority.arm])
    wanted = set(pending if only is None else by_hash(pending, recipe.seed)[:only]) - arm.too_long.keys()
    target = frozen_target(recipe, session.run)
    tasks = [
        make_task(arm, problem, full_budget(arm, problem.id))
        for problem in session.each_problem()
        if problem.id in wanted
    ]
    own = facts_by_problem(session.sample_facts).drawn.get(arm.origin, [])
    plan = Plan(
        tasks,
        run_seed=recipe.seed,
        min_draws=arm.block.draws.max,
        max_draws=arm.block.draws.max,
        stored=own,
        begun=begun_draws(session, arm, tasks, own),
        stop=stop_strings(arm.block, arm.sampler),
        origin=arm.origin,
    )
    return None if plan.finished else Work(arm, plan, tasks, length_measure(session, target, arm.origin), None)


def full_budget(arm: Arm, problem: str) -> Budget:
    """All that the recipe and the context allow: no rule can say yet what is too long."""
    return budget(
        None, configured_tokens=arm.block.sampling.max_tokens, room_tokens=arm.room_tokens[problem], ratio=arm.ratio
    )


def decide_majorities(session: Session) -> int:
    """Store the majority of every problem without ground truth whose solutions are all there; returns how many.

    A problem whose solutions do not agree enough stays without an answer.
    """
    settings = session.recipe.majority
    if settings is None:
        return 0
    answers = final_answers(session, settings.arm)
    if not answers:
        return 0
    with open_verifier(session.recipe, session.run) as verifier:
        found = majorities(answers, lambda pairs: equal_answers(session, verifier, pairs))
    agreed = {
        problem: won
        for problem, won in found.items()
        if won.agreeing >= settings.min_agreeing and won.share >= settings.min_share
    }
    if agreed:
        session.run.write_majorities(pl.concat([session.run.majorities(), as_table(agreed)]))
        session.problems_changed()
    return len(agreed)


def final_answers(session: Session, origin: str) -> dict[str, list[str]]:
    """The final answer of every solution of the arm, "" where it has none, of the problems that have all of them."""
    pending = set(unlabelled(session))
    expected = 1 if origin == GIVEN else session.recipe.arms[origin].draws.max
    own = session.samples.filter((pl.col("origin") == origin) & pl.col("problem_id").is_in(list(pending)))
    complete = own.group_by("problem_id").len().filter(pl.col("len") >= expected)["problem_id"]
    wanted = set(own.filter(pl.col("problem_id").is_in(complete.implode()))["sample_key"])
    answers: dict[str, list[str]] = {}
    for sample in session.run.each_sample() if wanted else ():
        if sample.key in wanted and sample.finish_reason != "error":
            found = extract_answer(sample.text, sample.finish_reason)
            answers.setdefault(sample.problem_id, []).append("" if found.missing or found.prose else found.answer)
    return answers


def equal_answers(session: Session, verifier: Verifier, pairs: Iterable[tuple[str, str, str]]) -> Iterator[bool]:
    """Whether two final answers of a problem are the same, by the comparison that judges its solutions."""
    items = (
        replace(session.truth.item("", problem, f"\\boxed{{{second}}}", "stop"), gold=first)
        for problem, first, second in pairs
    )
    return (verdict.status == "correct" for verdict in verifier.verify(items))


def as_table(agreed: dict[str, Majority]) -> pl.DataFrame:
    rows = [(name, won.answer, won.agreeing, won.votes, won.share, won.margin) for name, won in sorted(agreed.items())]
    return pl.DataFrame(rows, schema=MAJORITY_COLUMNS, orient="row")
