"""Reading and writing recipes: YAML, overrides, and local paths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pydantic
import yaml

from pairforge.errors import RecipeError
from pairforge.generator.config import without_idle_keys
from pairforge.recipe.blocks import Recipe
from pairforge.recipe.mistakes import explain
from pairforge.train.config import TrainConfig


def load_recipe(file: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe, apply `KEY=VALUE` overrides, resolve local paths, and check every key.

    Paths in the file are relative to the file, paths in overrides to the working directory.
    Raises `RecipeError` naming the file, the key path, what was found and the nearest key that exists.
    """
    file = Path(file)
    try:
        text = file.read_text()
    except OSError as error:
        raise RecipeError(f"cannot read recipe {file}: {error.strerror}", hint="give the path of a YAML file") from None
    return parse_recipe(text, overrides, name=str(file), base_dir=file.parent).from_own_file()


def parse_recipe(
    text: str, overrides: Iterable[str] = (), *, name: str = "recipe", base_dir: Path = Path(), stored: bool = False
) -> Recipe:
    """`load_recipe` for text. `name` stands for the file in errors.

    A `stored` recipe is that of a run: engine keys that had no effect when the run was made are left out, not refused.
    """
    try:
        raw = read_yaml(text)
    except RecursionError:
        raise RecipeError(f"{name}: nested too deeply for a recipe") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise RecipeError(f"{name}{line}: not valid YAML: {problem}") from None
    if not isinstance(raw, dict):
        raise RecipeError(f"{name}: a recipe is a mapping of blocks, found {type(raw).__name__}")
    _resolve_paths(raw, base_dir)
    _read_examples(raw, base_dir)
    _resolve_functions(raw, base_dir)
    for override in overrides:
        _apply(raw, override)
    _resolve_paths(raw, Path())
    _read_examples(raw, Path())
    if not stored:
        _resolve_functions(raw, Path())
    if stored:
        _drop_idle_engine_keys(raw)
    try:
        recipe = Recipe.model_validate(raw, context={"stored": stored})
    except pydantic.ValidationError as error:
        raise explain(error, raw, name) from None
    for number, settings in enumerate(recipe.sample_for):
        stage_recipe(recipe, settings, name=f"{name}: sample_for.{number}")
    return recipe


def stage_recipe(recipe: Recipe, settings: Mapping[str, Any], *, name: str = "recipe") -> Recipe:
    """The recipe of one stage of sampling: with `settings` (key path -> value) in place of its own.

    Raises `RecipeError` for a key that decides nothing about what is drawn, or that no recipe has.
    """
    for key in settings:
        if not re.match(STAGE_KEYS, str(key)):
            raise RecipeError(
                f"{name}: '{key}' does not belong to a stage of sampling",
                hint="a stage has 'seed' and keys under 'format', 'filter' and 'generator'",
            )
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    return parse_recipe(dump_recipe(recipe.model_copy(update={"sample_for": ()})), overrides, name=name, stored=True)


STAGE_KEYS = r"seed$|(format|filter|generators?)(\.|$)"


def _drop_idle_engine_keys(raw: dict[str, Any]) -> None:
    for block in _arms(raw):
        if isinstance(block.get("engine"), dict):
            block["engine"] = without_idle_keys(block["engine"])


def _arms(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks that sample, whichever form the recipe has."""
    generators = raw.get("generators")
    blocks = [raw.get("generator"), *(generators.values() if isinstance(generators, dict) else ())]
    return [block for block in blocks if isinstance(block, dict)]


def _read_examples(raw: dict[str, Any], base_dir: Path) -> None:
    """Put the examples of a prompt that names a file in its place: the recipe of a run needs no other file."""
    for block in _arms(raw):
        prompt = block.get("prompt")
        name = prompt.get("examples") if isinstance(prompt, dict) else None
        if isinstance(prompt, dict) and isinstance(name, str):
            prompt["examples"] = read_examples(base_dir / Path(name).expanduser())


def read_examples(file: Path) -> Any:
    """The worked examples of a .jsonl, .json or .yaml file, unchecked. Raises `RecipeError` when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return read_yaml(text)
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0]
    hint = "a .jsonl or .yaml file of examples, or a list of them in YAML, each with `question` and `answer`"
    raise RecipeError(f"prompt.examples: cannot read {file}: {reason}", hint=hint)


def read_yaml(text: str) -> Any:
    """Plain values from YAML. Raises `yaml.YAMLError` for what is no YAML, and where a mapping has a key twice: YAML's
    own loader lets the second replace the first."""
    unique_keys(yaml.compose(text, yaml.SafeLoader), set())
    return yaml.safe_load(text)


def unique_keys(node: yaml.Node | None, seen: set[int]) -> None:
    """Raises `yaml.MarkedYAMLError` at the second of two equal keys, anywhere below the node."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
        return
    seen.add(id(node))  # an alias leads to a node that was there before, perhaps above
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            unique_keys(item, seen)
        return
    keys: set[tuple[str, str]] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in keys:
                raise yaml.MarkedYAMLError(problem=f"duplicate key '{key.value}'", problem_mark=key.start_mark)
            keys.add((key.tag, key.value))
        unique_keys(value, seen)


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML; `parse_recipe` reads it back to the same recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def train_arguments(block: TrainConfig | None, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """A train block as plain arguments, with `train.KEY=VALUE` overrides; None stands for an empty block.

    Raises `RecipeError` for an override of another block: those belong to `pairforge filter` and `build`.
    """
    raw: dict[str, Any] = {"train": block.model_dump(exclude_unset=True) if block else {}}
    for override in overrides:
        if not override.strip().startswith("train."):
            raise RecipeError(f"override '{override}' is not of the train block", hint="write --set train.max_steps=5")
        _apply(raw, override)
    _resolve_paths(raw, Path())
    return dict(raw["train"])


def _apply(raw: dict[str, Any], override: str) -> None:
    """Set one `a.b.0.c=VALUE` in the raw mapping. The value is YAML; `none` means null (it lifts a bound)."""
    key, equals, value_text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"override '{override}' has no '='", hint="write --set filter.gap.min=500")
    try:
        value = None if value_text.strip().lower() == "none" else read_yaml(value_text)
    except (yaml.YAMLError, RecursionError):
        value = value_text
    target: Any = raw
    *parents, last = key.strip().split(".")
    for part in parents:
        if isinstance(target, list):
            target = target[_index(target, part, override)]
        else:
            if target.get(part) is None:
                target[part] = {}
            target = target[part]
        if not isinstance(target, dict | list):
            raise RecipeError(f"override '{override}': '{part}' holds a value, not a block")
    if isinstance(target, list):
        target[_index(target, last, override)] = value
    else:
        target[last] = value


def _index(items: list[Any], part: str, override: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        raise RecipeError(
            f"override '{override}': '{part}' is not one of the {len(items)} entries (0..{len(items) - 1})"
        )
    return int(part)


def _resolve_paths(raw: dict[str, Any], base_dir: Path) -> None:
    """Make local paths absolute, in place. A name that is no existing path is left alone: it is a Hub id."""
    for key, holder in _path_holders(raw):
        value = holder[key]
        if isinstance(value, str) and value and not value.startswith("pairforge:"):
            path = Path(value).expanduser()
            if not path.is_absolute() and (base_dir / path).exists():
                holder[key] = str((base_dir / path).resolve())


def _resolve_functions(raw: dict[str, Any], base_dir: Path) -> None:
    """`verifier.python: MODULE:FUNCTION` with the path of its file, where there is one below the folder, in place."""
    sources = raw.get("sources")
    for block in (raw, *(sources if isinstance(sources, list) else [])):
        holder = block.get("verifier") if isinstance(block, dict) else None
        value = holder.get("python") if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(value, str) and ":" in value:
            module, _, name = value.rpartition(":")
            path = Path(module if module.endswith(".py") else f"{module.replace('.', '/')}.py").expanduser()
            if (base_dir / path).is_file():
                holder["python"] = f"{(base_dir / path).resolve()}:{name}"


def _path_holders(raw: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
    """The places, as (key, mapping) or (index, list), that may hold a local path."""
    sources = raw.get("sources")
    for source in sources if isinstance(sources, list) else []:
        if isinstance(source, dict):
            yield from _held("dataset", source)
            yield from _held("dataset", source.get("gold_from"))
    for arm in _arms(raw):
        yield from _held("model", arm.get("engine"))
    for block, key in (("filter", "tokenizer"), ("train", "model")):
        yield from _held(key, raw.get(block))
    stages = raw.get("sample_for")
    for stage in stages if isinstance(stages, list) else []:
        yield from _held("filter.tokenizer", stage)
    decontaminate = raw.get("decontaminate")
    sets = decontaminate.get("sets") if isinstance(decontaminate, dict) else None
    yield from ((index, sets) for index in range(len(sets if isinstance(sets, list) else [])))


def _held(key: str, holder: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(holder, dict) and key in holder:
        yield key, holder
