"""A first recipe for somebody's own data: commented YAML, every value of which is meant to be looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import yaml

HEADER = """\
# {title}
#   pairforge check {file}          # reads some rows, checks the ground truth and shows a prompt; samples nothing
#   pairforge plan {file} --pilot 20   # what sampling will cost
#   pairforge build {file}
seed: 0
"""

SOURCE = """\
sources:
  - dataset: {dataset}
    adapter: {adapter}
"""

SAMPLED = """\
generator:                                   # who writes the short solutions
  engine: {{kind: vllm, model: {model}, max_model_len: 4096}}
  prompt:
    system: Please reason step by step, and put your final answer within \\boxed{{}}.
  sampling: {{temperature: 0.7, top_p: 0.9, max_tokens: 1024}}   # ThinkPO's
  draws: {{min: 1, max: 4, until: accepted}}   # sample again until a solution can be paired
"""

BOTH = """\
generators:                                  # the data has no solutions: both sides are sampled, in this order
  long:
    engine: {{kind: vllm, model: {teacher}, max_model_len: 16384}}
    sampling: {{temperature: 0.6, top_p: 0.95, max_tokens: 12288}}
    draws: {{max: 2, until: accepted}}
  short:
    engine: {{kind: vllm, model: {model}, max_model_len: 4096}}
    prompt:
      system: Please reason step by step, and put your final answer within \\boxed{{}}.
    sampling: {{temperature: 0.7, top_p: 0.9, max_tokens: 1024}}
    draws: {{max: 4, until: accepted}}
"""

RULES = """\
format:
  frame: think                               # both sides get the same format, so that it gives no hint
filter:
  tokenizer: {student}   # the model that will be trained; all lengths are in its tokens
  direction: long                            # prefer the longer solution; short prefers the shorter one
  chosen: {{origin: {chosen}, status: correct}}
  rejected: {{origin: {rejected}, status: correct}}
  gap: {{min: 200}}                            # tokens, longer minus shorter; compare: pairforge sweep
  total: {{max: 8192}}                         # tokens of the prompt and the longer side
  pick: shortest
decontaminate:
  sets: [math-500, aime-2024, aime-2025, gsm8k-test, olympiadbench, gpqa]
train:
  model: {student}
  max_length: 8192
"""

SAMPLER = "Qwen/Qwen2.5-Math-1.5B-Instruct"
TEACHER = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
STUDENT = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"


def starter_recipe(
    dataset: str,
    *,
    adapter: str,
    columns: Mapping[str, str],
    has_solutions: bool,
    file: str = "recipe.yaml",
    config: str | None = None,
    split: str = "train",
    model: str = SAMPLER,
    teacher: str = TEACHER,
    student: str = STUDENT,
) -> str:
    """The text of a recipe over one dataset.

    Where the dataset has solutions, they are the long side and `model` writes the short one; else `teacher` writes the
    long side. `columns` maps the names of the adapter to columns of the data. Names that YAML reads as something else
    are quoted.
    """
    text = HEADER.format(title=f"Pairs from {one_line(dataset)}", file=one_line(file))
    text += SOURCE.format(dataset=yaml_value(dataset), adapter=adapter)
    if config:
        text += f"    config: {yaml_value(config)}\n"
    if split != "train":
        text += f"    split: {yaml_value(split)}\n"
    if columns:
        text += "    columns:\n"
        text += "".join(f"      {yaml_value(name)}: {yaml_value(column)}\n" for name, column in columns.items())
    block, chosen, rejected = (SAMPLED, "given", "sampled") if has_solutions else (BOTH, "long", "short")
    text += block.format(model=yaml_value(model), teacher=yaml_value(teacher))
    return text + RULES.format(student=yaml_value(student), chosen=chosen, rejected=rejected)


def one_line(text: str) -> str:
    """The text for a comment: nothing in it can end the line."""
    return "".join(c if c.isprintable() else " " for c in text)


def yaml_value(text: str) -> str:
    """A string as YAML writes it, quoted where a plain one would be read as something else."""
    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text)
