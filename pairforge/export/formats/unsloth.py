"""unsloth: TRL's rows, and dpo.py, which trains them with unsloth's model and TRL's trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.formats.trl import row
from pairforge.export.settings import SHARED

SCRIPT = '''\
"""DPO with unsloth (LoRA): python dpo.py"""

from unsloth import FastLanguageModel, PatchDPOTrainer

PatchDPOTrainer()

from datasets import load_dataset  # noqa: E402  (unsloth comes first)
from trl import DPOConfig, DPOTrainer  # noqa: E402

MODEL = {model!r}
REVISION = {revision!r}
SETTINGS = {settings}

data = load_dataset("json", data_files={files!r})
model, tokenizer = FastLanguageModel.from_pretrained(
    MODEL, revision=REVISION, max_seq_length=SETTINGS["max_length"], load_in_4bit=False, load_in_16bit=True
)
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=32, lora_dropout=0.0)
trainer = DPOTrainer(
    model=model,
    ref_model=None,  # the model without its adapter
    args=DPOConfig(**SETTINGS),
    train_dataset=data["train"],
    eval_dataset=data.get("test"),
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model(SETTINGS["output_dir"])
'''


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    arguments = {
        "output_dir": "dpo-model",
        "max_length": settings["max_length"],
        "beta": settings["beta"],
        "warmup_steps": settings["warmup"],
        **{name: settings[name] for name in SHARED},
        **({"eval_strategy": "epoch"} if written.with_eval else {}),
        "report_to": "none",
    }
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in arguments.items())
    files = {"train": "train.jsonl", **({"test": f"{EVAL_SPLIT}.jsonl"} if written.with_eval else {})}
    text = SCRIPT.format(model=settings["model"], revision=settings["revision"], settings=f"{{\n{lines}}}", files=files)
    return {"dpo.py": settings["note"] + text}


FORMAT = Format(row, configure, "cd {folder} && python dpo.py")
