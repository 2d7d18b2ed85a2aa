"""What the verifier needs of a problem: its gold answer, and the rules of the source that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pairforge.errors import VerifierError
from pairforge.recipe import Recipe
from pairforge.records import FinishReason, Problem
from pairforge.run import Run
from pairforge.sources.config import SourceConfig
from pairforge.verifier import AnswerRules, Item, Verifier, verifier_version
from pairforge.verifier.answer_rules import Options
from pairforge.verifier.text_kinds import options_from


def recipe_rules(recipe: Recipe, source: SourceConfig | None = None) -> AnswerRules:
    """The rules of the recipe's `verifier` block, with what a source's own block says instead."""
    chosen = recipe.verifier.model_dump(include={"kind", "percent", "units", "python"})
    if source is not None and source.verifier is not None:
        chosen |= source.verifier.model_dump(exclude_none=True)
    python = chosen.pop("python")
    return AnswerRules(**chosen, function=(python or "") if chosen["kind"] == "python" else "")


@dataclass(frozen=True, slots=True)
class _Truth:
    gold: str
    source: str
    question: str = ""
    options: Options = ()


@dataclass(slots=True)
class GroundTruth:
    """The gold answers of problems, and how each is compared."""

    default: AnswerRules
    by_source: Mapping[str, AnswerRules]
    problems: Mapping[str, _Truth]
    own_file: bool
    _versions: dict[AnswerRules, str] = field(default_factory=dict)

    def rules(self, problem_id: str) -> AnswerRules:
        """The rules of the problem's source."""
        return self.by_source.get(self.problems[problem_id].source, self.default)

    def version(self, problem_id: str) -> str:
        """The verifier's version under these rules."""
        rules = self.rules(problem_id)
        return self._versions.get(rules) or self._versions.setdefault(rules, verifier_version(rules))

    def item(self, key: str, problem_id: str, text: str, finish_reason: FinishReason) -> Item:
        """What the verifier needs to judge a sample. Raises `VerifierError` where that would run foreign code."""
        truth, rules = self.problems[problem_id], self.rules(problem_id)
        if rules.kind == "python" and not self.own_file:
            raise VerifierError(
                f"the recipe stored in this run names a function to run: {rules.function}",
                hint="a function is run from your own recipe file only: pairforge build RECIPE --run RUN",
            )
        return Item(key, truth.gold, text, finish_reason, truth.question, truth.options, rules)


def ground_truth(
    recipe: Recipe, sources: Iterable[tuple[str, SourceConfig]], problems: Iterable[Problem]
) -> GroundTruth:
    """The ground truth of problems; `sources` are the recipe's, each with the name that its problems carry."""
    default = recipe_rules(recipe)
    by_source = {name: recipe_rules(recipe, spec) for name, spec in sources}
    kinds = {default.kind, *(rules.kind for rules in by_source.values())}
    asked = not kinds <= {"math", "exact"}  # the others look at the question
    truths = {
        problem.id: _Truth(problem.answer, problem.source, problem.question, options_from(problem.meta.get("options")))
        if asked
        else _Truth(problem.answer, problem.source)
        for problem in problems
    }
    return GroundTruth(default, by_source, truths, recipe.is_own_file)


def named_sources(recipe: Recipe, run: Run) -> list[tuple[str, SourceConfig]]:
    """The recipe's sources with the names that the run gave them."""
    names = [source.source for source in run.manifest().sources]
    return list(zip(names, recipe.sources, strict=False))


def looks_at_options(recipe: Recipe) -> bool:
    """Does any source have the options of its questions in a column?"""
    return "choice" in {recipe.verifier.kind, *(recipe_rules(recipe, source).kind for source in recipe.sources)}


class TruthVerifier(Verifier):
    """A verifier that adds each problem's rules, question and options to the items of the sampling loop."""

    def __init__(self, truth: GroundTruth, *, workers: int | None, timeout_s: float, cache: Path | None) -> None:
        super().__init__(workers=workers, timeout_s=timeout_s, cache=cache)
        self._truth = truth

    def submit(self, item: Item) -> None:
        """Take one sample, whose key starts with its problem's id."""
        told = self._truth.item(item.key, item.key.partition("/")[0], item.text, item.finish_reason)
        super().submit(replace(told, gold=item.gold))
