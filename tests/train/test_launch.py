"""The command for several devices."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pairforge.train import launch

CONFIGS = sorted((Path(__file__).parents[2] / "recipes" / "accelerate").glob("*.yaml"))


def test_the_command_keeps_the_arguments_and_quotes_them():
    words = launch.command(["train", "my run", "--set", "train.beta=0.1"], processes=4)
    assert words == (
        "accelerate launch --multi_gpu --mixed_precision bf16 --num_processes 4 "
        "-m pairforge train 'my run' --set train.beta=0.1"
    )
    config = launch.command(["train", "run"], processes=8, config=Path("recipes/accelerate/fsdp.yaml"))
    assert "--config_file recipes/accelerate/fsdp.yaml --num_processes 8" in config


def test_print_prints_the_command_and_does_nothing(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pairforge", "train", "nowhere", "--print", "--processes", "2", "--set", "train.beta=0.1"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.strip().endswith("--num_processes 2 -m pairforge train nowhere --set train.beta=0.1")


@pytest.mark.parametrize("file", CONFIGS, ids=lambda f: f.name)
def test_the_example_configs_are_what_accelerate_reads(file: Path):
    from accelerate.commands.config.config_args import ClusterConfig

    config = ClusterConfig(**yaml.safe_load(file.read_text()))
    assert config.distributed_type in ("FSDP", "DEEPSPEED")
    assert str(config.mixed_precision).lower() == "bf16"
