"""A recipe and a run, and what is loaded of both: once per command."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from pairforge import lengths
from pairforge.filters import Evidence, prepare
from pairforge.filters.columns import unknown_names
from pairforge.filters.ruleset import columns_named, measures_needed
from pairforge.filters.source_columns import source_columns
from pairforge.pipeline.evidence_tables import problem_facts, sample_facts, with_scores
from pairforge.pipeline.ground_truth import GroundTruth, ground_truth, looks_at_options, named_sources
from pairforge.pipeline.recipe_settings import run_recipe
from pairforge.pipeline.sampler import load_sampler
from pairforge.pipeline.student import Format, formats_of, load_student
from pairforge.pipeline.student_lengths import sample_lengths, text_quality
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.records import Problem
from pairforge.run import Run, ScoreRecord, open_run, read_score, score_names, score_record

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Session:
    """What the stages work on. Everything is loaded when it is first asked for, and then kept.

    A stage that appends evidence must say so (`samples_changed`, `verdicts_changed`, `scores_changed`, ...): the
    tables it changed, and what was computed from them, are then loaded again. Of the problems only
    the answers may change, where there were none (`problems_changed`).
    """

    def __init__(self, recipe: Recipe, run: Run, progress: Progress = quiet) -> None:
        self.recipe, self.run, self.progress = recipe, run, progress
        self._samplers: dict[str, PreTrainedTokenizerBase | None] = {}

    def with_rules(self, recipe: Recipe) -> Session:
        """The same run and the same loaded values under a recipe that differs in rules and seed only."""
        other = copy.copy(self)
        other.recipe = recipe
        return other

    def for_sampling(self, recipe: Recipe) -> Session:
        """The same run under the recipe of a stage of sampling, which may count lengths in another way."""
        counts = (recipe.format, recipe.filter.tokenizer, recipe.filter.revision, recipe.filter.chat_template)
        own = self.recipe
        if recipe == own.model_copy(update={"sample_for": ()}):
            return self
        if counts == (own.format, own.filter.tokenizer, own.filter.revision, own.filter.chat_template):
            return self.with_rules(recipe)
        return Session(recipe, self.run, self.progress)

    # --- tokenizers and formats ----------------------------------------------------------------------

    @cached_property
    def student(self) -> PreTrainedTokenizerBase:
        """The student's tokenizer. Raises `TemplateError` when its chat template deletes the reasoning."""
        return load_student(self.recipe)

    @cached_property
    def student_digest(self) -> str:
        return lengths.tokenizer_digest(self.student)

    def sampler(self, origin: str) -> PreTrainedTokenizerBase | None:
        """The tokenizer of an arm; None where only its server has one."""
        block, rules = self.recipe.arms[origin], self.recipe.filter
        same = (block.engine.model, block.engine.revision) == (rules.tokenizer, rules.revision)
        same = same and block.prompt.template_kwargs == self.recipe.format.template_kwargs
        if same and rules.chat_template == "own":
            return self.student
        if origin not in self._samplers:
            self._samplers[origin] = load_sampler(block)
        return self._samplers[origin]

    @property
    def formats(self) -> tuple[Format, Format]:
        """The formats of the chosen and of the rejected side."""
        return formats_of(self.recipe.format)

    # --- tables --------------------------------------------------------------------------------------

    @cached_property
    def problems(self) -> pl.DataFrame:
        """id, question, answer, source, gold of every problem, in the order of the sources."""
        return self.run.problem_table(["id", "question", "answer", "source", "gold"])

    @cached_property
    def truth(self) -> GroundTruth:
        """The gold answer of every problem, and the rules that it is compared by."""
        problems = self.run.each_problem() if looks_at_options(self.recipe) else self.each_problem()
        return ground_truth(self.recipe, named_sources(self.recipe, self.run), problems)

    def each_problem(self) -> Iterator[Problem]:
        """The problems as records, without the source rows; with `meta` where a prompt names a column of it."""
        rows = self.problems.iter_rows(named=True)
        if not any(block.prompt.columns for block in self.recipe.arms.values()):
            return (Problem(**row) for row in rows)
        metas = self.run.problem_table(["meta"])["meta"]
        return (Problem(**row, meta=json.loads(meta or "{}")) for row, meta in zip(rows, metas, strict=True))

    @cached_property
    def samples(self) -> pl.DataFrame:
        """Every sample, without its text: see `Run.sample_table`."""
        return self.run.sample_table()

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """sample_key, status, answer, verifier_version of every judged sample."""
        return self.run.verdict_table().select("sample_key", "status", "answer", "verifier_version")

    @property
    def kept_samples(self) -> pl.DataFrame:
        """The samples whose problem was kept."""
        return self.samples.filter(pl.col("problem_id").is_in(self.problems["id"].implode()))

    @cached_property
    def sample_facts(self) -> pl.DataFrame:
        """What the rules decide on, by sample; lengths in the student's tokens."""
        chosen, rejected = self.formats
        other = None if rejected == chosen else self._lengths(rejected)
        facts = sample_facts(self.samples, self.verdicts, self._lengths(chosen), other)
        return with_scores(facts, self._scores_by("sample_key"), "sample_key")

    @cached_property
    def scores(self) -> list[tuple[ScoreRecord, pl.DataFrame]]:
        """The scores of the run, each with its values."""
        return [(score_record(self.run, name), read_score(self.run, name)) for name in score_names(self.run)]

    def _scores_by(self, key: str) -> list[tuple[str, pl.DataFrame]]:
        return [(record.name, table) for record, table in self.scores if record.key == key]

    def _lengths(self, form: Format) -> pl.DataFrame:
        keys = set(self.kept_samples["sample_key"])
        tokenizer, digest = self.student, self.student_digest
        return sample_lengths(self.run, keys, self.problems, tokenizer, digest, self.recipe.format, form, self.progress)

    # --- evidence ------------------------------------------------------------------------------------

    def evidence(self, columns: Iterable[str] | None = None) -> Evidence:
        """Problems and samples, ready for any number of rule sets that name these columns (see
        `pairforge.filters.columns`); None: those of the recipe's rules and pairs.

        Measures of the texts and the source's columns are read only when something names them. Where a name is of no
        column at all, everything there is gets read, so that an error can list it.
        """
        if columns is None:
            columns = {*columns_named(self.recipe.filter), *self.recipe.format.columns}
        names = set(columns)
        measured = bool(measures_needed(names))
        unknown = unknown_names(names, self._evidence(measured=measured, joined=False))
        return self._evidence(measured=measured, joined=bool(unknown))

    def _evidence(self, *, measured: bool, joined: bool) -> Evidence:
        """The evidence with or without the measures of the texts, and the columns that are joined to it."""
        if (measured, joined) not in self._evidences:
            problems, samples = self._problem_facts, self.sample_facts
            notes: dict[str, str] = {}
            if measured:
                measures = text_quality(self.run, set(self.kept_samples["sample_key"]), self.progress)
                samples = samples.join(measures, on="sample_key", how="left")
            if joined:
                own, notes = self._source_columns
                problems = problems.join(own, on="problem_id", how="left")
            self._evidences[measured, joined] = prepare(problems, samples, notes)
        return self._evidences[measured, joined]

    @cached_property
    def _evidences(self) -> dict[tuple[bool, bool], Evidence]:
        return {}

    @cached_property
    def _source_columns(self) -> tuple[pl.DataFrame, dict[str, str]]:
        return source_columns(self.run.problem_table(["id", "meta"]).iter_rows())

    @cached_property
    def _problem_facts(self) -> pl.DataFrame:
        draws = {origin: block.draws for origin, block in self.recipe.arms.items()}
        facts = problem_facts(self.problems, self.sample_facts, self.run.sampling_drops(), draws)
        return with_scores(facts, self._scores_by("problem_id"), "problem_id")

    # --- what a stage has changed --------------------------------------------------------------------

    def problems_changed(self) -> None:
        """Problems without ground truth have got one."""
        self._forget("problems", "truth", "_source_columns")
        self.evidence_changed()

    def samples_changed(self) -> None:
        self._forget("samples", "sample_facts", "_problem_facts", "_evidences")

    def verdicts_changed(self) -> None:
        self._forget("verdicts", "sample_facts", "_problem_facts", "_evidences")

    def evidence_changed(self) -> None:
        self.samples_changed()
        self.verdicts_changed()

    def sampling_drops_changed(self) -> None:
        self._forget("_problem_facts", "_evidences")

    def scores_changed(self) -> None:
        self._forget("scores", "sample_facts", "_problem_facts", "_evidences")

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)


def open_session(run: str | Run, overrides: Iterable[str] = (), progress: Progress = quiet) -> Session:
    """A session over an existing run and its own recipe, with overrides.

    Raises `RunError` when there is no such run, `RecipeError` for an override that no recipe can have.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    return Session(run_recipe(opened, overrides), opened, progress)
