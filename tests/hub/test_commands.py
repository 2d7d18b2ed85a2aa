"""The commands that a card prints, run as they stand by somebody who has nothing but the card."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pairforge.hub import Target, push, stage
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
