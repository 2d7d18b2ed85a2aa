"""Reinforcement learning with verifiable rewards: problems for TRL's GRPO, verl, OpenRLHF and NeMo RL.

All of them read the same train.jsonl, each by columns of its own names. TRL, verl and OpenRLHF take their rewards from
`pairforge.rewards`; NeMo RL has an environment with a verifier of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.scripts import checkout, nemo_rl_data, nemo_rl_script, openrlhf_schedule, script
from pairforge.export.settings import dump_config
from pairforge.rewards import RULE_COLUMNS

GENERATIONS = 8  # completions per prompt, in every configuration
REWARDS = {"correct": 1.0, "reasoning_format": 0.1}  # of pairforge.rewards, with their weights


def row(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of `pipeline.exporting.problem_rows`, and the same values under the names that verl (`data_source`,
    `ability`, `reward_model`, `extra_info`) and NeMo RL (`input`) ask for."""
    return {
        **problem,
        "data_source": problem["source"],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": problem["ground_truth"]},
        "extra_info": {name: problem[name] for name in ("problem_id", *RULE_COLUMNS)},
        "input": problem["prompt"][-1]["content"],
    }


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    files = {
        "grpo.yaml": dump_config(
            _trl(settings, written),
            "cd here, then: trl grpo --config grpo.yaml",
            settings,
        ),
        "verl.yaml": dump_config(_verl(settings, written), "see verl.sh", settings),
        "verl.sh": script(VERL, {}),
        "openrlhf.sh": _openrlhf(settings, written),
        "openrlhf_reward.py": "from pairforge.rewards import openrlhf_rewards as reward_func  # noqa: F401\n",
        "nemo_rl.yaml": dump_config(_nemo_rl(settings, written), "see nemo_rl.sh", settings),
        "nemo_rl.sh": nemo_rl_script("run_grpo.py", "nemo_rl.yaml"),
    }
    if settings["system"]:
        files["system.txt"] = settings["system"]
    return files


def _trl(settings: Mapping[str, Any], written: Written) -> dict[str, Any]:
    return {
        "model_name_or_path": settings["model"],
        **({"model_revision": settings["revision"]} if settings["revision"] else {}),
        "dataset_name": settings["here"],
        **({"eval_strategy": "epoch"} if written.with_eval else {}),
        "reward_funcs": [f"pairforge.rewards.{name}" for name in REWARDS],
        "reward_weights": list(REWARDS.values()),
        **({"chat_template_kwargs": settings["template_kwargs"]} if settings["template_kwargs"] else {}),
        "num_generations": GENERATIONS,
        "max_completion_length": settings["max_completion_length"],
        "learning_rate": settings["learning_rate"],
        "beta": settings["beta"],
        "num_train_epochs": settings["num_train_epochs"],
        "lr_scheduler_type": settings["lr_scheduler_type"],
        "warmup_steps": settings["warmup"],
        "per_device_train_batch_size": _batch(settings),
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "output_dir": "grpo-model",
    }


def _batch(settings: Mapping[str, Any]) -> int:
    """Completions per device and step: whole groups."""
    return GENERATIONS * max(1, round(int(settings["per_device_train_batch_size"]) / GENERATIONS))


VERL = 'python -m verl.trainer.main_ppo --config-path "$PWD" --config-name verl'


def _verl(settings: Mapping[str, Any], written: Written) -> dict[str, Any]:
    prompts = max(1, int(settings["global_batch_size"]) // GENERATIONS)
    return {
        "hydra": {"searchpath": ["pkg://verl.trainer.config"]},
        "defaults": ["ppo_trainer", "_self_"],
        "data": {
            "train_files": "train.jsonl",
            "val_files": f"{EVAL_SPLIT if written.with_eval else 'train'}.jsonl",
            "prompt_key": "prompt",
            "max_prompt_length": settings["max_prompt_length"],
            "max_response_length": settings["max_completion_length"],
            "train_batch_size": prompts,
        },
        "algorithm": {"adv_estimator": "grpo"},
        "actor_rollout_ref": {
            "model": {"path": settings["model"]},
            "actor": {
                "optim": {"lr": settings["learning_rate"]},
                "ppo_mini_batch_size": prompts,
                "ppo_micro_batch_size_per_gpu": 1,
            },
            "rollout": {
                "name": "vllm",
                "n": GENERATIONS,
                "tensor_model_parallel_size": 1,
                "log_prob_micro_batch_size_per_gpu": 1,
            },
            "ref": {"log_prob_micro_batch_size_per_gpu": 1},
        },
        "reward": {"custom_reward_function": {"path": "pkg://pairforge.rewards", "name": "verl_score"}},
        "trainer": {
            "n_gpus_per_node": 1,
            "nnodes": 1,
            "total_epochs": settings["num_train_epochs"],
            "val_before_train": False,
            "test_freq": 10 if written.with_eval else -1,
            "project_name": "pairforge",
            "experiment_name": "grpo",
            "logger": ["console"],
        },
    }


def _openrlhf(settings: Mapping[str, Any], written: Written) -> str:
    prompts = max(1, int(settings["global_batch_size"]) // GENERATIONS)
    options = {
        "actor.model_name_or_path": settings["model"],
        "data.prompt_dataset": "train.jsonl",
        "data.input_key": "prompt",
        "data.label_key": "ground_truth",
        "data.apply_chat_template": True,
        **({"eval.dataset": f"{EVAL_SPLIT}.jsonl", "eval.steps": 10} if written.with_eval else {}),
        "data.max_len": settings["max_prompt_length"] + settings["max_completion_length"],
        "rollout.max_new_tokens": settings["max_completion_length"],
        "rollout.n_samples_per_prompt": GENERATIONS,
        "rollout.batch_size": prompts,
        "train.batch_size": prompts * GENERATIONS,
        "train.num_episodes": settings["num_train_epochs"],
        "reward.remote_url": "openrlhf_reward.py",
        "algo.advantage.estimator": "group_norm",
        "algo.kl.init_coef": settings["beta"],
        "actor.adam.lr": settings["learning_rate"],
        **openrlhf_schedule(settings, "actor."),
        "actor.num_gpus_per_node": 1,
        "ref.num_gpus_per_node": 1,
        "vllm.num_engines": 1,
        "train.colocate_all": True,
        "ckpt.output_dir": "grpo-model",
    }
    return script("python -m openrlhf.cli.train_ppo_ray", options)


def _nemo_rl(settings: Mapping[str, Any], written: Written) -> dict[str, Any]:
    prompts = max(1, int(settings["global_batch_size"]) // GENERATIONS)
    prompt = {"system_prompt_file": "${oc.env:EXPORT}/system.txt" if settings["system"] else None, "prompt_file": None}
    columns = {"input_key": "input", "output_key": "ground_truth"}
    own = {"dataset_name": "ResponseDataset", **columns, "processor": "math_hf_data_processor", "env_name": "math"}
    return {
        "defaults": "${oc.env:NEMO_RL}/examples/configs/grpo_math_1B.yaml",
        "grpo": {
            "num_prompts_per_step": prompts,
            "num_generations_per_prompt": GENERATIONS,
            "max_num_epochs": settings["num_train_epochs"],
            **({} if written.with_eval else {"val_period": 0}),
        },
        "loss_fn": {"reference_policy_kl_penalty": settings["beta"]},
        "policy": {
            "model_name": settings["model"],
            "max_total_sequence_length": settings["max_prompt_length"] + settings["max_completion_length"],
            "train_global_batch_size": prompts * GENERATIONS,
            "optimizer": {"kwargs": {"lr": settings["learning_rate"]}},
        },
        "data": nemo_rl_data(written, {**own, **prompt}),
    }


FORMAT = Format(
    row,
    configure,
    "cd {folder} && trl grpo --config grpo.yaml",
    kind="problems",
    also={
        "verl": "bash {folder}/verl.sh",
        "OpenRLHF": "bash {folder}/openrlhf.sh",
        "NeMo RL": "bash {folder}/nemo_rl.sh CHECKOUT",
    },
    yours=checkout("NeMo RL"),
)
