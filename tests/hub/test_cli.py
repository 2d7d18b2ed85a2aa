"""The commands as people run them, against the stand-in Hub; and the token, which nobody may ever see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pairforge.errors import HubError
from pairforge.hub.contents import stage
from tests.hub.runs import RECIPE, small_run
from tests.hub.server import ANA, Fault
from tests.synthetic import write_student

REPO = "ana/pairs"


def pairforge(tmp_path, hub, *arguments, token=ANA, **more):
    """Run the command line in a process of its own, which sees the stand-in Hub and nothing else."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
        "HOME": str(tmp_path / "home"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",  # nobody listens there
        **({"HF_TOKEN": token} if token else {}),
        **more,
    }
    command = [sys.executable, "-m", "pairforge", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)


def test_push_says_what_it_did_and_then_that_nothing_changed(tmp_path, hub):
    student = {"filter": {**RECIPE["filter"], "tokenizer": str(write_student(tmp_path / "student"))}}
    run = small_run(tmp_path / "run", recipe=RECIPE | student)
    first = pairforge(
        tmp_path, hub, "push", run.path, REPO, "--eval-share", "0.2", "--unpaired", "--tag", "v1", "--json"
    )
    assert first.returncode == 0, first.stderr
    done = json.loads(first.stdout)
    assert (done["changed"], done["rows_checked"], done["private"], done["tag"]) == (True, 200, True, "v1")
    again = pairforge(tmp_path, hub, "push", run.path, REPO, "--eval-share", "0.2", "--unpaired")
    assert "nothing was sent, no commit was made" in again.stdout, again.stderr


def test_a_dry_run_shows_every_file_and_the_card_without_network_or_token(tmp_path):
    run = small_run(tmp_path / "run")
    done = pairforge(tmp_path, None, "push", run.path, REPO, "--dry-run", token="")
    assert done.returncode == 0, done.stderr
    for shown in (
        "data/default/train-00000-of-00001.parquet",
        "manifest.json",
        "bytes",
        "# pairs",
        "license: apache-2.0",
    ):
        assert shown in done.stdout


def test_an_error_is_one_line_and_a_hint(tmp_path, hub):
    run = small_run(tmp_path / "run")
    done = pairforge(tmp_path, hub, "push", run.path, REPO, token="")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no Hugging Face token" in done.stderr and "hf auth login" in done.stderr
    nameless = pairforge(tmp_path, hub, "push", run.path, "--json")
    assert nameless.returncode == 1 and json.loads(nameless.stdout)["error"] == "no repository was named"


def test_export_and_import_from_the_command_line(tmp_path):
    run = small_run(tmp_path / "run")
    done = pairforge(tmp_path, None, "export", run.path, "--format", "llamafactory", "--out", tmp_path / "out")
    assert done.returncode == 0 and "llamafactory-cli train dpo.yaml" in done.stdout, done.stderr
    bundled = small_run(tmp_path / "bundled", recipe={**RECIPE, "train": {"model": "pairforge:nano"}})
    done = pairforge(tmp_path, None, "export", bundled.path, "--format", "trl", "--out", tmp_path / "nano")
    model = yaml.safe_load((tmp_path / "nano" / "dpo.yaml").read_text())["model_name_or_path"]
    assert (Path(model) / "model.safetensors").exists(), "a trainer knows no pairforge:nano"
    rows = [{"q": "What is 2 + 2?", "a": "4", "c": text} for text in ("2 + 2 is 4. \\boxed{4}", "\\boxed{5}")]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = [part for name in ("question=q", "gold=a", "completion=c") for part in ("--column", name)]
    done = pairforge(tmp_path, None, "import", tmp_path / "mine.jsonl", "--tokenizer", "pairforge:nano", "--adapter",
                     "rollouts", *columns, "--run", tmp_path / "imported", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pairs"] == 1


@pytest.mark.parametrize("kind", ["none", "401", "403", "400", "checksum", "lost"])
def test_the_token_is_in_no_output_and_no_file(tmp_path, hub, kind):
    """Neither is the signature of an upload address; also not in a traceback, and not with the libraries at debug."""
    run = small_run(tmp_path / "run", problems=5)
    if kind != "none":
        hub.faults += [Fault(kind, match="PUT /lfs|/commit/", times=1 if kind == "lost" else 100)]
    done = pairforge(tmp_path, hub, "push", run.path, REPO, HF_HUB_VERBOSITY="debug", HF_DEBUG="1")
    assert done.returncode == (0 if kind in ("none", "lost") else 1), done.stderr
    code = (
        "from pairforge.hub.contents import stage; from pairforge.hub.push import push; from pairforge.hub.repository import Target; from pairforge.run import Run; from pathlib import Path; "
        f"push(stage(Run(Path({str(run.path)!r})), {{'default': 'default'}}, {REPO!r}), Target({REPO!r}))"
    )
    env = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": ANA,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }
    traced = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300)
    assert kind in ("none", "lost") or "Traceback" in traced.stderr
    seen = {"stdout": done.stdout, "stderr": done.stderr, "traceback": traced.stderr}
    files = [f for folder in (run.path, tmp_path / "hf") for f in folder.rglob("*") if f.is_file()]
    seen |= {str(file): file.read_bytes().decode(errors="replace") for file in files}
    for where, text in seen.items():
        assert ANA not in text, where
    assert "X-Amz-Signature" not in traced.stderr.split("Traceback")[-1] + done.stdout


def test_a_token_in_a_recipe_is_never_published(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", ANA)
    recipe = {**RECIPE, "format": {**RECIPE["format"], "system": f"Use {ANA} to log in."}}
    contents = stage(small_run(tmp_path / "scrubbed", recipe=recipe), {"default": "default"}, REPO)
    assert all(ANA not in file.read_text(errors="replace") for file in contents.files.values())
    monkeypatch.setenv("HF_TOKEN", "a-token-of-no-known-form")
    recipe = {**RECIPE, "format": {**RECIPE["format"], "system": "Use a-token-of-no-known-form."}}
    with pytest.raises(HubError, match="would contain your Hugging Face token"):
        stage(small_run(tmp_path / "refused", recipe=recipe), {"default": "default"}, REPO)
