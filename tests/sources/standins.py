"""Local stand-ins for public dataset repositories: their layout and columns, rows of our own.

The adapters name the public place each schema was read from. Stand-ins are loaded through the real `datasets` code.
The questions are synthetic; one row per style and oddity that the real data is known for.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BOX = "Return your final response within \\boxed{}. "
SKY_SYSTEM = "Your role as an assistant involves thoroughly exploring questions. (stand-in for Sky-T1's system prompt)"


def sky(thought: str, solution: str) -> str:
    return (
        f"<|begin_of_thought|>\n\n{thought}\n\n<|end_of_thought|>\n\n"
        f"<|begin_of_solution|>\n\n{solution}\n\n<|end_of_solution|>"
    )


def think(thought: str, answer: str) -> str:
    return f"<think>\n{thought}\n</think>\n\n{answer}"


def conversation(user: str, assistant: str) -> dict[str, Any]:
    return {
        "system": SKY_SYSTEM,
        "conversations": [{"from": "user", "value": user}, {"from": "assistant", "value": assistant}],
    }


BESPOKE = [
    conversation(f"{BOX}What is $7 \\times 8$?", sky("Seven eights... 56. Let me check: 56.", "It is $\\boxed{56}$.")),
    conversation(f"{BOX}Find the größte prime below 10 ✓", sky("7, since 9 = 3·3.", "The answer is \\boxed{7}.")),
    conversation(
        f"{BOX}What is one half plus one third?",
        sky("6 as a denominator.", "\\boxed{\\frac{5}{6}}").replace("begin_of_thought", "BEGIN_OF_THOUGHT"),
    ),
    conversation(
        "Generate an executable Python function generated from the given prompt. Print the sum of two numbers.",
        sky("Read two numbers.", "```python\nprint(sum(map(int, input().split())))\n```"),
    ),
    conversation("Who is taller if Ann is taller than Bob?", sky("Ann.", "Ann is taller.")),
    conversation(f"{BOX}Prove that 2 is even.", sky("2 = 2*1.", "It is even, as shown.")),
    {"system": SKY_SYSTEM, "conversations": None},
]
OPENTHOUGHTS_METADATA = [
    {"problem": "Add 2 and 3.", "deepseek_reasoning": "2+3 is 5.", "deepseek_solution": "\\boxed{5}",
     "ground_truth_solution": "We add: \\boxed{5}", "domain": "math", "source": "numina_math"},
    {"problem": "Add 2 and 4.", "deepseek_reasoning": "2+4 is 6.", "deepseek_solution": "\\boxed{6}",
     "ground_truth_solution": None, "domain": "math", "source": "numina_math"},
    {"problem": "Sum two numbers.", "deepseek_reasoning": "Read.", "deepseek_solution": "print()",
     "ground_truth_solution": "x", "domain": "code", "source": "apps"},
    {"problem": "Add 2 and 5.", "deepseek_reasoning": None, "deepseek_solution": None,
     "ground_truth_solution": "\\boxed{7}", "domain": "math", "source": "numina_math"},
]  # fmt: skip
OPENTHOUGHTS_MATH = [
    {
        **conversation(f"{BOX}Halve 10.", sky("10/2 = 5", "\\boxed{5}")),
        "source": "synthetic_math", "problem": "Halve 10.", "solution": "Half of 10 is \\boxed{5}.",
        "messages": [{"role": "user", "content": "Halve 10."}, {"role": "assistant", "content": think("5", "\\boxed{5}")}],
        "generated_token_count": 30, "correct": True,
    },
]  # fmt: skip
OPENR1 = [
    {
        "problem": "What is 12 + 30?", "solution": "12 + 30 = \\boxed{42}.", "answer": "42",
        "problem_type": "Algebra", "question_type": "math-word-problem", "source": "olympiads", "uuid": "u-1",
        "is_reasoning_complete": [True, True, False],
        "generations": [think("42. Wait, check: 42.", "\\boxed{42}"), think("43?", "\\boxed{43}"), "<think>\nSo 12 and"],
        "correctness_math_verify": [True, False, False], "correctness_llama": None, "finish_reasons": None,
        "correctness_count": 1, "messages": [{"role": "user", "content": "What is 12 + 30?"}],
    },
    {
        "problem": "Show that 4 is even.", "solution": "Clear.", "answer": "proof",
        "problem_type": "Number Theory", "question_type": "proof", "source": "olympiads", "uuid": "u-2",
        "is_reasoning_complete": [True], "generations": [think("4 = 2*2", "Done.")],
        "correctness_math_verify": [False], "correctness_llama": [True], "finish_reasons": ["stop"],
        "correctness_count": 1, "messages": [{"role": "user", "content": "Show that 4 is even."}],
    },
    {
        "problem": "Twice 8?", "solution": None, "answer": "16",
        "problem_type": "Algebra", "question_type": "math-word-problem", "source": "cn_contest", "uuid": "u-3",
        "is_reasoning_complete": [True], "generations": [think("16", "\\boxed{16}")],
        "correctness_math_verify": [True], "correctness_llama": [None], "finish_reasons": ["length"],
        "correctness_count": 1, "messages": [{"role": "user", "content": "Twice 8?"}],
    },
]  # fmt: skip
S1K = [
    {"question": "What is 5 squared?", "solution": "25", "cot_type": "math", "source_type": "qq8933/AIME_1983_2024",
     "metadata": "{}", "deepseek_thinking_trajectory": "5*5... 25", "deepseek_attempt": "It is \\boxed{25}.",
     "gemini_thinking_trajectory": "25 it is", "gemini_attempt": "25, so \\boxed{25}", "deepseek_grade": "Yes"},
    {"question": "Show that x+1 > x and give x+1 for x = 1.", "solution": "Since 1 > 0 we may add x on both sides. " * 3,
     "cot_type": "math", "source_type": "aops", "metadata": "{}", "deepseek_thinking_trajectory": "2", "deepseek_grade": "No",
     "deepseek_attempt": "\\boxed{2}", "gemini_thinking_trajectory": None, "gemini_attempt": None},
    {"question": "4 letters: feline?", "solution": "PUMA", "cot_type": "crossword", "source_type": "0xharib/xword1",
     "metadata": "{}", "deepseek_thinking_trajectory": "LION? PUMA", "deepseek_attempt": "PUMA", "deepseek_grade": "Yes",
     "gemini_thinking_trajectory": None, "gemini_attempt": None},
]  # fmt: skip
LIMO = [
    {"question": "What is 3 cubed?", "answer": 27, "solution": "Let me think about 3 cubed. " * 90 + "\\boxed{27}"},
    {"question": "What is 4 cubed?", "answer": 64, "solution": "Let me think about 4 cubed. " * 90 + "\\boxed{64}"},
]
DEEPMATH = [
    {"question": "Evaluate $\\lim_{x\\to 0} x$.", "final_answer": "0", "difficulty": 5.0, "topic": "Calculus",
     "r1_solution_1": "It tends to 0.\n</think>\n\nThe limit is \\boxed{0}.", "r1_solution_2": think("0", "\\boxed{0}"),
     "r1_solution_3": None},
    {"question": "No solutions here?", "final_answer": "1", "difficulty": -1.0, "topic": "Algebra",
     "r1_solution_1": None, "r1_solution_2": None, "r1_solution_3": ""},
]  # fmt: skip
LIGHT_R1 = [
    {"conversations": [{"from": "human", "value": "What is 9+9?"}],
     "chosen": {"from": "gpt", "value": "\n" + think("18, surely. Check: 18.", "\\boxed{18}")},
     "rejected": {"from": "gpt", "value": "\n" + think("19?", "\\boxed{19}")}},
    {"conversations": [{"from": "human", "value": "What is 9+8?"}],
     "chosen": {"from": "gpt", "value": think("17", "Seventeen.")},
     "rejected": {"from": "gpt", "value": think("18", "\\boxed{18}")}},
]  # fmt: skip
NUMINA = [
    {"source": "synthetic_math", "problem": "What is $7 \\times 8$?", "solution": "Multiply: $7 \\times 8 = \\boxed{56}$.",
     "messages": [{"role": "user", "content": "What is $7 \\times 8$?"}, {"role": "assistant", "content": "\\boxed{56}"}]},
    {"source": "olympiads", "problem": "Prove it.", "solution": "Obvious.", "messages": [{"role": "user", "content": "Prove it."}]},
]  # fmt: skip
PAIRS = [
    {"chosen": [{"role": "system", "content": SKY_SYSTEM}, {"role": "user", "content": f"{BOX}What is 6+6?"},
                {"role": "assistant", "content": sky("6+6... 12. Yes.", "\\boxed{12}")}],
     "rejected": [{"role": "system", "content": SKY_SYSTEM}, {"role": "user", "content": f"{BOX}What is 6+6?"},
                  {"role": "assistant", "content": "6+6 = \\boxed{12}"}]},
]  # fmt: skip
GSM8K = [
    {"question": "Ann has 3 bags of 4 pens. How many pens?", "answer": "3*4=<<3*4=12>>12 pens.\n#### 12"},
    {"question": "A farm has 1,000 hens and sells 1 in 4. How many are left?",
     "answer": "It sells <<1000/4=250>>250.\nLeft are 1000-250=<<1000-250=750>>750.\n#### 750"},
]  # fmt: skip
MATH = [
    {"problem": "Compute $1+1$.", "solution": "We have $1+1=\\boxed{2}$.", "answer": "2", "subject": "Prealgebra",
     "level": 1, "unique_id": "test/prealgebra/1.json"},
    {"problem": "Compute $\\frac{1}{2}+\\frac{1}{2}$.", "solution": "It is $\\boxed{\\text{one}}$, that is 1.", "answer": "1",
     "subject": "Prealgebra", "level": 2, "unique_id": "test/prealgebra/2.json"},
]  # fmt: skip


def _parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def _configs(folder: Path, paths: dict[str, str]) -> None:
    """A dataset card that maps configs to files, as the Hub's own cards do."""
    entries = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {path}\n"
        + ("  default: true\n" if name == "default" else "")
        for name, path in paths.items()
    )
    (folder / "README.md").write_text(f"---\nconfigs:\n{entries}---\n# stand-in\n")


def _openthoughts(folder: Path) -> None:
    _parquet(folder / "data/train-00000-of-00001.parquet", BESPOKE)
    _parquet(folder / "metadata/train-00000-of-00001.parquet", OPENTHOUGHTS_METADATA)
    _configs(folder, {"default": "data/train-*", "metadata": "metadata/train-*"})


def _openr1(folder: Path) -> None:
    _parquet(folder / "data/train-00000-of-00002.parquet", OPENR1[:2])
    _parquet(folder / "data/train-00001-of-00002.parquet", OPENR1[2:])
    _parquet(folder / "extended/train-00000-of-00001.parquet", OPENR1[:1])
    _configs(folder, {"default": "data/train-*", "extended": "extended/train-*"})


def _gsm8k(folder: Path) -> None:
    _parquet(folder / "main/train-00000-of-00001.parquet", GSM8K)
    _parquet(folder / "main/test-00000-of-00001.parquet", [{"question": "Held out?", "answer": "Yes.\n#### 1"}])
    card = "---\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: main/train-*\n"
    (folder / "README.md").write_text(f"{card}  - split: test\n    path: main/test-*\n---\n")


def _one_parquet(rows: list[dict[str, Any]], split: str = "train") -> Callable[[Path], None]:
    return lambda folder: _parquet(folder / f"data/{split}-00000-of-00001.parquet", rows)


def _lines(name: str, rows: list[dict[str, Any]]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows)) and None


REPOSITORIES: dict[str, Callable[[Path], None]] = {
    "bespokelabs/Bespoke-Stratos-17k": _one_parquet(BESPOKE),
    "open-thoughts/OpenThoughts-114k": _openthoughts,
    "open-r1/OpenThoughts-114k-math": _one_parquet(OPENTHOUGHTS_MATH),
    "open-r1/OpenR1-Math-220k": _openr1,
    "simplescaling/s1K-1.1": _one_parquet(S1K),
    "GAIR/LIMO": _lines("limo.jsonl", LIMO),
    "zwhe99/DeepMath-103K": _one_parquet(DEEPMATH),
    "qihoo360/Light-R1-DPOData": lambda folder: (folder / "dpo-pairs.json").write_text(json.dumps(LIGHT_R1)) and None,
    "AI-MO/NuminaMath-CoT": _one_parquet(NUMINA),
    "VanWang/Bespoke_dpo_filter": _one_parquet(PAIRS),
    "openai/gsm8k": _gsm8k,
    "HuggingFaceH4/MATH-500": _lines("test.jsonl", MATH),
}


def write_standin(dataset: str, root: Path) -> Path:
    """Write the stand-in of a dataset under root/<owner>/<name> and return that folder."""
    folder = root / dataset
    folder.mkdir(parents=True, exist_ok=True)
    REPOSITORIES[dataset](folder)
    return folder


def _questions(name: str, column: str, config: str | None, split: str) -> Callable[[Path], None]:
    """An evaluation set: two questions that no source has."""
    rows = [{column: f"{name} asks: how many {thing} are in the yard today?"} for thing in ("cats", "dogs")]

    def write(folder: Path) -> None:
        (folder / (config or "data")).mkdir(parents=True, exist_ok=True)
        _parquet(folder / (config or "data") / f"{split}-00000-of-00001.parquet", rows)
        if config:
            entry = f"- config_name: {config}\n  data_files:\n  - split: {split}\n    path: {config}/{split}-*\n"
            card = folder / "README.md"
            before = card.read_text().removesuffix("---\n") if card.exists() else "---\nconfigs:\n"
            card.write_text(f"{before}{entry}---\n")

    return write


def write_evaluation_sets(root: Path) -> None:
    """Stand-ins for the sets that the recipes name; MATH-500 is among the sources already."""
    for dataset, column, config, split in (
        ("HuggingFaceH4/aime_2024", "problem", None, "train"),
        ("opencompass/AIME2025", "question", "AIME2025-I", "test"),
        ("opencompass/AIME2025", "question", "AIME2025-II", "test"),
        ("Hothan/OlympiadBench", "question", "OE_TO_maths_en_COMP", "train"),
        ("Idavidrein/gpqa", "Question", "gpqa_diamond", "train"),
    ):
        (root / dataset).mkdir(parents=True, exist_ok=True)
        _questions(dataset, column, config, split)(root / dataset)
