"""Bundled problems and the bundled nano model, addressed by name so that they work from an installed package.

Everything here is synthetic: written, or trained on what was written, by the scripts in `recipes/nano/`.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from pairforge.errors import PairforgeError, nearest

PREFIX = "pairforge:"
SCHEMA_COMMENT = "# yaml-language-server:"  # names a file beside the recipe, which a copy has not

_FILES = {
    "pairforge:demo": "problems.jsonl",
    "pairforge:demo-eval": "eval.jsonl",
    "pairforge:nano": "nano",
}


def is_demo_address(name: str) -> bool:
    """Whether a dataset or model name means something bundled."""
    return name.startswith(PREFIX)


def demo_path(address: str) -> Path:
    """The file or folder behind a bundled address.

    `pairforge:demo` is the build problems and `pairforge:demo-eval` the evaluation problems (JSONL with columns
    id, question, answer, solution, source, topic, difficulty); `pairforge:nano` is the model folder.

    Raises `PairforgeError` for any other name, listing the known ones.
    """
    if address not in _FILES:
        hint = " ".join([nearest(address, _FILES), f"known: {', '.join(_FILES)}"]).strip()
        raise PairforgeError(f"'{address}' is not bundled with pairforge", hint=hint)
    with as_file(files("pairforge.demo") / _FILES[address]) as path:
        return path


def resolve(name: str) -> str:
    """A name as libraries want it: bundled addresses become paths, everything else stays as it is."""
    return str(demo_path(name)) if is_demo_address(name) else name


def recipe_path() -> Path:
    """The demo's recipe, which lies beside the data so that it works from an installed package."""
    with as_file(files("pairforge.demo") / "recipe.yaml") as path:
        return path


def samples_path() -> Path:
    """The samples of the demo, for machines without an engine: `samples/sampled.parquet` of a run of `make demo`."""
    with as_file(files("pairforge.demo") / "samples.parquet") as path:
        return path


def bundled_recipes() -> dict[str, str]:
    """The recipes that come with pairforge: name (`gap-ablation`) -> what its first comment says about it."""
    folder = recipes_folder()
    texts = {f.relative_to(folder).with_suffix("").as_posix(): f.read_text() for f in sorted(folder.rglob("*.yaml"))}
    whole = {name: text for name, text in texts.items() if "\nsources:" in text and not name.startswith("nano/")}
    return {name: title_of(text) for name, text in whole.items()}


def bundled_recipe(name: str) -> str:
    """The text of a bundled recipe, ready to be written anywhere.

    Raises `PairforgeError` for any other name, listing the known ones.
    """
    known = bundled_recipes()
    if name not in known:
        hint = " ".join([nearest(name, known), f"known: {', '.join(known)}"]).strip()
        raise PairforgeError(f"there is no bundled recipe '{name}'", hint=hint)
    lines = (recipes_folder() / f"{name}.yaml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(SCHEMA_COMMENT))


def recipes_folder() -> Path:
    """`recipes/` of the installed package, or of the checkout."""
    inside = Path(str(files("pairforge"))) / "recipes"
    return inside if inside.is_dir() else Path(str(files("pairforge"))).parent / "recipes"


def title_of(recipe: str) -> str:
    """The first sentence of a recipe's comment."""
    lines = [line for line in recipe.splitlines() if not line.startswith(SCHEMA_COMMENT)]
    words = []
    for line in lines:
        said = line.removeprefix("#")
        if not line.startswith("#") or said.startswith("  ") or not said.strip():
            break
        words.append(said.strip())
    return " ".join(words).split(". ")[0].removesuffix(".")
