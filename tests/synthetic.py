"""A finished run without an engine: problems, solutions and verdicts written through the run's own functions."""

import json
import random
from pathlib import Path

from pairforge.records import Problem, Sample, Verdict, problem_id, to_row
from pairforge.run import Run

HOSTILE = (
    "<script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    "</script><svg onload=window.hit=1>",
    r"$\href{javascript:window.hit=1}{x}$",
    r"$\text{<img src=x onerror=window.hit=1>}$",
    "[click](javascript:window.hit=1)",
    "<!-- <script> ]]> \u2028 \u202e \x00 &lt;script&gt;",
)
STEP = "First note that $x_{%d} = \\frac{%d}{2}$, so \\(y^2 + %d > 0\\). Wait, let me check this step once more. "


def make_run(path: Path, n: int = 40, *, seed: int = 0, hostile: bool = False, steps: int = 6) -> Run:
    """A run with `n` problems, a long given and up to three short sampled solutions each."""
    rng = random.Random(seed)
    run = Run(path)
    student = write_student(path.parent / "student")
    run.write_recipe(
        f"sources: [{{dataset: synthetic}}]\n"
        f"generator: {{engine: {{model: {student}}}, draws: {{min: 1, max: 3}}}}\n"
        f"filter: {{tokenizer: {student}, gap: {{min: 1}}}}\n"
    )
    run.update_manifest(pairforge="test", seconds={"sample": 1.0})
    problems, given, sampled, verdicts = [], [], [], []
    for i in range(n):
        nasty = HOSTILE[i % len(HOSTILE)] if hostile else ""
        question = f"Problem {i}: find $x$ with $x^2 = {i * i}$. {nasty}"
        source = f"{rng.choice(['amc', 'aime', 'olympiads'])}{nasty}"
        meta = {"level": i % 5 + 1, "topic": ["algebra", "geometry"][i % 2], "mixed": i if i % 2 else f"n{i}"}
        problem = Problem(problem_id(question), question, f"{i}{nasty}", source, rows=(f"synthetic:{i}",), meta=meta)
        problems.append(problem)
        working = "".join(STEP % (k, k + i, k) for k in range(rng.randint(steps, 4 * steps)))
        thought = f"{working}{nasty}"
        answer = f"The answer is $\\boxed{{{i}}}$. {nasty}"
        text = f"<think>\n{thought}\n</think>\n\n{answer}"
        given.append(Sample(problem.id, 0, "given", text, thought, answer, model=f"teacher{nasty}"))
        for draw in range(rng.randint(0, 3)):
            short = f"{STEP % (1, i, 2)}{nasty}\n\nSo the answer is $\\boxed{{{i}}}$."
            status = rng.choice(["correct", "correct", "incorrect", "truncated"])
            finish = "length" if status == "truncated" else "stop"
            sample = Sample(
                problem.id, draw, "sampled", short, None, short, model="small", max_tokens=64, finish_reason=finish,
                sampled_tokens=20, budget_limited=status == "truncated",
            )  # fmt: skip
            sampled.append(sample)
            verdicts.append(Verdict(sample.key, status, f"{i}{nasty}", "text", "", "1"))
        wrong = rng.random() < 0.1
        verdicts.append(Verdict(given[-1].key, "incorrect" if wrong else "correct", f"{i}{nasty}", "text", "", "1"))
    with run.given_writer() as add:
        add(given)
    for log, rows in ((run.sample_log(), sampled), (run.verdict_log(), verdicts)):
        for row in rows:
            log.append(to_row(row))
        log.close()
    run.write_sources(problems, [])
    run.compact()
    return run


def write_student(folder: Path) -> Path:
    """A word-level tokenizer with a chat template that keeps the reasoning."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")
    fast.chat_template = (
        "{% for m in messages %}<{{ m.role }}> {{ m.content }} <eos>\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant> {% endif %}"
    )
    fast.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_positions": 512}))
    return folder
