"""Small evidence tables for the tests of the rules: written by hand, or generated."""

import random
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

PROBLEMS = {
    "problem_id": pl.String, "source": pl.String, "gold": pl.String, "draws": pl.Int64, "stopped_by": pl.String,
    "pass_rate": pl.Float64,
}  # fmt: skip
SAMPLES = {
    "sample_key": pl.String, "problem_id": pl.String, "origin": pl.String, "side": pl.String, "draw": pl.Int64,
    "model": pl.String, "status": pl.String, "finish_reason": pl.String, "answer": pl.String,
    "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64, "budget_limited": pl.Boolean, "max_tokens": pl.Int64,
    "repetition": pl.Float64,
}  # fmt: skip


def problems(*rows: dict[str, Any] | str) -> pl.DataFrame:
    """One row per problem; a bare string is an id with everything else at its default."""
    default = {"source": "s", "gold": "dataset", "draws": 1, "stopped_by": "max", "pass_rate": 0.5}
    full = [default | ({"problem_id": row} if isinstance(row, str) else row) for row in rows]
    return pl.DataFrame(full, schema=PROBLEMS)


def sample(problem: str, origin: str, tokens: int | None, status: str = "correct", **more: Any) -> dict[str, Any]:
    """One row of the samples table. `draw` tells several samples of one origin apart."""
    row = {
        "problem_id": problem, "origin": origin, "side": "any", "draw": 0, "model": "m", "status": status,
        "finish_reason": "given" if origin == "given" else "stop", "answer": "1" if status == "correct" else "2",
        "prompt_tokens": 10, "completion_tokens": tokens, "budget_limited": False,
        "max_tokens": 0 if origin == "given" else 1024,
    } | more  # fmt: skip
    return {"sample_key": f"{problem}/{origin}/{row['draw']}/{row['max_tokens']}"} | row


def samples(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SAMPLES)


def random_tables(seed: int, n_problems: int, max_samples: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Evidence with every status, both origins, unknown lengths, many ties."""
    rng = random.Random(seed)
    rows, solutions = [], []
    for i in range(n_problems):
        name = f"p{i}"
        rate = rng.choice([None, 0.0, 0.25, 0.5, 1.0])
        rows.append({"problem_id": name, "source": rng.choice("ab"), "gold": rng.choice(["dataset", "teacher"]),
                     "draws": rng.randint(1, 4), "pass_rate": rate})  # fmt: skip
        for draw in range(rng.randint(0, max_samples)):
            origin = rng.choice(["given", "sampled"])
            status = rng.choice(["correct", "correct", "incorrect", "truncated", "no_answer"])
            finish = {"truncated": "length"}.get(status, rng.choice(["stop", "stop", "error"]))
            tokens = rng.choice([None, *range(0, 60, 5)])
            solutions.append(
                sample(name, origin, tokens, status, draw=draw, model=rng.choice("xy"), finish_reason=finish,
                       side=rng.choice(["any", "any", "chosen", "rejected"]), prompt_tokens=rng.randint(0, 20),
                       repetition=rng.choice([None, 0.0, 0.5, 1.0]))
            )  # fmt: skip
    return problems(*rows), samples(*solutions)


def replace(settings: Model, **changes: Any) -> Model:
    """The settings with other values, checked like any."""
    return type(settings).model_validate({**dict(settings), **changes})
