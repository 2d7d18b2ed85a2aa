"""The card tells what the manifest knows: for every recipe, in valid metadata, without guessing."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard

from pairforge.filters.separability import Feature
from pairforge.filters.style_classifier import scope
from pairforge.hub.card import fence, line, render_card, rules_in_words, size_category
from pairforge.hub.contents import stage
from pairforge.hub.licenses import license_of
from pairforge.recipe import dump_recipe, load_recipe
from tests.hub.runs import RECIPE, add_view, small_run

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
LICENSES = {"apache-2.0", "mit", "other", "unknown"}


def contents_of(tmp_path, recipe=None, views=None, **options):
    run = small_run(tmp_path / "run", recipe=recipe)
    return stage(run, views or {"default": "default"}, "ana/pairs", **options)


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: f.stem)
def test_every_recipe_has_a_card_with_valid_metadata(tmp_path, file):
    recipe = yaml.safe_load(dump_recipe(load_recipe(file)))
    run = small_run(tmp_path / "run", recipe=recipe, source=recipe["sources"][0]["dataset"])
    contents = stage(run, {"default": "default"}, "ana/pairs", eval_share=0.2, unpaired=True)
    card = DatasetCard(contents.card)  # raises when the head is not valid YAML
    assert card.data.license in LICENSES and card.data.language == ["en"]
    assert card.data.task_categories == ["text-generation"] and card.data.size_categories == ["n<1K"]
    for config in card.data.configs:
        for data in config["data_files"]:
            pattern = data["path"].replace("*", ".*")
            assert any(re.fullmatch(pattern, path) for path in contents.files), f"{pattern} matches no file"
    assert "{{" not in card.text and "None" not in card.text and "undefined" not in card.text.lower()


def test_the_manifest_alone_gives_the_same_card(tmp_path):
    contents = contents_of(tmp_path, eval_share=0.2, unpaired=True)
    assert render_card(json.loads(contents.files["manifest.json"].read_text())) == contents.card


def test_the_card_tells_everything_a_reader_asks_for(tmp_path):
    card = contents_of(tmp_path, unpaired=True).card
    for what in (
        "## Load", "## Train", "trl dpo", "## A row", '"chosen": [', "### Sources", "0123abcd", "### Sampled solutions",
        "temperature 0.7", "Please reason step by step.", "### Verification", "version `v1`", "The chosen side is longer than the rejected side.",
        "| after the rule | candidates | problems |", "gap in tokens", "Rejected solutions that are wrong: 0.0%", "Ground truth: dataset 40",
        "Can form alone tell the sides apart?", "## Duplicates and contamination", "repeat\\_gold\\_differs: 1",
        "## Selection bias and known limits", "pairforge build recipe.yaml", "## License and citations", "arXiv:2502.13173",
    ):  # fmt: skip
        assert what in card, what


@pytest.mark.parametrize(
    ("accuracy", "answer"), [(1.0, "Yes, by text classifier (100%"), (0.8, "No test is right for 90%")]
)
def test_the_card_tells_the_best_test_of_form_and_what_was_tested(tmp_path, accuracy, answer):
    run = small_run(tmp_path / "run")
    file = run.view("default") / "view.json"
    classifier = Feature("text classifier", accuracy, 0.7, 1.0, 40, scope(40), (('characters "|"', 40, 0),))
    tests = [asdict(test) for test in (classifier, Feature("markers", 0.6, 0.4, 0.7, 40))]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"separability": tests}))
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert f"**Can form alone tell the sides apart?** {answer}" in card
    assert "95% interval 70% to 100%" in card and 'characters "\\|" (40 / 0)' in card
    assert "Tested: markers, each by itself, and a text classifier (words, pairs of words" in card


def test_the_card_tells_which_view_trained_the_model_of_a_round(tmp_path):
    run = small_run(tmp_path / "run")
    training = {"base": "/home/ana/models/start", "method": "dpo", "data": "first, view default", "digest": "1f2e3d4c",
                "rows": 1200, "finished": "2026-11-28"}  # fmt: skip
    run.update_manifest(arms={"round2": {"lineage": [training]}, "round1": {}})
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert "### Lineage of the model of arm `round2`" in card and "arm `round1`\n" not in card
    assert "| first, view default | `1f2e3d4c` | 1,200 | dpo | `start` |" in card


def test_the_card_says_how_contaminated_problems_matched(tmp_path):
    recipe = RECIPE | {"decontaminate": {"sets": ["math-500"], "ngram": 8, "fuzzy": 0.75}}
    run = small_run(tmp_path / "run", recipe=recipe)
    sets = {"math-500": {"questions": 500, "problems": 5}}
    run.update_manifest(decontamination={"sets": sets, "kinds": {"exact": 2, "contained": 3}})
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert "share 8 words in a row" in card and "Kinds of match: exact 2, contained 3." in card


def test_several_views_are_several_sections_and_recipes(tmp_path):
    run = small_run(tmp_path / "run")
    add_view(run, "arm", range(10))
    contents = stage(run, {"all": "default", "arm": "arm"}, "ana/pairs")
    assert "### Config `all`" in contents.card and "### Config `arm`" in contents.card
    assert "pairforge build recipe-arm.yaml" in contents.card and "recipe-arm.yaml" in contents.files
    assert [c["config_name"] for c in DatasetCard(contents.card).data.configs] == ["all", "arm"]


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ({}, "percent signs `lenient` (20 % and a bare 20 are equal)"),  # a run made before there was a choice
        ({"percent": "lenient"}, "percent signs `lenient` (20 % and a bare 20 are equal)"),
        ({"percent": "strict"}, "percent signs `strict` (20 % and a bare 20 are equal only where the text around"),
    ],
)
def test_the_card_tells_how_percent_signs_counted(tmp_path, recorded, told):
    run = small_run(tmp_path / "run")
    run.update_manifest(verifier={"version": "v1", "timeout_s": 2.0} | recorded)
    assert told in stage(run, {"default": "default"}, "ana/pairs").card


def test_figures_of_a_view_are_published_and_shown(tmp_path):
    contents = contents_of(tmp_path)
    assert "![figures/default/gap.png](figures/default/gap.png)" in contents.card
    assert "figures/default/gap.png" in contents.files


def test_figures_are_the_same_with_a_report_and_without(tmp_path, real_figures):
    run = small_run(tmp_path / "run")
    before = stage(run, {"default": "default"}, "ana/pairs")
    figures = [file for path, file in before.files.items() if path.startswith("figures/default/")]
    assert len(figures) == 5 and all(file.read_bytes().startswith(b"\x89PNG") for file in figures)
    bytes_before = {path: file.read_bytes() for path, file in before.files.items()}
    reported = run.view("default") / "figures"
    reported.mkdir()
    shutil.copy(figures[0], reported / "difficulty.png")  # needs pass rates: only a report draws it
    after = stage(run, {"default": "default"}, "ana/pairs")
    assert {path: file.read_bytes() for path, file in after.files.items()} == bytes_before


def test_the_training_command_is_one_trl_accepts(tmp_path):
    from transformers import HfArgumentParser
    from trl import DPOConfig, ModelConfig, ScriptArguments

    card = contents_of(tmp_path, eval_share=0.2, split="pairs").card
    command = re.search(r"trl dpo (.*?)```", card, re.DOTALL)[1].replace("\\\n", " ")
    script, config, model = HfArgumentParser((ScriptArguments, DPOConfig, ModelConfig)).parse_args_into_dataclasses(
        [*command.split(), "--use_cpu"]
    )
    assert (script.dataset_name, script.dataset_config, script.dataset_train_split) == ("ana/pairs", "default", "pairs")
    assert config.beta == 0.01 and config.max_length == 128 and model.model_name_or_path == "Qwen/Qwen2.5-0.5B-Instruct"


def test_the_training_command_has_the_recipes_own_settings(tmp_path):
    own = {"beta": 0.1, "learning_rate": 3.0e-6, "global_batch_size": 16, "per_device_train_batch_size": 8,
           "num_train_epochs": 2, "lr_scheduler_type": "linear", "warmup_steps": 0.2, "max_length": 1024, "revision": "v2"}  # fmt: skip
    run = small_run(tmp_path / "run", recipe={**RECIPE, "train": {"model": "ana/student", **own}})
    card = stage(run, {"default": "default"}, "ana/pairs").card
    command = re.search(r"trl dpo (.*?)```", card, re.DOTALL)[1].replace("\\\n", " ").split()
    given = dict(zip(command[::2], command[1::2], strict=True))
    del own["global_batch_size"], own["revision"]
    assert given == {
        "--model_name_or_path": "ana/student", "--model_revision": "v2", "--dataset_name": "ana/pairs",
        "--dataset_config": "default", "--gradient_accumulation_steps": "2", "--output_dir": "dpo-model",
        **{f"--{name}": str(value) for name, value in own.items()},
    }  # fmt: skip


def test_what_the_training_command_cannot_say_is_named_beside_it(tmp_path):
    run = small_run(tmp_path / "run", recipe={**RECIPE, "train": {"model": "m", "loss_type": ["nca_pair"]}})
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert "nca" in re.search(r"Not in this command.*", card)[0]
    plain = small_run(tmp_path / "plain", recipe={**RECIPE, "train": {"model": "m"}})
    assert "Not in this command" not in stage(plain, {"default": "default"}, "ana/pairs").card


def test_the_training_command_finds_the_bundled_model_where_pairforge_is_installed(tmp_path):
    run = small_run(tmp_path / "run", recipe={**RECIPE, "train": {"model": "pairforge:nano"}})
    card = stage(run, {"default": "default"}, "ana/pairs").card
    word = re.search(r"--model_name_or_path (.*?) \\\n", card)[1]
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    shown = subprocess.run(["bash", "-c", f"echo {word}"], env=path, capture_output=True, text=True, check=True).stdout
    assert (Path(shown.strip()) / "model.safetensors").exists()


# --- licenses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "identifier", "name"),
    [
        (["openai/gsm8k"], "mit", None),
        (["openai/gsm8k", "zwhe99/DeepMath-103K"], "mit", None),
        (["openai/gsm8k", "open-r1/OpenR1-Math-220k#extended"], "other", "mixed"),
        (["openai/gsm8k", "somebody/something"], "unknown", None),
        (["mine.jsonl"], "unknown", None),
        ([], "unknown", None),
    ],
)
def test_a_license_is_derived_or_called_unknown(sources, identifier, name):
    license = license_of(sources)
    assert (license.identifier, license.name) == (identifier, name)


@pytest.mark.parametrize(
    ("read", "identifier", "name"),
    [
        ({"openai/gsm8k": "cc-by-4.0"}, "cc-by-4.0", None),  # what its card says now, not what we knew
        ({"openai/gsm8k": "apache-2.0, mit"}, "other", "mixed"),
        ({"openai/gsm8k": "house-rules-1"}, "other", "house-rules-1"),  # the Hub takes no identifier it does not know
        ({"openai/gsm8k": ""}, "mit", None),
        ({"openai/gsm8k": None}, "mit", None),
    ],
)
def test_what_a_sources_own_card_states_comes_first(read, identifier, name):
    license = license_of(["openai/gsm8k"], read)
    assert (license.identifier, license.name) == (identifier, name)
    assert license.by_source[0].basis


def test_a_recorded_license_reaches_the_card_with_where_it_comes_from(tmp_path):
    run = small_run(tmp_path / "run", source="somebody/problems")
    source = {**run.manifest().to_json()["sources"][0], "license": "cc-by-4.0",
              "gold_from": {"source": "somebody/answers#main", "revision": "0" * 40, "license": "cc-by-4.0"}}  # fmt: skip
    run.update_manifest(sources=[source])
    card = stage(run, {"default": "default"}, "ana/pairs").card
    head = DatasetCard(card).data
    assert head.license == "cc-by-4.0" and head.source_datasets == ["somebody/problems", "somebody/answers"]
    assert "- somebody/problems: cc-by-4.0 (its own card says so)" in card
    assert "- somebody/answers\\#main: cc-by-4.0" in card


def test_what_the_publisher_states_wins_and_is_marked(tmp_path):
    contents = contents_of(tmp_path, license="cc-by-4.0")
    assert DatasetCard(contents.card).data.license == "cc-by-4.0" and "stated by the publisher" in contents.card


def test_a_dataset_that_only_gave_the_answers_counts_too(tmp_path):
    source = {**RECIPE["sources"][0], "gold_from": {"dataset": "somebody/answers"}}
    contents = contents_of(tmp_path, {**RECIPE, "sources": [source]})
    assert DatasetCard(contents.card).data.license == "unknown" and "somebody/answers" in contents.card


# --- what must not get out -----------------------------------------------------------------------------

PRIVATE = ["/home/ana", "geheim", "10.0.0.7", "anas-laptop", "hub_token", "base_urls"]


def test_no_local_path_user_host_or_credential_is_published(tmp_path):
    contents = contents_of(tmp_path, unpaired=True)
    for path, file in contents.files.items():
        content = _text_of(file)
        for private in [*PRIVATE, str(tmp_path)]:
            assert private not in content, f"{private} in {path}"


def _text_of(file):
    if file.suffix != ".parquet":
        return file.read_text(errors="replace")
    import pyarrow.parquet as pq

    return json.dumps(pq.read_table(file).to_pylist())


def test_a_published_recipe_still_loads_and_names_what_is_missing(tmp_path):
    recipe = yaml.safe_load(dump_recipe(load_recipe(RECIPES[0])))
    recipe["sources"][0]["dataset"] = "/home/ana/data/mine.jsonl"
    contents = contents_of(tmp_path, recipe)
    published = contents.files["recipe.yaml"]
    assert load_recipe(published).sources[0].dataset == "mine.jsonl"
    assert "put yours in their place: sources.0.dataset: mine.jsonl" in published.read_text()


# --- hostile text --------------------------------------------------------------------------------------


def test_a_solution_cannot_break_out_of_its_block():
    text = "```\n# not a heading\n````"
    assert fence(text).startswith("`````\n") and fence(text).endswith("\n`````")


def test_a_name_cannot_draw_markdown():
    assert line("a|b\n<script> [x](y)") == "a\\|b \\<script\\> \\[x\\](y)"


def test_sizes_have_the_hubs_names():
    assert [size_category(n) for n in (999, 1000, 99_999, 1_000_000)] == ["n<1K", "1K<n<10K", "10K<n<100K", "1M<n<10M"]


# --- rules in words ------------------------------------------------------------------------------------


def test_rules_read_like_sentences():
    sentences = rules_in_words({
        "tokenizer": "student", "direction": "long", "chosen": {"origin": "given", "status": "correct", "max_tokens": 8192},
        "rejected": {"origin": "sampled", "status": ["correct", "no_answer"], "quality": {"boxes": {"min": 1, "max": 1}}},
        "wrong_share": 0.2, "gap": {"min": 200, "max": None}, "ratio": {"min": None, "max": None}, "pick": "closest",
        "target_gap": 500, "per_problem": 2, "band": {"by": "gap", "keep": "smallest", "n": 1000},
        "caps": [{"by": "source", "max": None}], "n_pairs": 10080, "control": "same_length",
    })  # fmt: skip
    assert sentences == [
        "The chosen side comes with the source.",
        "The verdict on the chosen side is correct.",
        "The chosen side has at most 8,192 tokens.",
        "The rejected side is sampled.",
        "The verdict on the rejected side is correct or no answer.",
        "The measure boxes of the rejected side is at least 1 and at most 1.",
        "The chosen side is longer than the rejected side.",
        "The longer side has at least 200 tokens more than the shorter side.",
        "Each problem gives at most 2 pairs, whose gap is closest to 500 tokens.",
        "About 20% of the pairs have an incorrect rejected side.",
        "Of all pairs, the 1,000 with the smallest gap are kept.",
        "At most as many pairs as the smallest group has are kept per value of source.",
        "At most 10,080 pairs are kept, sampled at random (seeded).",
        "This is a control arm: the lengths of both sides lie within 10 %, as close as each problem "
        "allows. Its problems are paired without it, too.",
    ]


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: f.stem)
def test_every_recipes_rules_have_words(file):
    rules = json.loads(load_recipe(file).filter.model_dump_json())
    assert len(rules_in_words(rules)) >= 4


def test_a_model_in_the_hubs_cache_is_named_as_its_owner_named_it(tmp_path):
    cached = (
        "/home/ana/.cache/huggingface/hub/models--Qwen--Qwen2.5-0.5B/snapshots/060db6499f32faf8b98477b0a26969ef7d8b9987"
    )
    recipe = {**RECIPE, "filter": {**RECIPE["filter"], "tokenizer": cached}}
    contents = contents_of(tmp_path, recipe=recipe)
    assert "tokenizer: Qwen/Qwen2.5-0.5B" in contents.files["recipe.yaml"].read_text()
    missing = {entry["key"]: entry["name"] for entry in contents.manifest["rebuild"]["missing"]}
    assert missing.keys() == {"generator.engine.model", "generator.engine"}
    assert missing["generator.engine.model"] == "short-model"


def test_a_dataset_of_the_hub_is_rebuilt_from_the_commit_that_was_read(tmp_path):
    run = small_run(tmp_path / "run")
    (source,) = (record.model_dump() for record in run.manifest().sources)
    run.update_manifest(sources=[source | {"revision": "ab" * 20}])
    recipe = yaml.safe_load(stage(run, {"default": "default"}, "ana/pairs").files["recipe.yaml"].read_text())
    assert recipe["sources"][0]["revision"] == "ab" * 20


def test_the_card_tells_what_a_view_notes(tmp_path):
    """How far a control arm is matched, for instance."""
    run = small_run(tmp_path / "run")
    file = run.view("default") / "view.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"notes": ["control wrong_only: it pairs 5 of 20"]}))
    assert "- **Note**: control wrong\\_only: it pairs 5 of 20." in stage(run, {"default": "default"}, "ana/pairs").card


def test_the_card_tells_the_corrected_difficulty_and_what_enough_selects_for(tmp_path):
    generator = {**RECIPE["generator"], "draws": {**RECIPE["generator"]["draws"], "enough": 300}}
    run = small_run(tmp_path / "run", recipe={**RECIPE, "generator": generator})
    file = run.view("default") / "view.json"
    hard = {"arm": "sampled", "drawn": 480, "paired": 307, "on_selecting_draws": 0.65, "value": 0.53, "low": 0.49,
            "high": 0.57, "all_problems": 0.42}  # fmt: skip
    file.write_text(json.dumps(json.loads(file.read_text()) | {"difficulty": [hard]}))
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert "- **Difficulty**: how often sampled solves the 307 paired problems: 53% (95% interval 49% to 57%)" in card
    assert "65% on the draws that selected them, which is biased upwards; 42% of all 480 drawn problems." in card
    assert "Drawing ended when 300 problems were accepted (`draws.enough`)." in card


def test_the_card_tells_every_arm_that_sampled(tmp_path):
    short = RECIPE["generator"]
    long = {**short, "engine": {**short["engine"], "model": "owner/long-model"}, "draws": {**short["draws"], "max": 2}}
    recipe = {**RECIPE, "generator": None, "generators": {"short": short, "long": long}}
    card = contents_of(tmp_path, recipe=recipe).card
    assert "Arm `short`" in card and "Arm `long`" in card and "`owner/long-model`" in card
    assert "No solution was sampled" not in card and "Drawing stopped at the first acceptable solution" in card


def test_the_card_counts_given_solutions_that_repeat_another(tmp_path):
    run = small_run(tmp_path / "run")
    (source,) = (record.model_dump() for record in run.manifest().sources)
    run.update_manifest(sources=[source | {"repeated_given": 7}])
    assert "| 40 (7 repeats left out) |" in stage(run, {"default": "default"}, "ana/pairs").card


def test_the_card_tells_derived_solutions_and_the_scores_that_rules_read(tmp_path):
    how = {"fcs": {"of": "given", "first_correct": True}, "cut": {"of": "given", "truncate": 7}}
    run = small_run(tmp_path / "run", recipe={**RECIPE, "derive": how})
    view = run.view("default") / "view.json"
    view.write_text(json.dumps({**json.loads(view.read_text()), "scores": {"quality": "abc1"}}))
    card = stage(run, {"default": "default"}, "ana/pairs").card
    assert (
        "### Derived solutions" in card and "solutions of `given` with their reasoning cut, not sampled: up to" in card
    )
    assert "to at most 7 tokens" in card and "read the score `quality` (digest `abc1`)" in card


def test_a_card_without_them_does_not_mention_them(tmp_path):
    card = contents_of(tmp_path).card
    assert "Derived solutions" not in card and "read the score" not in card
