"""What is looked at before a step is taken: rows, template, lengths, tokenizer, memory, disk.

Each guard gives findings; a finding that says stop ends the run before the model is loaded. All are told at once.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pairforge.errors import TrainError
from pairforge.lengths import count_lengths, tokenizer_digest
from pairforge.templates import check_template
from pairforge.train.arguments import Settings
from pairforge.train.data import TrainData, text_of
from pairforge.train.methods import LABELED, METHODS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEMPLATE_ROWS = 50  # rows rendered to see whether the template keeps their reasoning
LABELS = {"chosen": True, "rejected": False}
GIB = 2**30
Level = Literal["ok", "warn", "stop"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `text` is a sentence with the figures in it."""

    level: Level
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SideLengths:
    """Tokens per row, as TRL makes them: prompt, and completion with its end of turn."""

    prompt: list[int]
    completion: list[int]

    @property
    def totals(self) -> list[int]:
        return [p + c for p, c in zip(self.prompt, self.completion, strict=True)]

    @property
    def mean_completion(self) -> float:
        return sum(self.completion) / len(self.completion)


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What a model's config says about it. `context_tokens` is None where it names none."""

    parameters: int
    layers: int
    hidden: int
    context_tokens: int | None


def refuse(findings: list[Finding]) -> None:
    """Raise `TrainError` with every finding that says stop."""
    stops = [f for f in findings if f.level == "stop"]
    if stops:
        raise TrainError("; ".join(f"{f.name}: {f.text}" for f in stops), hint="nothing was trained")


def clean_rows(data: TrainData) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The rows without empty, repeated and self-contradicting ones, and how many of each there were."""
    counts = {"empty": 0, "with equal sides": 0, "repeated": 0}
    seen: set[str] = set()
    kept = []
    for row in data.rows:
        identity = json.dumps(row, sort_keys=True)
        sides = [text_of(row[name]).strip() for name in row if name != "label"]
        if not all(sides):
            counts["empty"] += 1
        elif "rejected" in row and row["chosen"] == row["rejected"]:
            counts["with equal sides"] += 1
        elif identity in seen:
            counts["repeated"] += 1
        else:
            seen.add(identity)
            kept.append(row)
    if data.skipped:
        counts["unreadable"] = data.skipped
    left_out = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)
    if not kept:
        return kept, [Finding("stop", "rows", f"none of {len(data.rows):,} is left: {left_out}")]
    text = f"{len(kept):,} rows" + (f"; left out: {left_out}" if left_out else "")
    return kept, [Finding("warn" if left_out else "ok", "rows", text)]


def keep_reasoning(tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]]) -> list[Finding]:
    """See that the chat template keeps the reasoning of both sides; where it does not, put one in that does.

    Changes `tokenizer.chat_template` when a training template is known (the remedy is applied, not only named).
    """
    if isinstance(rows[0]["prompt"], str):
        return [Finding("ok", "template", "the rows are plain text: no template is applied")]
    if not getattr(tokenizer, "chat_template", None):
        hint = "give the tokenizer one, or rows of plain text"
        return [Finding("stop", "template", f"the rows are conversations and the model has no chat template; {hint}")]
    step = max(1, len(rows) // TEMPLATE_ROWS)
    for row in rows[::step]:
        for side in (name for name in row if name not in ("prompt", "label")):
            report = check_template(tokenizer, row["prompt"], text_of(row[side]))
            if report.ok:
                continue
            if report.training_template is None:
                return [Finding("stop", "template", f"{side}: {report.lost}; {report.remedy}")]
            tokenizer.chat_template = report.training_template
            again = keep_reasoning(tokenizer, rows)
            text = f"the model's own template does not fit these pairs: {report.lost}; {report.remedy}"
            return [Finding("warn", "template", text), *(f for f in again if f.level != "ok")]
    return [Finding("ok", "template", "keeps the reasoning of both sides")]


def count(tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]]) -> dict[str, SideLengths]:
    """Token counts of each side that is trained on; labeled solutions count as chosen or rejected by their label."""
    if "label" in rows[0]:
        by_label = {side: [row for row in rows if row["label"] is label] for side, label in LABELS.items()}
        return {side: _count_side(tokenizer, part, "completion") for side, part in by_label.items()}
    return {side: _count_side(tokenizer, rows, side) for side in ("chosen", "rejected") if side in rows[0]}


def _count_side(tokenizer: PreTrainedTokenizerBase, rows: list[dict[str, Any]], side: str) -> SideLengths:
    if isinstance(rows[0]["prompt"], str):
        prompts = [len(ids) for ids in tokenizer([r["prompt"] for r in rows])["input_ids"]]
        whole = [len(ids) + 1 for ids in tokenizer([r["prompt"] + r[side] for r in rows])["input_ids"]]
        return SideLengths(prompts, [w - p for w, p in zip(whole, prompts, strict=True)])
    counted = count_lengths(tokenizer, ((str(i), r["prompt"], text_of(r[side])) for i, r in enumerate(rows)))
    pairs = [(prompt, completion) for _, prompt, completion in counted]
    return SideLengths([p for p, _ in pairs], [c for _, c in pairs])


def lengths(
    sides: dict[str, SideLengths], settings: Settings, size: ModelSize, direction: str | None, run: str = ""
) -> list[Finding]:
    """How long the sides are, which is longer, and whether `max_length` and the model's context hold them; `run` is
    the run that the rows come from."""
    if METHODS[settings.method].columns == LABELED:
        totals = [total for side in sides.values() for total in side.totals]
    else:
        totals = [max(row) for row in zip(*(s.totals for s in sides.values()), strict=True)]
    limit, longest = settings.trl.get("max_length"), max(totals)
    cure = f"`pairforge filter {run or 'RUN'} --set filter.total.max={{}}` drops longer pairs"
    findings = [_direction(sides, direction)]
    if size.context_tokens is not None and longest > size.context_tokens:
        text = f"the longest row has {longest:,} tokens, the model's context is {size.context_tokens:,}"
        findings.append(Finding("stop", "context", f"{text}; {cure.format(size.context_tokens)}"))
    if limit is None:
        findings.append(Finding("ok", "max_length", f"nothing is cut; the longest row has {longest:,} tokens"))
        return findings
    cut = sum(t > limit for t in totals)
    share = cut / len(totals)
    text = f"{cut:,} of {len(totals):,} rows ({share:.1%}) are longer than max_length {limit:,} (longest {longest:,})"
    if share > settings.max_cut_share:
        text += ": they would lose their end, and with it the answer"
        text += f" (train.max_cut_share allows {settings.max_cut_share:g})"
        text += f"; --set train.max_length={-(-longest // 128) * 128} keeps them, or {cure.format(limit)}"
        findings.append(Finding("stop", "max_length", text))
    else:
        findings.append(Finding("warn" if cut else "ok", "max_length", text))
    return findings


def _direction(sides: dict[str, SideLengths], direction: str | None) -> Finding:
    chosen = sides["chosen"].mean_completion
    if "rejected" not in sides:
        return Finding("ok", "lengths", f"completions have {chosen:,.0f} tokens on average")
    rejected = sides["rejected"].mean_completion
    longer = "longer" if chosen > rejected else "shorter"
    text = f"chosen {chosen:,.0f}, rejected {rejected:,.0f} tokens on average: this teaches {longer} solutions"
    unexpected = (direction == "long" and chosen <= rejected) or (direction == "short" and chosen >= rejected)
    return Finding(
        "warn" if unexpected else "ok", "lengths", text + (f", the rules say {direction}" if unexpected else "")
    )


def same_tokenizer(tokenizer: PreTrainedTokenizerBase, data: TrainData, settings: Settings) -> list[Finding]:
    """Whether the rules counted tokens with the tokenizer and template of the model that is trained."""
    if data.tokenizer_digest is None:
        return []
    if tokenizer_digest(tokenizer) == data.tokenizer_digest:
        return [Finding("ok", "tokenizer", "the one the rules counted with")]
    text = "not the tokenizer and template the rules counted with: gaps and limits are those of another model"
    cure = f"`pairforge filter {data.run or 'RUN'} --set filter.tokenizer={settings.model}` counts again"
    return [Finding("warn", "tokenizer", f"{text}. {cure}")]


def batch(settings: Settings, rows: int, *, devices: int) -> list[Finding]:
    """Whether an optimizer step uses as many rows as asked for, and whether there are as many."""
    used, asked = settings.rows_per_step(devices), settings.global_batch_size
    found = []
    if asked > rows:
        there = settings.rows_per_step(devices, rows)
        text = f"a step takes {there:,} rows, not {asked:,}: there are {rows:,}, and an epoch is one step"
        return [Finding("warn", "batch", f"{text}; --set train.global_batch_size={max(1, rows // 8)} makes 8 of it")]
    if used != asked:
        per_device = settings.trl["per_device_train_batch_size"]
        text = (
            f"{used} rows per step, not global_batch_size {asked}: {per_device} rows x {devices} devices x "
            f"{settings.accumulation_steps(devices)} accumulation steps"
        )
        fitting = next(n for n in range(min(per_device, asked), 0, -1) if asked % (n * devices) == 0 or n == 1)
        cure = f"--set train.per_device_train_batch_size={fitting} divides the global batch"
        found.append(Finding("warn", "batch", f"{text}; {cure}"))
    return found or [Finding("ok", "batch", f"{used} rows per step")]


def memory(settings: Settings, size: ModelSize, longest_tokens: int, *, devices: int = 1) -> list[Finding]:
    """An estimate of the memory of training against what the device has, in GiB.

    Full training in 32 bits keeps weights, gradients and two moments (16 bytes a parameter); LoRA keeps frozen
    weights. One layer's activations and the hidden states of all layers are kept with gradient checkpointing, some
    34 values a token and layer without (Korthikanti et al., 2205.05198, attention in flash form).
    """
    per_parameter = 16 if settings.lora is None else (2 if settings.trl.get("bf16") else 4)
    keeps_reference = METHODS[settings.method].reference and not settings.trl.get("precompute_ref_log_probs")
    reference = 4 if keeps_reference and not settings.lora else 0
    fixed = size.parameters * (per_parameter + reference) / devices
    width = 2 if settings.trl.get("bf16") else 4
    copies = 1 if settings.method == "sft" else 2
    tokens = settings.trl["per_device_train_batch_size"] * copies * longest_tokens
    kept = size.layers + 34 if settings.trl.get("gradient_checkpointing") else 34 * size.layers
    activations = tokens * size.hidden * kept * width
    free = free_memory()
    text = (
        f"about {(fixed + activations) / GIB:.1f} GiB (weights and optimizer {fixed / GIB:.1f}), {free / GIB:.1f} free"
    )
    if fixed > free:
        return [Finding("stop", "memory", f"{text}: --set train.lora=true, or several devices (--print)")]
    too_much = fixed + activations > free
    return [Finding("warn" if too_much else "ok", "memory", text + (": it may not fit" if too_much else ""))]


def free_memory() -> float:
    """Free bytes of the device that trains: the first GPU, or this machine's memory."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0])
    lines = Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else []
    found = next((line for line in lines if line.startswith("MemAvailable")), None)
    return float(found.split()[1]) * 1024 if found else float("inf")


def disk(settings: Settings, size: ModelSize, out: Path) -> list[Finding]:
    """Whether the checkpoints (32-bit weights and two moments) and the final model fit on the disk."""
    weights = 4 * size.parameters
    trained = 3 * weights if settings.lora is None else weights // 10
    keeps = settings.trl["save_strategy"] != "no"
    checkpoints = ((settings.trl.get("save_total_limit") or 2) + 1) * trained if keeps else 0
    folder = next(p for p in [out, *out.absolute().parents] if p.exists())
    free = shutil.disk_usage(folder).free
    text = f"needs {(weights + checkpoints) / GIB:.2f} GiB with its checkpoints, {free / GIB:.1f} free at {folder}"
    if weights + checkpoints < free:
        return [Finding("ok", "disk", text)]
    return [Finding("stop", "disk", f"{text}; --set train.save_only_model=true needs less")]


def model_size(model: str, revision: str | None) -> ModelSize:
    """Parameters, layers and width of a model, without its weights.

    Raises `TrainError` when there is no such model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(model, revision=revision)
        with torch.device("meta"):
            parameters = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
    except Exception as error:  # a wrong path, a network failure, an unknown architecture: many classes
        raise TrainError(
            f"cannot read model '{model}': {str(error).splitlines()[0]}", hint="a Hub id or a folder"
        ) from error
    text = config.get_text_config()
    context = getattr(text, "max_position_embeddings", None)
    return ModelSize(parameters, int(text.num_hidden_layers), int(text.hidden_size), int(context) if context else None)
