"""The commands that a card prints, run as they stand by somebody who has nothing but the card."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from pairforge.pipeline.importing import import_data
from pairforge.rowfiles import iter_rows
from pairforge.run import Run
from tests.hub.runs import RECIPE, small_run
from tests.hub.server import ANA

REPO = "ana/pairs"
pytestmark = pytest.mark.full


def block(card: str, section: str) -> str:
    """The commands of a section of the card."""
    return re.search(rf"## {section}\n.*?```bash\n(.*?)```", card, re.DOTALL)[1]


def shell(commands: str, folder: Path, hub, **more: str) -> None:
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path.cwd()),
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": ANA,
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        **more,
    }
    ours = f'pairforge() {{ "{sys.executable}" -m pairforge "$@"; }}\n'  # the code under test, installed or not
    done = subprocess.run(["bash", "-e", "-c", ours + commands], cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_the_rebuild_commands_make_the_same_pairs_again(hub, tmp_path):
    data = tmp_path / "mine.jsonl"
    texts = ("Two and two make four: \\boxed{4}", "\\boxed{4}", "\\boxed{5}")
    rows = [{"question": f"{i}. What is 2 + 2?", "gold": "4", "completion": text} for i in range(8) for text in texts]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_data({"dataset": str(data), "adapter": "rollouts"}, "pairforge:nano", tmp_path / "run")
    contents = stage(Run(tmp_path / "run"), {"default": "default"}, REPO)
    push(contents, Target(REPO))
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(data, other)  # the recipe says which file of its author it needs
    shell(block(contents.card, "Rebuild"), other, hub)
    [view] = other.glob("runs/*/views/default")
    assert list(iter_rows(view / "pairs.parquet")) == list(load_dataset(REPO, split="train"))


def test_the_training_command_trains(hub, tmp_path):
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    from pairforge.demo import demo_path

    tokenizer = AutoTokenizer.from_pretrained(demo_path("pairforge:nano"))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    config = Qwen2Config(vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, **sizes, **heads)
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "student")
    tokenizer.save_pretrained(tmp_path / "student")
    run = small_run(tmp_path / "run", recipe={**RECIPE, "train": {"model": "student"}})
    contents = stage(run, {"default": "default"}, REPO, eval_share=0.2)
    push(contents, Target(REPO))
    command = (
        block(contents.card, "Train").rstrip() + " --use_cpu --bf16 False --report_to none"
    )  # there is no GPU here
    shell(command, tmp_path, hub)
    assert (tmp_path / "dpo-model" / "model.safetensors").exists()
