"""Scores that a model gives: log-probabilities, rewards and a judge's grades of a run's solutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import pydantic

from pairforge import demo, lengths
from pairforge.config import Config
from pairforge.errors import RunError
from pairforge.generator.config import ServerEngineConfig, VllmEngineConfig
from pairforge.generator.engines.protocol import Request
from pairforge.generator.engines.start import open_engine
from pairforge.pipeline.session import Session
from pairforge.pipeline.student import completion, student_prompt
from pairforge.records import Sample, digest
from pairforge.run import ScoreRecord
from pairforge.scores.compute import Work, compute
from pairforge.scores.join import check_name
from pairforge.scores.judging import Judge
from pairforge.scores.rubric import judge_prompt, read_rubric
from pairforge.scores.token_scores import TokenItem, logprob_scorer, reward_scorer
from pairforge.vary import parse_value

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Settings = TypeVar("Settings", bound=Config)
JUDGE_SAMPLING = {"temperature": 0.0, "top_p": 1.0}
JUDGE_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Wanted:
    """A score to compute.

    `name` is the score's; `model` a Hub id, a folder or the name a server knows it by. `engine` holds settings of
    `generator.engine` (a server's `base_urls` for a judge). `view` limits the score to the solutions of a view's pairs,
    `replace` allows other values under a name that is taken.
    """

    name: str
    model: str
    revision: str | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)
    view: str | None = None
    replace: bool = False


def score_logprob(session: Session, wanted: Wanted) -> ScoreRecord:
    """Score every solution by its log-probability under a model, behind the student's rendered prompt.

    The tokens are those the trainer trains on: the completion in the chosen side's format with its end of turn.
    `<name>` is the mean per token, `<name>_sum` the sum, `<name>_tokens` their number. Raises `EngineError` when
    vLLM cannot start with the model, `RunError` for a name that is taken.
    """
    engine = vllm_settings(wanted)
    reader = load_model_tokenizer(wanted)
    form = session.formats[0]
    made_from = model_of(engine) | {
        "prompt": digest([session.student_digest, session.recipe.format.system, session.recipe.format.user]),
        "tokenizer": lengths.tokenizer_digest(reader),
        "format": form,
    }
    work = Work(session.run, wanted.name, "logprob", made_from, ("", "sum", "tokens"))
    with session.run.lock():
        keys = missing(session, work, wanted)
        if not keys:
            return stored(work)
        items = token_items(session, keys, session.student, reader)
        with logprob_scorer(demo.resolve(engine.model), engine.revision, engine.engine_args(), log(session)) as scorer:
            return compute(work, items, scorer, lambda done: session.progress("score", done, len(keys), ""))


def score_reward(session: Session, wanted: Wanted) -> ScoreRecord:
    """Score every solution by a sequence-classification model with one label, in that model's own chat template.

    Raises as `score_logprob` does.
    """
    engine = vllm_settings(wanted)
    reader = load_model_tokenizer(wanted)
    block = session.recipe.format
    made_from = model_of(engine) | {
        "prompt": digest([block.system, block.user]),
        "tokenizer": lengths.tokenizer_digest(reader),
        "format": session.formats[0],
    }
    work = Work(session.run, wanted.name, "reward", made_from, ("",))
    with session.run.lock():
        keys = missing(session, work, wanted)
        if not keys:
            return stored(work)
        items = token_items(session, keys, reader, reader)
        with reward_scorer(demo.resolve(engine.model), engine.revision, engine.engine_args(), log(session)) as scorer:
            return compute(work, items, scorer, lambda done: session.progress("score", done, len(keys), ""))


def score_judge(
    session: Session, wanted: Wanted, *, rubric: Path | None = None, scale: tuple[float, float] = (0.0, 10.0)
) -> ScoreRecord:
    """Score every solution by the grade that a model gives it, behind an OpenAI-compatible server.

    `rubric` is a file with {question}, {answer} and {solution}, ours without one; grades outside `scale` are none.
    `<name>` is the grade, `<name>_status` "scored", "unreadable" or "error". Raises `EngineError` when no server
    answers, `RunError` for a name that is taken.
    """
    engine = checked(ServerEngineConfig, {"kind": "server", "model": wanted.model, **wanted.engine})
    text = read_rubric(rubric)
    lowest, highest = scale
    made_from = model_of(engine) | {
        "rubric": f"{rubric.name if rubric else 'ours'} {digest(text)}", "lowest": lowest, "highest": highest,
    }  # fmt: skip
    work = Work(session.run, wanted.name, "judge", made_from, ("",))
    with session.run.lock():
        keys = missing(session, work, wanted)
        if not keys:
            return stored(work)
        with open_engine(engine, sampling=JUDGE_SAMPLING, log=log(session)) as opened:
            items = judge_items(session, keys, text)
            judge = Judge(opened, lowest=lowest, highest=highest)
            return compute(work, items, judge, lambda done: session.progress("score", done, len(keys), ""))


# --- what to score -------------------------------------------------------------------------------------------------


def missing(session: Session, work: Work, wanted: Wanted) -> set[str]:
    """The solutions that have no value yet. Raises `RunError` for a name that is taken."""
    check_name(session.run, work.name, work.columns)
    if wanted.replace and not same(work):
        work.set_aside()
    keys = set(session.kept_samples.filter(pl.col("finish_reason") != "error")["sample_key"])
    if wanted.view is not None:
        pairs = pl.read_parquet(session.run.view(wanted.view) / "pairs.parquet", columns=["chosen_key", "rejected_key"])
        keys &= {*pairs["chosen_key"], *pairs["rejected_key"]}
    return keys - work.done()


def same(work: Work) -> bool:
    """Whether what is stored under the name was made as this score is to be."""
    try:
        work.done()
    except RunError:
        return False
    return True


def stored(work: Work) -> ScoreRecord:
    """The record of a score that is complete; a log that a killed process left becomes part of it."""
    return work.compact()


def solutions(session: Session, keys: set[str]) -> Iterator[Sample]:
    """The solutions of these keys, read as they are asked for."""
    return (sample for sample in session.run.each_sample() if sample.key in keys)


def token_items(
    session: Session, keys: set[str], student: PreTrainedTokenizerBase, reader: PreTrainedTokenizerBase
) -> Iterator[TokenItem]:
    """The solutions as `student` renders them and `reader` reads them."""
    questions = dict(session.problems.select("id", "question").iter_rows())
    block, form = session.recipe.format, session.formats[0]
    rows = (
        (sample.key, student_prompt(block, questions[sample.problem_id]), completion(sample, form))
        for sample in solutions(session, keys)
    )
    return (TokenItem(*item) for item in lengths.trained_ids(student, rows, read_by=reader))


def judge_items(session: Session, keys: set[str], rubric: str) -> Iterator[Request]:
    """What the judge is asked about each solution."""
    problems = {row["id"]: row for row in session.problems.iter_rows(named=True)}
    form = session.formats[0]
    for sample in solutions(session, keys):
        problem = problems[sample.problem_id]
        turns = judge_prompt(rubric, problem["question"], problem["answer"], completion(sample, form))
        prompt = str(turns[0]["content"])
        yield Request(sample.key, sample.problem_id, sample.draw, prompt, JUDGE_TOKENS, 0, messages=tuple(turns))


# --- the model -----------------------------------------------------------------------------------------------------


def parse_engine(options: Iterable[str]) -> dict[str, Any]:
    """`["max_model_len=4096", "base_urls=[http://127.0.0.1:8000/v1]"]` as settings. Raises `RunError` for no `=`."""
    found = {}
    for text in options:
        key, equals, value = text.partition("=")
        if not equals:
            raise RunError(f"--engine '{text}' sets nothing", hint="write --engine max_model_len=4096")
        found[key.strip()] = parse_value(value)
    return found


def vllm_settings(wanted: Wanted) -> VllmEngineConfig:
    """The settings of vLLM in this process."""
    raw = {"kind": "vllm", "model": wanted.model, "revision": wanted.revision, **wanted.engine}
    return checked(VllmEngineConfig, raw)


def checked(kind: type[Settings], raw: dict[str, Any]) -> Settings:
    """Engine settings of a kind. Raises `RunError` naming the first that it does not have."""
    try:
        return kind.model_validate(raw)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        names = ", ".join(name for name in kind.model_fields if name not in ("kind", "model"))
        raise RunError(f"--engine {key}: {first['msg']}", hint=f"settings: {names}") from None


def model_of(engine: VllmEngineConfig | ServerEngineConfig) -> dict[str, str | int | float | bool | None]:
    """What identifies a model."""
    return {"model": engine.model, "revision": engine.revision, "quantization": engine.quantization}


def load_model_tokenizer(wanted: Wanted) -> PreTrainedTokenizerBase:
    """The tokenizer of the model that scores."""
    return lengths.load_tokenizer(demo.resolve(wanted.model), wanted.revision)


def log(session: Session) -> Path:
    """Where vLLM writes its messages."""
    return session.run.engine_log_file
