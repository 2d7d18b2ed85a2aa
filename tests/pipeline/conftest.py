"""A small world for pipeline tests: real files, a real tokenizer, the real verifier; only the model is scripted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import sampling
from pairforge.recipe import Recipe, parse_recipe

LONG = "<think>\nLet me see. {a} and {b} make {c}. I check: {c} minus {b} is {a}. Good.\n</think>\n\nSo it is \\boxed{{{c}}}."


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Path:
    """A word-level student with a chat template that keeps the reasoning."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")
    fast.chat_template = (
        "{% if brief %}<brief> {% endif %}{% for m in messages %}<{{ m.role }}> {{ m.content }} <eos>\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant> {% endif %}"
    )
    fast.save_pretrained(tmp_path / "student")
    (tmp_path / "student" / "config.json").write_text('{"model_type": "gpt2", "n_positions": 512}')
    return tmp_path / "student"


@pytest.fixture
def problems_file(tmp_path: Path) -> Path:
    rows = []
    for n in range(12):
        numbers = {"a": n + 1, "b": 10 + n, "c": 11 + 2 * n}
        question = "What is {a} plus {b}?".format(**numbers)
        rows.append({"question": question, "answer": str(numbers["c"]), "long": LONG.format(**numbers)})
    file = tmp_path / "problems.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def recipe(problems_file: Path, tokenizer_folder: Path) -> Callable[..., Recipe]:
    """A recipe over the small world; arguments are overrides."""

    def make(*overrides: str) -> Recipe:
        text = f"""
sources: [{{dataset: {problems_file}, adapter: columns, columns: {{long: long}}}}]
generator:
  engine: {{model: {tokenizer_folder}, max_model_len: 256}}
  sampling: {{max_tokens: 64}}
  draws: {{min: 1, max: 3}}
filter: {{tokenizer: {tokenizer_folder}, gap: {{min: 1}}}}
"""
        return parse_recipe(text, overrides)

    return make


@pytest.fixture
def two_arms(recipe: Callable[..., Recipe], tokenizer_folder: Path) -> Callable[..., Recipe]:
    """A recipe without given solutions: `short` and `long` sample both sides; arguments are overrides."""

    def make(*overrides: str, names: tuple[str, ...] = ("short", "long")) -> Recipe:
        block = f"{{engine: {{model: {tokenizer_folder}, max_model_len: 256}}, sampling: {{max_tokens: 64}}"
        blocks = ", ".join(f"{name}: {block}, draws: {{max: 3}}}}" for name in names)
        sides = ("filter.chosen.origin=long", "filter.rejected.origin=short")
        return recipe("sources.0.solutions=drop", "generator=null", f"generators={{{blocks}}}", *sides, *overrides)

    return make


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Request], str]], list[ScriptedEngine]]:
    """Let a function write the short solutions, a token a word; returns the engines that were opened."""

    def use(answer: Callable[[Request], str]) -> list[ScriptedEngine]:
        opened: list[ScriptedEngine] = []

        def open_engine(block: object, run: object) -> ScriptedEngine:
            def complete(request: Request) -> Completion:
                words = answer(request).split()[request.begun_tokens :]
                kept = words[: request.max_tokens]
                reason = "length" if len(words) > len(kept) else "stop"
                space = " " if request.begun_tokens and kept else ""
                return Completion(request.key, space + " ".join(kept), len(kept), reason)

            opened.append(ScriptedEngine(complete))
            return opened[-1]

        monkeypatch.setattr(sampling, "open_engine", open_engine)
        return opened

    return use


def solve(request: Request) -> str:
    """A right answer: a long one from an arm named `long`, else a short one."""
    if "/long/" not in request.key:
        return add(request)
    a = int(request.prompt.split("What is ")[1].split()[0])
    return LONG.format(a=a, b=a + 9, c=2 * a + 9)


def add(request: Request) -> str:
    """The right short answer to a prompt of the small world."""
    numbers = [int(word.strip("?")) for word in request.prompt.split() if word.strip("?").isdigit()]
    return f"It is \\boxed{{{sum(numbers)}}}."
