"""How far the verifier agrees with the graders of real completions.

    python -m benchmarks.verifier_real FOLDER [--out FOLDER] [--workers N]

Reads every `*.jsonl` below FOLDER. In a row the first of these names counts that is there:

| what | names |
|---|---|
| gold | `gold`, `ground_truth`, `reference`, `answer`, `gt` |
| completion, or a list of them | `response(s)`, `completion(s)`, `output(s)`, `samples`, `code`, `solution` |
| the grader's label, one for each completion | `is_correct`, `correct`, `label(s)`, `score(s)`, `grader_score` |

A value that is an object with `solution` and `is_correct` is a completion with its label too. Rows without a label are
left out. A table says how many verdicts agree; `ours_correct.jsonl` and `ours_incorrect.jsonl` hold the decisions that
the grader does not share, `undecided.jsonl` the rows without a decision. It also counts how often a percent sign stands
on one side only with the same number on the other, and what the graders said then.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks._machine import machine
from pairforge.records import Verdict
from pairforge.verifier import VERIFIER_VERSION, Item, Verifier
from pairforge.verifier.extract.answer import extract_gold
from pairforge.verifier.parse.plain import plain_number

GOLD = ("gold", "ground_truth", "reference", "answer", "gt")
RESPONSE = (
    "response", "responses", "completion", "completions", "output", "outputs", "samples", "code", "solution",
)  # fmt: skip
_UNDECIDED_CORRECT = "undecided, grader: correct"
LABEL = ("is_correct", "correct", "label", "labels", "score", "scores", "grader_score")


@dataclass(frozen=True)
class Labelled:
    """A completion with its gold and what its grader said."""

    source: str
    gold: str
    text: str
    correct: bool


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def labelled(row: dict[str, Any], source: str) -> Iterator[Labelled]:
    """The labelled completions of one row."""
    gold = _first(row, GOLD)
    if gold is None:
        return
    texts, labels = _first(row, RESPONSE), _first(row, LABEL)
    if texts is not None and labels is not None:
        pairs = zip(texts, labels, strict=False) if isinstance(texts, list) else [(texts, labels)]
        yield from (Labelled(source, str(gold), str(text), bool(label)) for text, label in pairs)
        return
    for value in row.values():
        if isinstance(value, dict) and "is_correct" in value and "solution" in value:
            yield Labelled(source, str(gold), str(value["solution"]), bool(value["is_correct"]))


def read_folder(folder: Path) -> Iterator[Labelled]:
    """The labelled completions of all files below a folder."""
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line) if line.strip() else None
            if isinstance(row, dict):
                yield from labelled(row, str(path.relative_to(folder)))


def percent_on_one_side(gold: str, answer: str) -> str:
    """Which side alone has a percent sign, where the numbers are the same; "" otherwise."""
    signs = ["%" in side or "percent" in side.lower() for side in (gold, answer)]
    if signs[0] == signs[1]:
        return ""
    numbers = [plain_number(side.lower().replace("\\%", "").replace("%", "").replace("percent", "").strip(" $\\{}"))
               for side in (gold, answer)]  # fmt: skip
    same = numbers[0] is not None and numbers[0] == numbers[1]
    return ("gold" if signs[0] else "answer") if same else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Agreement of the verifier with the graders of real completions.")
    parser.add_argument("folder", type=Path, nargs="?", help="without it there is nothing to measure")
    parser.add_argument("--out", type=Path, help="where the disagreements go (default: FOLDER with -read added)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.folder is None:
        print("no folder with labelled completions is named; see the docstring of benchmarks/verifier_real.py")
        return
    out = options.out or options.folder.with_name(options.folder.name + "-read")
    out.mkdir(parents=True, exist_ok=True)
    rows = list(read_folder(options.folder))
    with Verifier(workers=options.workers) as verifier:
        verdicts = list(verifier.verify(Item(str(n), row.gold, row.text) for n, row in enumerate(rows)))
    report(rows, verdicts, out)


def report(rows: list[Labelled], verdicts: list[Verdict], out: Path) -> None:
    """Print the tables and write the rows to read."""
    table: dict[str, Counter[str]] = {}
    percent: Counter[tuple[str, bool]] = Counter()
    kinds = ("ours_correct", "ours_incorrect", "undecided")
    files = {name: (out / f"{name}.jsonl").open("w", encoding="utf-8") for name in kinds}
    for row, verdict in zip(rows, verdicts, strict=True):
        count = table.setdefault(row.source, Counter())
        count["rows"] += 1
        side = percent_on_one_side(extract_gold(row.gold).answer, verdict.answer)
        if side:
            percent[side, row.correct] += 1
        decided = verdict.status in ("correct", "incorrect")
        count["decided"] += decided
        count[_UNDECIDED_CORRECT] += not decided and row.correct
        if decided and (verdict.status == "correct") == row.correct:
            count["agree"] += 1
            continue
        kind = f"ours_{verdict.status}" if decided else "undecided"
        count[kind] += 1
        record = {
            "source": row.source, "gold": row.gold, "response": row.text, "grader": row.correct, "ours": verdict.status,
            "answer": verdict.answer, "rule": verdict.rule, "detail": verdict.detail,
        }  # fmt: skip
        files[kind].write(json.dumps(record, ensure_ascii=False) + "\n")
    for file in files.values():
        file.close()
    _print(table, percent)


def _print(table: dict[str, Counter[str]], percent: Counter[tuple[str, bool]]) -> None:
    print(f"{date.today()}, {machine()}, verifier {VERIFIER_VERSION}\n")
    print("| file | rows | decided | agree | we: correct | we: incorrect | undecided | of them correct |")
    print("|---|---|---|---|---|---|---|---|")
    for source, count in [*table.items(), ("all", sum(table.values(), Counter()))]:
        columns = ("rows", "decided", "agree", "ours_correct", "ours_incorrect", "undecided", _UNDECIDED_CORRECT)
        print(f"| {source} | " + " | ".join(str(count[column]) for column in columns) + " |")
    print("\n| percent sign with the same number | grader: correct | grader: incorrect |\n|---|---|---|")
    for side in ("gold", "answer"):
        print(f"| only in the {side} | {percent[side, True]} | {percent[side, False]} |")


if __name__ == "__main__":
    main()
