"""How small a change of accuracy a study can see.

Two models answer the same questions. The variance of their difference is that of Miller (2024, "Adding Error Bars
to Evals", arXiv 2411.00640): per question, the variance of the difference between the models' chances of a right
answer, plus the chance of each answer itself over the number of answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scipy import special

from pairforge.errors import TrainError

LEVEL = 0.05
POWER = 0.8
BETWEEN_SHARE = 0.6  # of accuracy * (1 - accuracy): assumed where nothing is known
CORRELATION = 0.9  # of how hard the two models find the questions: assumed where one was trained from the other
MOST_QUESTIONS = 10**7


@dataclass(frozen=True, slots=True)
class Design:
    """A planned comparison of two models.

    `accuracy` is that of the first model. `between_variance`: the variance over questions of the chance of a right
    answer, from 0 (all equally hard) to accuracy * (1 - accuracy) (each always right or always wrong).
    `correlation`: that of the two models' chances over the questions, 0 to 1. `level` is the chance of a false
    alarm, `power` that of finding a true change.
    """

    questions: int
    answers: int
    accuracy: float
    between_variance: float
    correlation: float = CORRELATION
    power: float = POWER
    level: float = LEVEL

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Measured:
    """What an evaluation says about the variances: of its first model, all benchmarks together."""

    accuracy: float
    between_variance: float | None


def design(
    questions: int,
    answers: int,
    accuracy: float,
    between_variance: float | None = None,
    correlation: float = CORRELATION,
    *,
    power: float = POWER,
    level: float = LEVEL,
) -> Design:
    """A design, with an assumed variance between questions where none is given.

    Raises `TrainError` for a design that cannot be.
    """
    if not 0 < accuracy < 1:
        raise TrainError(f"accuracy {accuracy:g} leaves nothing to plan", hint="give a share between 0 and 1, e.g. 0.6")
    most = accuracy * (1 - accuracy)
    between = BETWEEN_SHARE * most if between_variance is None else between_variance
    if not 0 <= between <= most + 1e-9:
        message = f"a variance of {between:g} between questions is impossible at accuracy {accuracy:g}"
        raise TrainError(message, hint=f"it lies between 0 and accuracy * (1 - accuracy) = {most:.3g}")
    if not 0 <= correlation <= 1 or not 0 < power < 1 or not 0 < level < 1:
        message = f"correlation {correlation:g}, power {power:g}, level {level:g}: not all possible"
        raise TrainError(message, hint="the correlation lies in 0..1, power and level between 0 and 1")
    if questions < 2 or answers < 1:
        raise TrainError(f"{questions} questions, {answers} answers", hint="at least 2 questions and 1 answer")
    return Design(questions, answers, accuracy, min(between, most), correlation, power, level)


def read_measured(file: Path) -> Measured:
    """The first model's accuracy and variance between questions in an eval.json, averaged over benchmarks.

    Raises `TrainError` for a file that is not there, or another kind of file.
    """
    hint = "give the eval.json of `pairforge eval`"
    try:
        return measured_variance(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise TrainError(f"cannot read {file}: {error.strerror}", hint=hint) from error
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise TrainError(f"{file} holds no figures of a model", hint=hint) from error


def measured_variance(record: Mapping[str, Any]) -> Measured:
    """The same from the contents of the file; a missing figure raises what Python raises."""
    rows = [row for row in record["rows"] if row["score"]]
    rows = [row for row in rows if row["model"] == rows[0]["model"]]
    accuracy = sum(float(row["accuracy"]["value"]) for row in rows) / len(rows)
    variances = [row["score"]["between_variance"] for row in rows]
    if any(variance is None for variance in variances):
        return Measured(accuracy, None)  # one answer each cannot tell it
    return Measured(accuracy, sum(variances) / len(variances))


def standard_error(plan: Design) -> float:
    """Of the measured difference, in points of share."""
    within = plan.accuracy * (1 - plan.accuracy) - plan.between_variance
    apart = 2 * plan.between_variance * (1 - plan.correlation)
    return math.sqrt((apart + 2 * within / plan.answers) / plan.questions)


def detectable(plan: Design) -> float:
    """The smallest true change, in points of share, that a two-sided paired t-test finds with the design's power."""
    freedom = plan.questions - 1
    rejects = special.stdtrit(freedom, 1 - plan.level / 2)
    return standard_error(plan) * float(rejects + special.stdtrit(freedom, plan.power))


def questions_needed(plan: Design, change: float) -> int | None:
    """How many questions it takes to see `change` (points of share); None where ten million do not suffice.

    Raises `TrainError` for a change of nothing.
    """
    if change <= 0:
        raise TrainError(f"a change of {100 * change:g} points cannot be seen", hint="give a positive number of points")

    def suffice(questions: int) -> bool:
        return detectable(replace(plan, questions=questions)) <= change

    low, high = 1, 2
    while not suffice(high):
        low, high = high, 2 * high
        if low > MOST_QUESTIONS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffice(middle) else (middle, high)
    return high
