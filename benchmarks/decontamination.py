"""How many copies of evaluation questions the screening misses, and how many other problems it refuses.

    python -m benchmarks.decontamination                                  # the bundled demo problems
    python -m benchmarks.decontamination --train gsm8k_train.jsonl --test gsm8k_test.jsonl
    python -m benchmarks.decontamination FOLDER --show                    # FOLDER/train*.jsonl, FOLDER/test*.jsonl

Every test question is rewritten by seeded rules, class by class, and planted as a training problem; a class counts the
questions that its rules change. Then the training problems themselves are screened: whatever is refused there is
printed with `--show`, to be read by a person, since a training set may well hold near copies of its test set. Files
are JSON lines with a `question` or `problem`. The rules are made by hand; no language model rewrites anything here.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks._machine import machine
from pairforge import demo
from pairforge.records import Problem, problem_id
from pairforge.sources import DecontaminateConfig, EvaluationSet, decontaminate

USUAL = DecontaminateConfig().model_dump(include={"ngram", "without_digits", "fuzzy"})
Rewrite = Callable[[str, random.Random], str]
NAMES = """
    Aaliyah Bram Chiara Dmitri Elowen Farouk Giulia Hiroshi Imani Joaquin Katya Lorenzo Mbali Nikhil Oriana Pasquale
    Quentin Rosalind Soren Tamsin Ulrich Vivienne Wanjiru Xavier Yasmin Zoltan
"""
WRAPPERS = (
    "Please solve this problem step by step.\n\n{}\n\nPut your final answer in \\boxed{{}}.",
    "{} Let's think step by step.",
    "Question: {}\nAnswer:",
    "You are a careful mathematician. Solve the following task and explain every step.\nTask: {}",
    "<|user|> {} <|assistant|>",
    'A student asks: "{}" Reply with the final number only.',
    "### Instruction:\n{}\n\n### Response:",
    "Solve the following math problem efficiently and clearly. {} Therefore, the final answer is: $\\boxed{{answer}}$.",
    "Problem 7 (5 points). {}\n\nShow your work.",
    "I found this exercise in my daughter's homework and cannot do it: {} Can you help me, please?",
    "**Problem**\n\n{}\n\nReturn JSON with the keys `reasoning` and `answer`.",
    "Here is a puzzle from last week's newsletter.\n{}\nGive a detailed solution.",
)
SYNONYMS = {
    "buys": "purchases", "buy": "purchase", "bought": "purchased", "how many": "what number of",
    "total": "overall sum", "in total": "altogether", "gives": "hands", "gave": "handed", "makes": "produces",
    "make": "produce", "each": "every", "sells": "vends", "sold": "vended", "left": "remaining", "find": "determine",
    "compute": "work out", "big": "large", "needs": "requires", "need": "require", "has": "owns", "have": "own",
    "kids": "children", "children": "kids", "more": "additional", "twice": "two times", "half": "one half",
    "friends": "pals", "friend": "pal", "wants": "wishes", "money": "cash", "costs": "is priced at", "cost": "price",
    "spends": "uses up", "spend": "use up", "starts": "begins", "house": "home", "store": "shop", "shop": "store",
    "gets": "receives", "get": "receive", "eats": "consumes", "walks": "strolls", "runs": "jogs", "job": "work",
    "car": "automobile", "road": "street", "trip": "journey", "small": "little", "fast": "quick",
    "finish": "complete", "begin": "start", "average": "mean", "value": "size", "positive": "greater than zero",
    "simplify": "reduce", "express": "write", "equal": "the same as", "wide": "broad",
}  # fmt: skip
UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def in_words(number: int) -> str:
    """A number below a million in English words."""
    units = UNITS.split()
    if number < 20:
        return units[number]
    if number < 100:
        return TENS.split()[number // 10 - 2] + (f"-{units[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{units[number // 100]} hundred" + (f" and {in_words(number % 100)}" if number % 100 else "")
    rest = number % 1000
    return f"{in_words(number // 1000)} thousand" + (f" {'and ' if rest < 100 else ''}{in_words(rest)}" if rest else "")


def latex(text: str, rng: random.Random) -> str:
    """The same formulas in another spelling; plain numbers become formulas."""
    if "\\" not in text and "$" not in text.replace("$ ", "").replace(" $", ""):
        return re.sub(r"(?<![\w.,/])(\d+(?:\.\d+)?)(?![\w/]|[.,]\d)", r"$\1$", text)
    if "\\" not in text:  # dollars and the like
        text = re.sub(r"(\d)%", r"\1\\%", text)
        text = re.sub(r"\b(\d+)/(\d+)\b", r"$\\dfrac{\1}{\2}$", text)
        return re.sub(r"\$(?=\d)([\d,.]*\d)", lambda m: "\\$" + m[1].replace(",", "{,}"), text)
    spelling = rng.choice(["\\dfrac", "\\tfrac"])
    text = text.replace("\\frac", spelling) if "\\frac" in text else text.replace("\\dfrac", "\\frac")
    text = re.sub(r"(?<!\\left)\((?=[^()]*\))", r"\\left(", text) if rng.random() < 0.8 else text
    text = re.sub(r"(?<!\\right)\)", r"\\right)", text) if "\\left(" in text else text
    for one, other in (("\\cdot", "\\times"), ("\\le ", "\\leq "), ("\\ge ", "\\geq "), ("\\ldots", "\\dots")):
        text = text.replace(one, other)
    if rng.random() < 0.5:
        text = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text)
    return text.replace("=", " = ").replace("+", "\\,+\\,")


def number_words(text: str, rng: random.Random) -> str:
    def spelt(found: re.Match[str]) -> str:
        number = int(found[0].replace(",", ""))
        words = in_words(number) if number < 10**6 else found[0]
        return words if rng.random() < 0.7 else words.replace(" and ", " ").replace("-", " ")

    units = UNITS.split()
    words = r"\b(" + "|".join(units[2:]) + r")\b"
    in_digits = re.sub(words, lambda found: f"_{units.index(found[0])}", text)
    spelt_out = re.sub(r"(?<![\w.,/^{}_\\-])(?:\d{1,3}(?:,\d{3})+|\d+)(?![\w/^}-]|[.,]\d)", spelt, in_digits)
    return re.sub(r"\b_(?=\d)", "", spelt_out)


def wrapper(text: str, rng: random.Random) -> str:
    return rng.choice(WRAPPERS).format(text)


def typos(text: str, rng: random.Random, every: int = 10) -> str:
    """One typing mistake for every ten words."""
    words = text.split(" ")
    able = [k for k, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for k in rng.sample(able, min(len(able), max(1, len(words) // every))):
        word, at = words[k], rng.randrange(len(words[k]) - 1)
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
        words[k] = rng.choice(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
            ]
        )
    return " ".join(words)


def synonyms(text: str, rng: random.Random) -> str:
    """Every word that has one replaced by a synonym."""
    pattern = r"\b(" + "|".join(sorted(SYNONYMS, key=len, reverse=True)) + r")\b"
    return re.sub(pattern, lambda found: SYNONYMS[found[0]], text)


def paraphrase(text: str, rng: random.Random) -> str:
    """Synonyms, and the last sentence first."""
    *story, question = re.split(r"(?<=[.?!])\s+", synonyms(text, rng).strip())
    return f"{question} Here is what you know: {' '.join(story)}" if story else question


def other_numbers(text: str, rng: random.Random) -> str:
    return re.sub(r"\d+", lambda found: str(int(found[0]) + rng.randrange(1, 9)), text)


def outside_figures(rewrite: Rewrite, text: str, rng: random.Random) -> str:
    """A rewrite that leaves the code of Asymptote figures alone: they are drawings, not words."""
    figures = re.findall(r"\[asy\].*?\[/asy\]", text, re.DOTALL)
    rewritten = rewrite(re.sub(r"\[asy\].*?\[/asy\]", "@@", text, flags=re.DOTALL), rng)
    for figure in figures:
        rewritten = rewritten.replace("@@", figure, 1)
    return rewritten


def rewrites(texts: list[str]) -> dict[str, Rewrite]:
    """The classes of copies. Names are capitalised words that the texts never write small."""
    small = {word for text in texts for word in re.findall(r"\b[a-z]+\b", text)}

    def is_name(word: str) -> bool:
        return len(word) > 2 and not word.isupper() and word.lower() not in small

    def names(text: str, rng: random.Random) -> str:
        found = [w for w in dict.fromkeys(re.findall(r"(?<!\\)\b[A-Z][a-z]+\b", text)) if is_name(w)]
        new = dict(zip(found, rng.sample(NAMES.split(), min(len(found), 26)), strict=False))
        return re.sub(r"(?<!\\)\b[A-Z][a-z]+\b", lambda word: new.get(word[0], word[0]), text)

    def combined(text: str, rng: random.Random) -> str:
        return wrapper(names(number_words(latex(text, rng), rng), rng), rng)

    return {
        "unchanged": lambda text, rng: text,
        "LaTeX spelling": latex,
        "number words": number_words,
        "wrapper prompt": wrapper,
        "other names": names,
        "all four together": combined,
        "other numbers": other_numbers,
        "typos, 1 word in 10": typos,
        "typos, 1 word in 4": lambda text, rng: typos(text, rng, every=4),
        "synonyms": synonyms,
        "synonyms, last sentence first": paraphrase,
    }


def problems(texts: list[str]) -> list[Problem]:
    return [Problem(problem_id(t), t, "1", "bench", rows=(f"bench:{at}",)) for at, t in enumerate(texts)]


def measure_misses(test: list[str], seed: int, show: bool) -> None:
    evaluation = [EvaluationSet("test", tuple(test))]
    print(f"\n{'copies of test questions':32}{'planted':>8}{'missed':>8}{'share':>8}   found as")
    for name, rewrite in rewrites(test).items():
        planted = [(q, outside_figures(rewrite, q, random.Random(f"{seed} {at}"))) for at, q in enumerate(test)]
        changed = [copy for q, copy in planted if copy != q or name == "unchanged"]
        if not changed:
            continue
        found = decontaminate(problems(changed), evaluation, **USUAL)
        kinds = Counter(drop.detail.split(", ")[1] for drop in found.drops)
        shown = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        missed = len(found.problems)
        print(f"{name:32}{len(changed):8,}{missed:8,}{missed / len(changed):8.1%}   {shown}")
        for problem in found.problems[:30] if show else ():
            print(f"    missed: {problem.question[:300]!r}")


def measure_alarms(train: list[str], test: list[str], show: bool) -> None:
    for name, options in (("default options", USUAL), ("without_digits: false", USUAL | {"without_digits": False})):
        start = time.perf_counter()
        found = decontaminate(problems(train), [EvaluationSet("test", tuple(test))], **options)
        seconds = time.perf_counter() - start
        print(
            f"\n{name}: {len(found.drops):,} of {len(train):,} training problems refused "
            f"({len(found.drops) / max(1, len(train)):.2%}) against {len(test):,} questions, {seconds:.1f} s"
        )
        if show:
            for drop in found.drops:
                print(f"    {drop.detail[:300]}\n        {train[int(drop.subject.split(':')[1])][:300]!r}")


def read(files: list[Path]) -> list[str]:
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]
    return list(dict.fromkeys(row.get("question") or row["problem"] for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="holds train*.jsonl and test*.jsonl")
    parser.add_argument("--train", type=Path, nargs="*", default=[])
    parser.add_argument("--test", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print five missed copies a class and every alarm")
    options = parser.parse_args()
    if options.folder:
        options.train += sorted(options.folder.glob("*train*.jsonl"))
        options.test += sorted(options.folder.glob("*test*.jsonl"))
    print(f"decontamination, {machine()}, {date.today():%d %B %Y}")
    if not options.test:
        options.train, options.test = [demo.demo_path("pairforge:demo")], [demo.demo_path("pairforge:demo-eval")]
        print("the bundled demo problems: train and test share their templates, so that most alarms are true")
    train, test = read(options.train), read(options.test)
    print(f"train: {', '.join(f.name for f in options.train)}; test: {', '.join(f.name for f in options.test)}")
    measure_misses(test, options.seed, options.show)
    if train:
        measure_alarms(train, test, options.show)


if __name__ == "__main__":
    main()
