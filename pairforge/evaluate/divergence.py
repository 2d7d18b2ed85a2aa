"""KL divergence of a trained model from the first one, in nats per token, on the trained model's own answers.

KL(model || first) is an expectation over the model's answers, which are at hand. At every token the divergence of
the two distributions over the whole vocabulary is taken, not the log ratio of the sampled token alone: the same
expectation, never negative and with less variance (Amini et al. 2025, arXiv 2504.10637: the Rao-Blackwellised
estimator).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pairforge import chat, demo, intervals, lengths
from pairforge.errors import TrainError, require
from pairforge.intervals import Estimate
from pairforge.pipeline import run_recipe
from pairforge.pipeline.sampler import sampler_prompt
from pairforge.progress import Progress, quiet
from pairforge.records import Sample
from pairforge.run import Run
from pairforge.switches import set_switches

if TYPE_CHECKING:
    import torch

MAX_ANSWERS = 200
MAX_TOKENS = 2048  # of prompt and answer: what is behind is not looked at


def divergence(
    model: str, first: str, run: Run, *, temperature: float = 1.0, seed: int = 0, progress: Progress = quiet
) -> Estimate:
    """KL(model || first) per token at the sampling temperature; `run` holds the model's answers.

    Takes the first answer to each of up to 200 questions, up to 2,048 tokens of it, and reads both models with
    transformers. Answers drawn with top_p below 1 leave out what was cut off. Raises `TrainError` where a model
    cannot be read or the two do not share a vocabulary.
    """
    require("torch", extra="train", purpose="the KL divergence (--kl)")
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = lengths.load_tokenizer(demo.resolve(model))
    if lengths.load_tokenizer(demo.resolve(first)).get_vocab() != tokenizer.get_vocab():
        raise TrainError(f"{model} and {first} have different vocabularies", hint="leave --kl out")
    own, other = load(model, device), load(first, device)
    block = run_recipe(run).sampling_block()
    set_switches(tokenizer, block.prompt.template_kwargs, key="--template-kwargs")
    problems = {problem.id: problem for problem in run.each_problem()}
    asked = first_answers(run)
    values = []
    for done, sample in enumerate(asked, start=1):
        problem = problems[sample.problem_id]
        prompt = chat.render_prompt(tokenizer, sampler_prompt(block, problem.question, problem.meta))
        before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        after = tokenizer(sample.text, add_special_tokens=False)["input_ids"]
        if sample.finish_reason == "stop" and tokenizer.eos_token_id is not None:
            after = [*after, tokenizer.eos_token_id]
        ids = torch.tensor([[*before, *after][:MAX_TOKENS]], device=device)
        if len(before) < ids.shape[1]:
            values.append(token_divergence(own, other, ids, len(before), temperature or 1.0))
        progress("KL", done, len(asked), "")
    if not values:
        raise TrainError(f"{model} has no answer to measure the KL divergence on", hint=f"see {run.path}")
    return intervals.mean(values, seed=seed)


def first_answers(run: Run) -> list[Sample]:
    """The first answer to each question, at most 200 of them, in the order of the questions' ids."""
    found: dict[str, Sample] = {}
    for sample in run.sampled():
        if sample.finish_reason != "error" and sample.text and sample.draw <= found.get(sample.problem_id, sample).draw:
            found[sample.problem_id] = sample
    return [found[question] for question in sorted(found)][:MAX_ANSWERS]


def load(model: str, device: str) -> Any:
    """The weights, ready to read logits. Raises `TrainError` where there are none."""
    from transformers import AutoModelForCausalLM

    try:
        dtype = "auto" if device == "cuda" else "float32"  # 16 bits are slow on a CPU
        return AutoModelForCausalLM.from_pretrained(demo.resolve(model), dtype=dtype).to(device).eval()
    except (OSError, ValueError) as error:
        message = f"--kl needs the weights of {model}: {str(error).splitlines()[0]}"
        raise TrainError(message, hint="a folder or a Hub id that transformers can load; or leave --kl out") from error


def token_divergence(own: Any, other: Any, ids: torch.Tensor, prompt_tokens: int, temperature: float) -> float:
    """The mean over the answer's tokens of the KL divergence between the two next-token distributions."""
    import torch

    with torch.inference_mode():
        both = [
            (m(input_ids=ids).logits[0, prompt_tokens - 1 : -1].float() / temperature).log_softmax(dim=-1)
            for m in (own, other)
        ]
        return float((both[0].exp() * (both[0] - both[1])).sum(dim=-1).mean().clamp(min=0))
