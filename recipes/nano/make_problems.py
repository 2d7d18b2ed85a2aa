"""Write the bundled problems: `pairforge/demo/problems.jsonl` (build) and `pairforge/demo/eval.jsonl`.

    python recipes/nano/make_problems.py [--out FOLDER]

The same seed writes the same bytes. No calculation occurs twice, within a file or across the two, so that the
evaluation problems are new to whatever was built from the others.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from problems import KINDS, LEVELS, WordProblem, draw_problem

SEED = 20251
SOURCE = "pairforge-demo-synthetic"
DEMO = Path(__file__).resolve().parents[2] / "pairforge" / "demo"

# Problems of each kind per level: together they leave the short style right in half to three quarters of all.
BUILD_COUNTS = {"easy": 42, "medium": 36, "hard": 42}
EVAL_COUNTS = {"easy": 26, "medium": 23, "hard": 26}


def bundled_problems() -> tuple[list[WordProblem], list[WordProblem]]:
    """The build problems and the evaluation problems, no calculation shared between or within them."""
    rng = random.Random(SEED)
    seen: set[tuple[object, ...]] = set()
    return _distinct(rng, BUILD_COUNTS, seen), _distinct(rng, EVAL_COUNTS, seen)


def bundled_keys() -> frozenset[tuple[object, ...]]:
    """The calculations that training must not see."""
    build, evaluation = bundled_problems()
    return frozenset(p.key for p in [*build, *evaluation])


def _distinct(rng: random.Random, counts: dict[str, int], seen: set[tuple[object, ...]]) -> list[WordProblem]:
    problems: list[WordProblem] = []
    for kind in KINDS:
        for level in LEVELS:
            wanted = len(problems) + counts[level]
            while len(problems) < wanted:
                problem = draw_problem(rng, kind, level)
                if problem.key not in seen:
                    seen.add(problem.key)
                    problems.append(problem)
    rng.shuffle(problems)
    return problems


def _row(name: str, number: int, problem: WordProblem) -> dict[str, str]:
    forms = problem.golds
    return {
        "id": f"{name}-{number:04d}",
        "question": problem.question,
        "answer": forms[number % len(forms)],
        "solution": problem.long,
        "source": SOURCE,
        "topic": problem.kind,
        "difficulty": problem.level,
    }


def _write(path: Path, name: str, problems: list[WordProblem]) -> None:
    rows = (_row(name, number, problem) for number, problem in enumerate(problems))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(problems)} problems -> {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEMO, help="folder to write into (default: the package's)")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    build, evaluation = bundled_problems()
    _write(out / "problems.jsonl", "demo", build)
    _write(out / "eval.jsonl", "demo-eval", evaluation)


if __name__ == "__main__":
    main()
