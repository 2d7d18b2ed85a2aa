"""What flows through pairforge: frozen records and the Arrow schemas they are stored with.

Problems, samples and verdicts are *evidence*: produced once, stored append-only. Pairs and drops are a
*view*: a pure function of the evidence and the rules, recomputed at will.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict, TypeVar

import pyarrow as pa

Side = Literal["any", "chosen", "rejected"]
SIDES: tuple[Side, ...] = ("any", "chosen", "rejected")
Gold = Literal["dataset", "joined", "teacher", "majority"]
GOLDS: tuple[Gold, ...] = ("dataset", "joined", "teacher", "majority")
FinishReason = Literal["stop", "length", "error", "given"]
Status = Literal["correct", "incorrect", "no_answer", "truncated", "gold_unparsed", "refused", "timeout", "error"]
STATUSES: tuple[Status, ...] = (
    "correct",
    "incorrect",
    "no_answer",
    "truncated",
    "gold_unparsed",
    "refused",
    "timeout",
    "error",
)


class Message(TypedDict):
    """One chat turn in the form that chat templates and TRL expect."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A question with its ground truth.

    `id` is derived from the normalised question (`problem_id`), so equal questions meet in one problem.
    `answer` is the ground truth as the source writes it. `gold` says where it comes from: the dataset itself,
    another dataset joined on the question, the teacher's own boxed answer, or the answer that most solutions of an arm
    agree on (the weakest kind; "" until that is decided).
    `rows` names every source row that merged into this problem ("<source>:<row number or id>").
    `meta` holds JSON values the source offers (difficulty, topic, ...).
    """

    id: str
    question: str
    answer: str
    source: str
    gold: Gold = "dataset"
    rows: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One solution of one problem: given by the source, or sampled from a model.

    `origin` is "given", or the name of the arm that sampled it ("sampled" for a recipe with one `generator`).
    `text` is the raw completion; `thought` and `answer_text` are its two parts when a reasoning frame was found
    (`thought` is None when there is none, and `answer_text` is then the whole text).
    `side` is the role the source gave a ready-made solution ("any" leaves it to the rules).
    `max_tokens` is the budget in the sampler's tokens (0 for given solutions), `sampled_tokens` what it used, both over
    all requests that wrote the text; `budget_limited` marks a budget below the configured one, because a longer sample
    could not have been paired. `token_ratio` (sampler's tokens per student's, with a safety margin) converted that
    limit from the student's tokens.
    `error` holds the engine's message when `finish_reason` is "error".
    """

    problem_id: str
    draw: int
    origin: str
    text: str
    thought: str | None
    answer_text: str
    model: str
    revision: str = ""
    side: Side = "any"
    seed: int = 0
    max_tokens: int = 0
    sampled_tokens: int = 0
    finish_reason: FinishReason = "given"
    budget_limited: bool = False
    token_ratio: float = 1.0
    error: str = ""

    @property
    def key(self) -> str:
        """The sample's identity: problem, origin, draw and budget."""
        return sample_key(self.problem_id, self.origin, self.draw, self.max_tokens)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier decided about one sample, and why. Never a bare bool.

    `answer` is the extracted final answer, `rule` the step that decided, `detail` its explanation.
    Only "correct" and "incorrect" are decisions; every other status means that none could be made.
    """

    sample_key: str
    status: Status
    answer: str
    rule: str
    detail: str
    verifier_version: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference: TRL's explicit-prompt conversational columns, plus where everything came from.

    `id` is a hash of prompt, chosen and rejected: the same texts have the same id in every run and under every rule.
    Token counts are in the student's tokenizer and chat template. `gap_tokens` = chosen - rejected completion tokens.
    """

    id: str
    problem_id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    question: str
    answer: str
    source: str
    gold: Gold
    chosen_key: str
    rejected_key: str
    chosen_status: Status
    rejected_status: Status
    chosen_answer: str
    rejected_answer: str
    chosen_model: str
    rejected_model: str
    prompt_tokens: int
    chosen_tokens: int
    rejected_tokens: int
    gap_tokens: int
    ratio: float
    draws: int
    pick: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a source row or a problem gave no pair.

    `subject` is a problem id, or "<source>:<row>" for a row that never became a problem.
    `counts` tells how many of the problem's candidates fell to which reason.
    """

    subject: str
    stage: str
    reason: str
    detail: str = ""
    counts: dict[str, int] = field(default_factory=dict)


_SPACES = re.compile(r"\s+")


def normalise_question(question: str) -> str:
    """The question as identity sees it: NFKC, lower case, white space collapsed."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", question)).strip().lower()


def problem_id(question: str) -> str:
    """A stable id from the question's normalised text (16 hex digits of SHA-256)."""
    text = normalise_question(question).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def sample_key(problem: str, origin: str, draw: int, max_tokens: int) -> str:
    """`<problem id>/<origin>/<draw>/<max_tokens>`."""
    return f"{problem}/{origin}/{draw}/{max_tokens}"


def digest(value: object) -> str:
    """16 hex digits that identify any JSON-able value, independent of key order."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


Record = TypeVar("Record", Problem, Sample, Verdict, Drop)
_JSON_FIELDS = {"meta", "counts"}


def to_row(record: Problem | Sample | Verdict | Pair | Drop) -> dict[str, Any]:
    """The record as a plain row; free-form mappings become JSON text so that every file has one fixed schema."""
    row: dict[str, Any] = {name: getattr(record, name) for name in record.__dataclass_fields__}
    for name in _JSON_FIELDS & row.keys():
        row[name] = json.dumps(row[name], sort_keys=True, ensure_ascii=False)
    if "rows" in row:
        row["rows"] = list(row["rows"])
    return row


def from_row(kind: type[Record], row: dict[str, Any]) -> Record:
    """The inverse of `to_row`; columns the record does not know are ignored."""
    names = kind.__dataclass_fields__
    values = {k: v for k, v in row.items() if k in names}
    for name in _JSON_FIELDS & values.keys():
        values[name] = json.loads(values[name]) if isinstance(values[name], str) else values[name]
    if "rows" in values:
        values["rows"] = tuple(values["rows"])
    return kind(**values)


def schema(kind: type) -> pa.Schema:
    """The Arrow schema of `Problem`, `Sample`, `Verdict`, `Pair` or `Drop` as stored in parquet."""
    text, integer = pa.string(), pa.int64()
    messages = pa.list_(pa.struct([("role", text), ("content", text)]))
    special: dict[str, pa.DataType] = {
        "rows": pa.list_(text),
        "prompt": messages,
        "chosen": messages,
        "rejected": messages,
        "ratio": pa.float64(),
        "token_ratio": pa.float64(),
        "budget_limited": pa.bool_(),
    }
    integers = {"draw", "draws", "seed", "max_tokens"}

    def column(name: str) -> pa.DataType:
        if name in special:
            return special[name]
        return integer if name in integers or name.endswith("_tokens") else text

    return pa.schema([(f.name, column(f.name)) for f in fields(kind)])
