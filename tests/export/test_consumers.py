"""Each export is read by its consumer's own loader, and trains two steps where the consumer runs on a CPU.

TRL's own tests stand beside each format. NeMo RL and open-instruct have no package: their rows are tested against what
their documentation and code ask for.
"""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from pairforge.export.formats.llamafactory import TEMPLATES
from pairforge.pipeline.exporting import export_view
from pairforge.rowfiles import iter_rows
from tests.export.consumers import ask, consumer, run
from tests.export.runs import nano_run

TOKENIZER = (
    "from transformers import AutoTokenizer\n"
    "from pairforge.demo import demo_path\n"
    "tokenizer = AutoTokenizer.from_pretrained(demo_path('pairforge:nano'))\n"
)


@pytest.fixture(scope="module")
def nano(tmp_path_factory):
    return nano_run(tmp_path_factory.mktemp("consumers") / "run")


@pytest.fixture(scope="module")
def pairs(nano):
    return list(iter_rows(nano.view("default") / "pairs.parquet"))


# --- LLaMA-Factory -----------------------------------------------------------------------------------------------

LLAMAFACTORY = """
import json, types, yaml
from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import TEMPLATES
from llamafactory.hparams import DataArguments, ModelArguments

config = yaml.safe_load(open("dpo.yaml"))
data_args = DataArguments(dataset_dir=config["dataset_dir"], dataset=config["dataset"], template="qwen")
model_args = ModelArguments(model_name_or_path="none")
train_args = types.SimpleNamespace(seed=0, local_process_index=0, should_log=False)
[attributes] = get_dataset_list(data_args.dataset, data_args.dataset_dir)
rows = _load_single_dataset(attributes, model_args, data_args, train_args)
print(json.dumps([attributes.ranking, list(rows), sorted(TEMPLATES)]))
"""


@pytest.fixture(scope="module")
def llamafactory():
    return consumer("llamafactory", "llamafactory==0.9.5", stubs=("torchaudio",))


@pytest.mark.full
def test_llamafactory_loads_its_export(llamafactory, nano, pairs):
    done = export_view(nano, "default", "llamafactory")
    ranking, rows, templates = ask(llamafactory, LLAMAFACTORY, done.folder, DISABLE_VERSION_CHECK="1")
    assert ranking and len(rows) == len(pairs)
    assert rows[3]["_prompt"] == pairs[3]["prompt"]
    assert [side["content"] for side in rows[3]["_response"]] == [
        pairs[3][s][0]["content"] for s in ("chosen", "rejected")
    ]
    assert {template for _, template in TEMPLATES} <= set(templates)


@pytest.mark.full
def test_llamafactory_trains_on_its_export(llamafactory, nano):
    done = export_view(nano, "default", "llamafactory")
    config = yaml.safe_load((done.folder / "dpo.yaml").read_text())
    assert "template" not in config, "the nano model keeps its own"
    del config["num_train_epochs"]
    short = {"max_steps": 2, "use_cpu": True, "report_to": "none", "save_strategy": "no", "logging_steps": 1}
    (done.folder / "short.yaml").write_text(yaml.safe_dump(config | short))
    command = [llamafactory, "-m", "llamafactory.cli", "train", "short.yaml"]
    assert "train_loss" in run(command, done.folder, DISABLE_VERSION_CHECK="1")


# --- axolotl -----------------------------------------------------------------------------------------------------

AXOLOTL = """
import json, yaml
from datasets import load_dataset
from axolotl.prompt_strategies.dpo.chat_template import default
from axolotl.utils.dict import DictDefault
from tests_tokenizer import tokenizer

config = DictDefault(yaml.safe_load(open("axolotl.yaml")))
entry = config.datasets[0]
rows = load_dataset(entry.ds_type, data_files=entry.path, split=entry.split)
transform = default(config, 0)
transform = transform[0] if isinstance(transform, tuple) else transform
print(json.dumps([transform(row, tokenizer=tokenizer) for row in rows]))
"""


@pytest.mark.full
def test_axolotl_loads_its_export(nano, pairs):
    python = consumer("axolotl", "axolotl==0.19.0")
    done = export_view(nano, "default", "axolotl")
    (done.folder / "tests_tokenizer.py").write_text(TOKENIZER)
    rows = ask(python, AXOLOTL, done.folder)
    assert len(rows) == len(pairs)
    assert pairs[3]["question"].strip() in rows[3]["prompt"]
    assert all(pairs[3][side][0]["content"].strip() in rows[3][side] for side in ("chosen", "rejected"))


# --- ms-swift ----------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_ms_swift_trains_on_its_export(nano, pairs):
    """With the printed script; the nano model is in no list of models, so its type and template are given."""
    python = consumer("ms-swift", "ms-swift==4.6.0")
    done = export_view(nano, "default", "ms-swift")
    script = (done.folder / "dpo.sh").read_text().rstrip()
    more = (
        "--max_steps 2 --model_type qwen2 --template qwen2_5 --torch_dtype float32 --report_to none --save_strategy no"
    )
    (done.folder / "short.sh").write_text(f"{script} {more}\n")
    said = run(["bash", "short.sh"], done.folder, PATH=f"{python.parent}:/usr/bin:/bin")
    assert "train_loss" in said and "global_step/max_steps': '2/2'" in said
    assert f"num_rows: {len(pairs)}" in said


# --- OpenRLHF ----------------------------------------------------------------------------------------------------

OPENRLHF = """
import ast, importlib.util, json, re, sys, types
from pathlib import Path
from datasets import load_dataset
from tests_tokenizer import tokenizer

home = Path(importlib.util.find_spec("openrlhf").submodule_search_locations[0])

def load(name):
    # its packages import deepspeed, which needs a GPU: the modules of the data path are loaded by themselves
    spec = importlib.util.spec_from_file_location(name, home.joinpath(*name.split(".")[1:]).with_suffix(".py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def flags(name):
    main = [n for n in ast.parse((home / "cli" / f"{name}.py").read_text()).body if isinstance(n, ast.If)][-1]
    calls = [n for n in ast.walk(main) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "add_argument"]
    names = [re.search(r"--[\\w.{}]+", ast.unparse(call.args[0])).group() for call in calls]
    return [n.replace("{prefix}", prefix) for n in names for prefix in ("actor", "critic")]

for package in ("openrlhf", "openrlhf.datasets", "openrlhf.utils", "openrlhf.utils.utils"):
    sys.modules[package] = types.ModuleType(package)
sys.modules["openrlhf.utils.utils"].zero_pad_sequences = None
load("openrlhf.datasets.utils")
rows = load_dataset("json", data_files="train.jsonl")["train"]
if sys.argv[1] == "dpo":
    module = load("openrlhf.datasets.reward_dataset")
    render = tokenizer.apply_chat_template
    out = [module.preprocess_data(r, None, "prompt", "chosen", "rejected", render, True)[:3] for r in rows]
    print(json.dumps([out, flags("train_dpo")]))
else:
    module = load("openrlhf.datasets.prompts_dataset")
    out = [module.preprocess_data(r, None, "prompt", "ground_truth", tokenizer.apply_chat_template) for r in rows]
    spec = importlib.util.spec_from_file_location("reward_func", "openrlhf_reward.py")
    reward = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reward)
    prompt, label = out[0]
    rewards = reward.reward_func([prompt + "\\\\boxed{%s}<|im_end|>" % label.strip("$")], [prompt], [label])["rewards"]
    print(json.dumps([out, flags("train_ppo_ray"), rewards.tolist()]))
"""


@pytest.fixture(scope="module")
def openrlhf():
    return consumer("openrlhf", "openrlhf==0.11.2")


def used_flags(script: str) -> set[str]:
    return set(re.findall(r"^\s+(--[\w.]+)", script, re.MULTILINE))


@pytest.mark.full
def test_openrlhf_loads_its_pairs(openrlhf, nano, pairs):
    done = export_view(nano, "default", "openrlhf", eval_share=0.2)
    (done.folder / "tests_tokenizer.py").write_text(TOKENIZER)
    rows, flags = ask(openrlhf, f"import sys; sys.argv = ['', 'dpo']\n{OPENRLHF}", done.folder)
    assert len(rows) == done.rows
    shown = {pair["question"]: pair for pair in pairs}
    for prompt, chosen, rejected in rows:
        pair = next(pair for question, pair in shown.items() if question.strip() in prompt)
        assert pair["chosen"][0]["content"].strip() in chosen and pair["rejected"][0]["content"].strip() in rejected
    assert used_flags((done.folder / "dpo.sh").read_text()) <= set(flags)


@pytest.mark.full
def test_openrlhf_loads_its_problems_and_our_reward(openrlhf, nano):
    done = export_view(nano, "default", "rlvr", eval_share=0.2)
    (done.folder / "tests_tokenizer.py").write_text(TOKENIZER)
    rows, flags, rewards = ask(openrlhf, f"import sys; sys.argv = ['', 'ppo']\n{OPENRLHF}", done.folder)
    assert len(rows) == done.rows and all(label for _, label in rows) and rewards == [1.0]
    assert used_flags((done.folder / "openrlhf.sh").read_text()) <= set(flags)


# --- verl --------------------------------------------------------------------------------------------------------

VERL = """
import json
from pathlib import Path
from hydra import compose, initialize_config_dir
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset
from tests_tokenizer import tokenizer

with initialize_config_dir(config_dir=str(Path.cwd()), version_base=None):
    config = compose("verl")
rows = RLHFDataset(config.data.train_files, tokenizer, config.data)
reward = get_custom_reward_fn(config)
first = rows.dataframe[0]
gold = first["reward_model"]["ground_truth"]
score = reward(data_source=first["data_source"], solution_str="\\\\boxed{%s}" % gold.strip("$"), ground_truth=gold)
print(json.dumps([len(rows), [dict(m) for m in rows[0]["raw_prompt"]], score, config.actor_rollout_ref.rollout.n]))
"""


@pytest.mark.full
def test_verl_loads_its_problems_configuration_and_our_reward(nano):
    python = consumer("verl", "verl==0.9.1")
    done = export_view(nano, "default", "rlvr", eval_share=0.2)
    (done.folder / "tests_tokenizer.py").write_text(TOKENIZER)
    count, prompt, score, generations = ask(python, VERL, done.folder)
    first = json.loads((done.folder / "train.jsonl").read_text().splitlines()[0])
    assert (count, prompt, score, generations) == (done.rows, first["prompt"], 1.0, 8)


# --- consumers that cannot run here --------------------------------------------------------------------------------


def test_unsloths_script_trains_trls_rows_with_its_own_names(nano):
    """unsloth needs a GPU to be imported."""
    done = export_view(nano, "default", "unsloth", eval_share=0.2)
    tree = ast.parse((done.folder / "dpo.py").read_text())
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == {"FastLanguageModel", "PatchDPOTrainer", "load_dataset", "DPOConfig", "DPOTrainer"}
    from trl import DPOConfig

    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    [settings] = [node.value for node in assigned if getattr(node.targets[0], "id", "") == "SETTINGS"]
    DPOConfig(**ast.literal_eval(settings) | {"use_cpu": True, "bf16": False})
    trl = export_view(nano, "default", "trl", eval_share=0.2)
    assert (done.folder / "train.jsonl").read_text() == (trl.folder / "train.jsonl").read_text()


UNSLOTH = """
import ast, importlib.util, json
from pathlib import Path

models = Path(importlib.util.find_spec("unsloth").submodule_search_locations[0]) / "models"
exported = {a.name for n in ast.walk(ast.parse((models / "__init__.py").read_text())) if isinstance(n, ast.ImportFrom) for a in n.names}
classes = {n.name: n for n in ast.parse((models / "loader.py").read_text()).body if isinstance(n, ast.ClassDef)}
[load] = [n for n in classes["FastLanguageModel"].body if getattr(n, "name", "") == "from_pretrained"]
print(json.dumps([sorted(exported), [a.arg for a in load.args.args]]))
"""


@pytest.mark.full
def test_unsloth_has_the_names_that_the_script_uses(nano):
    python = consumer("unsloth", "unsloth==2026.10.9")
    exported, arguments = ask(python, UNSLOTH, export_view(nano, "default", "unsloth").folder)
    assert {"FastLanguageModel", "PatchDPOTrainer"} <= set(exported)
    assert {"revision", "max_seq_length", "load_in_4bit", "load_in_16bit"} <= set(arguments)


def test_nemo_rl_gets_what_its_guide_asks_for(nano):
    """docs/guides/dpo.md of NeMo RL (August 2026): context, and completions with ranks; data sections with paths."""
    done = export_view(nano, "default", "nemo-rl", eval_share=0.2)
    for line in (done.folder / "train.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row.keys() == {"context", "completions"} and row["context"][-1]["role"] == "user"
        assert [completion["rank"] for completion in row["completions"]] == [0, 1]
        assert all(c["completion"][0]["role"] == "assistant" for c in row["completions"])
    config = yaml.safe_load((done.folder / "dpo.yaml").read_text())
    assert config["data"]["train"]["data_path"] == "${oc.env:EXPORT}/train.jsonl"
    assert config["data"]["validation"]["data_path"] == "${oc.env:EXPORT}/test.jsonl"
    assert config["data"]["default"]["dataset_name"] == "PreferenceDataset"
    script = (done.folder / "dpo.sh").read_text()
    assert "EXPORT=" in script and "NEMO_RL=" in script and "examples/run_dpo.py" in script
    assert "val_period" not in config["dpo"]
    alone = yaml.safe_load((export_view(nano, "default", "nemo-rl").folder / "dpo.yaml").read_text())
    assert alone["dpo"]["val_period"] == 0 and alone["data"]["validation"] is None


def test_open_instruct_gets_whole_conversations_that_share_their_prompt(nano):
    """open_instruct/dataset_transformation.py (August 2026): chosen and rejected end in the assistant's turn."""
    done = export_view(nano, "default", "open-instruct")
    for line in (done.folder / "train.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["chosen"][:-1] == row["rejected"][:-1] and row["chosen"][-1] != row["rejected"][-1]
        assert row["chosen"][-1]["role"] == row["rejected"][-1]["role"] == "assistant"
    script = (done.folder / "dpo.sh").read_text()
    assert '--mixer_list "$here/train.jsonl" 1.0' in script and "--loss_type dpo" in script


@pytest.mark.parametrize("name", ["openrlhf", "ms-swift", "open-instruct", "nemo-rl", "rlvr"])
def test_scripts_are_valid_shell(name: str, nano):
    for script in export_view(nano, "default", name).folder.glob("*.sh"):
        run(["bash", "-n", script])


def test_the_cache_is_the_users(monkeypatch):
    from tests.export import consumers

    assert consumers.CACHE.parts[-2:] == ("pairforge", "consumers") and Path.home() in [
        *consumers.CACHE.parents,
        Path.home(),
    ]
