"""Train the nano model from scratch on problems drawn as it goes.

    OMP_NUM_THREADS=1 python recipes/nano/train.py --out pairforge/demo/nano

Each example is a chat: a system prompt that names the style, a problem, its solution in that style. The loss is on
the solution alone. No calculation of the bundled problems is ever drawn. See README.md for measured figures.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from make_problems import bundled_keys
from problems import KINDS, LEVELS, WordProblem, draw_problem
from tokenizer import LONG_PROMPT, NEUTRAL_PROMPT, SHORT_PROMPT, build_tokenizer
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

IGNORE = -100  # label of tokens that carry no loss
POOL_EXAMPLES = 2048  # drawn together, sorted by length and cut into batches with little padding

Example = tuple[list[int], int]  # token ids, of which the first so many are the prompt


def level_weights(progress: float) -> list[float]:
    """Shares of easy, medium and hard problems: mostly easy at the start, mostly hard from a third on."""
    ripe = min(1.0, progress * 3)
    return [0.6 - 0.35 * ripe, 0.25 + 0.05 * ripe, 0.15 + 0.3 * ripe]


def styled(rng: random.Random, problem: WordProblem) -> tuple[str | None, str]:
    """A system prompt and the solution it asks for. Without a style in the prompt, both styles are as likely."""
    draw = rng.random()
    if draw < 0.3:
        return SHORT_PROMPT, problem.short
    if draw < 0.6:
        return LONG_PROMPT, problem.long
    system = NEUTRAL_PROMPT if rng.random() < 0.5 else None
    return system, problem.long if rng.random() < 0.5 else problem.framed_short


def draw_examples(
    rng: random.Random, tokenizer: Qwen2Tokenizer, forbidden: frozenset[Any], progress: float
) -> list[Example]:
    """A pool of encoded examples, none of them with a forbidden calculation."""
    prompts, texts = [], []
    while len(texts) < POOL_EXAMPLES:
        level = rng.choices(LEVELS, level_weights(progress))[0]
        problem = draw_problem(rng, rng.choice(list(KINDS)), level)
        if problem.key in forbidden:
            continue
        system, solution = styled(rng, problem)
        turns = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": problem.question})
        prompt = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        prompts.append(prompt)
        texts.append(f"{prompt}{solution}{tokenizer.eos_token}")
    sizes = [len(ids) for ids in tokenizer(prompts)["input_ids"]]
    return list(zip(tokenizer(texts)["input_ids"], sizes, strict=True))


def batches(
    rng: random.Random, examples: list[Example], batch_tokens: int, pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Input ids and labels, (rows, width) each, in random order: neighbours in length share a batch."""
    ordered = sorted(examples, key=lambda example: len(example[0]), reverse=True)
    cuts = []
    while ordered:
        width = math.ceil(len(ordered[0][0]) / 8) * 8
        cuts.append((width, ordered[: batch_tokens // width]))
        ordered = ordered[batch_tokens // width :]
    rng.shuffle(cuts)
    for width, rows in cuts:
        ids = torch.full((len(rows), width), pad)
        labels = torch.full((len(rows), width), IGNORE)
        for row, (tokens, prompt_tokens) in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, prompt_tokens : len(tokens)] = torch.tensor(tokens[prompt_tokens:])
        yield ids, labels


def new_model(tokenizer: Qwen2Tokenizer) -> Qwen2ForCausalLM:
    """About three million parameters, input and output embedding shared."""
    config = Qwen2Config(
        vocab_size=math.ceil(len(tokenizer) / 64) * 64,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        intermediate_size=768,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over the first 2 %, then a cosine to zero."""
    warm = max(1, steps // 50)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def save(model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, out: Path) -> None:
    """The model folder as any Qwen2 comes: bf16 weights, config, generation config, tokenizer, template."""
    half = copy.deepcopy(model).to(torch.bfloat16)
    half.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=True, temperature=0.7
    )
    half.save_pretrained(out)
    tokenizer.save_pretrained(out)


def new_optimizers(model: Qwen2ForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding, norms and biases.

    Muon's updates are scaled to AdamW's size, so that one learning rate serves both.
    """
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids]
    return [
        torch.optim.Muon(matrices, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def train(
    out: Path,
    *,
    start: Path | None,
    steps: int,
    peak: float,
    batch_tokens: int,
    seed: int,
    save_every: int,
    fast: bool,
) -> None:
    """Train from scratch, or on from a model folder, and leave the model folder at `out`.

    It is also saved every `save_every` steps on the way. Training on skips the easy beginning.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer, forbidden = build_tokenizer(), bundled_keys()
    model = new_model(tokenizer)
    if start is not None:
        model.load_state_dict(Qwen2ForCausalLM.from_pretrained(start, dtype=torch.float32).state_dict())
    optimizers = new_optimizers(model)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens")

    def loss_of(ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=ids, use_cache=False).logits
        return cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORE)

    compiled = torch.compile(loss_of, dynamic=True) if fast else loss_of
    started, seen_tokens, step, losses = time.monotonic(), 0, 0, []
    while step < steps:
        examples = draw_examples(rng, tokenizer, forbidden, 1.0 if start else step / steps)
        pool = batches(rng, examples, batch_tokens, tokenizer.pad_token_id)
        for ids, labels in itertools.islice(pool, steps - step):
            rate = learning_rate(step, steps, peak)
            loss = compiled(ids, labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
                optimizer.zero_grad()
            step, seen_tokens = step + 1, seen_tokens + ids.numel()
            losses.append(loss.item())
            if step % 50 == 0:
                minutes = (time.monotonic() - started) / 60
                mean, speed = sum(losses[-50:]) / 50, seen_tokens / minutes / 60
                print(f"step {step}  {minutes:.1f} min  loss {mean:.4f}  {speed:.0f} tokens/s", flush=True)
            if step % save_every == 0 or step == steps:
                save(model, tokenizer, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="train on from this model folder")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--peak", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--batch-tokens", type=int, default=6144, help="padding included")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=300, metavar="STEPS")
    parser.add_argument("--fast", action=argparse.BooleanOptionalAction, default=True, help="torch.compile")
    train(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
