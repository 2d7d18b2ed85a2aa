"""From a run to a trainer through the Hub: push, load_dataset, DPOTrainer."""

from datasets import load_dataset

from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from tests.hub.runs import small_run

REPO = "ana/pairs"


def test_dpo_trainer_takes_what_was_pushed(hub, tmp_path):
    """A tiny model with random weights: two steps, and the rewards are computed on all the rows' words."""
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM
    from trl import DPOConfig, DPOTrainer

    from pairforge.demo import demo_path

    push(stage(small_run(tmp_path / "run"), {"default": "default"}, REPO, eval_share=0.2), Target(REPO))
    tokenizer = AutoTokenizer.from_pretrained(demo_path("pairforge:nano"))
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(tmp_path / "tiny")  # the trainer loads its reference from where the model lies
    model = Qwen2ForCausalLM.from_pretrained(tmp_path / "tiny")
    config = DPOConfig(
        output_dir=str(tmp_path / "model"), max_steps=2, per_device_train_batch_size=4, use_cpu=True, bf16=False,
        gradient_checkpointing=False, report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True,
    )  # fmt: skip
    data = load_dataset(REPO, "default")
    trainer = DPOTrainer(
        model, args=config, train_dataset=data["train"], eval_dataset=data["test"], processing_class=tokenizer
    )
    assert len(trainer.train_dataset) == len(data["train"])  # no row was too long or malformed
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2 and abs(losses[0] - 0.693) < 0.05  # ln 2: policy and reference start equal
    assert "eval_rewards/accuracies" in trainer.evaluate()
