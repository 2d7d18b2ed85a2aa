"""What is published, as files of a local folder: shards, card, recipes, manifest. Nothing here needs a network."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import yaml
from huggingface_hub import get_token

import pairforge
from pairforge.errors import HubError
from pairforge.export.labels import LABELED
from pairforge.filters.summary import COLUMNS
from pairforge.hub.card import render_card
from pairforge.hub.facts import read_columns, view_facts
from pairforge.hub.rebuild import missing_elsewhere, rebuild_facts, rebuild_recipe
from pairforge.hub.redact import published
from pairforge.hub.shards import SHARD_BYTES, pair_rows, published_row, write_splits
from pairforge.hub.unpaired import sample_rows, sample_schema
from pairforge.progress import Progress
from pairforge.report.figures import save, view_figures
from pairforge.report.statistics import view_statistics
from pairforge.run import Run, read_view
from pairforge.run.arm_totals import totals_of
from pairforge.run.atomic import replacing_folder, write_text

EVAL_SPLIT = "test"
UNPAIRED = "unpaired"
MANIFEST = "manifest.json"
CARD = "README.md"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")


@dataclass(frozen=True, slots=True)
class Contents:
    """A folder ready to be published. `files` maps a path in the repository to the local file, `manifest` is the
    published one: {"configs": {config: {"splits": {split: {"rows", "sha256", "files"}}, ...}}, "run": ..., ...}."""

    folder: Path
    files: Mapping[str, Path]
    manifest: Mapping[str, Any]

    @property
    def card(self) -> str:
        return (self.folder / CARD).read_text()


def stage(
    run: Run,
    views: Mapping[str, str],
    repo: str,
    *,
    split: str = "train",
    eval_share: float = 0.0,
    unpaired: bool = False,
    labeled: Mapping[str, Labeled] | None = None,
    license: str = "",
    shard_bytes: int = SHARD_BYTES,
    progress: Progress = lambda *_: None,
) -> Contents:
    """Write what a push of `views` (config -> view of the run) would publish, into `<run>/publish/<repo>/`.

    `eval_share` of the problems go to the split "test". `unpaired` adds a config with every sample and its verdict,
    `labeled` (config -> rows) configs of labeled solutions, which TRL's KTOTrainer reads as they are.
    `license` is what the publisher states; without it the sources decide. The same run and arguments give the same
    files, byte for byte.
    Raises `HubError` for names the Hub or `datasets` would not take, and `RunError` for a view that does not exist.
    """
    labeled = labeled or {}
    check_names(repo, [*views, *labeled, *([UNPAIRED] if unpaired else [])], split, eval_share)
    folders = {config: run.view(view) for config, view in views.items()}
    final = run.path / "publish" / repo.replace("/", "--")
    with replacing_folder(final) as temporary:
        options = {"split": split, "eval_split": EVAL_SPLIT, "eval_share": eval_share, "shard_bytes": shard_bytes}
        configs = {}
        for config, folder in folders.items():
            splits = _write_pairs(folder, temporary / "data" / config, config, options, progress)
            figures = _figures(run, folder, temporary / "figures" / config)
            configs[config] = {**published(view_facts(run, views[config])), "splits": splits, "figures": figures}
        for config, rows in labeled.items():
            splits = _write_labeled(rows, temporary / "data" / config, config, options, progress)
            configs[config] = {
                "splits": splits,
                "labels": {"desirable": rows.desirable, "undesirable": rows.undesirable},
            }
        if unpaired:
            configs[UNPAIRED] = {"splits": _write_samples(run, temporary / "data" / UNPAIRED, options, progress)}
        recipes = {config: rebuild_recipe(run, read_view(run, view)) for config, view in views.items()}
        manifest = {
            "pairforge": pairforge.__version__,
            "repo": repo,
            "license": license,
            "recipes": _write_recipes(recipes, temporary),
            "run": published(run.manifest().to_json()),
            "recipe": published(yaml.safe_load(run.recipe_file.read_text())),
            "rebuild": rebuild_facts(run, recipes),
            "configs": configs,
            "arms": totals_of(run),
        }
        manifest["files"] = {path: file_sha256(file) for path, file in _files(temporary).items()}
        write_text(temporary / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        write_text(temporary / CARD, render_card(manifest))
        _refuse_secrets(_files(temporary))
    return Contents(final, _files(final), manifest)


@dataclass(frozen=True, slots=True)
class Labeled:
    """Labeled solutions to publish: the rows (columns of `LABELED`), and how many have each label."""

    rows: Iterable[dict[str, Any]]
    desirable: int
    undesirable: int


def check_names(repo: str, configs: Sequence[str], split: str, eval_share: float) -> None:
    """Raise `HubError` for a repository, config or split name that would not work, before anything is written."""
    parts = repo.split("/")
    if len(parts) != 2 or not all(_NAME.fullmatch(part) for part in parts) or "--" in repo or ".." in repo:
        raise HubError(f"'{repo}' cannot name a repository", hint="write it as user/name")
    for name in configs:
        if not _NAME.fullmatch(name):
            raise HubError(f"'{name}' cannot name a config", hint="use letters, digits, '.', '_' and '-'")
    if len(set(configs)) < len(configs):
        raise HubError("two configs have the same name", hint="give each view its own --config")
    if not re.fullmatch(r"\w+(\.\w+)*", split):
        raise HubError(f"'{split}' cannot name a split", hint="use letters, digits and '_'")
    if not 0 <= eval_share < 1:
        raise HubError(f"an evaluation share of {eval_share} is impossible", hint="it lies between 0 and 1, e.g. 0.05")
    if eval_share and split == EVAL_SPLIT:
        raise HubError(f"the evaluation split is called '{EVAL_SPLIT}' already", hint="name the other one 'train'")


def _write_pairs(
    view: Path, folder: Path, config: str, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    file = view / "pairs.parquet"
    total = pq.read_metadata(file).num_rows
    if not total:
        raise HubError(f"view '{view.name}' has no pairs", hint="`pairforge show` tells which rule dropped them")
    written = write_splits(pair_rows(file), pq.read_schema(file), folder, total=total, progress=progress, **options)
    return _splits(written, config)


def _write_labeled(
    labeled: Labeled, folder: Path, config: str, options: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    rows = (published_row(row) for row in labeled.rows)
    total = labeled.desirable + labeled.undesirable
    return _splits(write_splits(rows, LABELED, folder, total=total, progress=progress, **options), config)


def _write_samples(run: Run, folder: Path, options: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    total = run.sample_count()
    written = write_splits(sample_rows(run), sample_schema(), folder, total=total, progress=progress, **options)
    return _splits(written, UNPAIRED)


def _splits(written: Mapping[str, Any], config: str) -> dict[str, Any]:
    for split, (_, rows) in written.items():
        if not rows.rows:
            hint = "take a larger --eval-share, or leave it out"
            raise HubError(f"the split '{split}' of config '{config}' would be empty", hint=hint)
    return {
        split: {"rows": rows.rows, "sha256": rows.hexdigest(), "files": f"data/{config}/{split}-*.parquet"}
        for split, (_, rows) in written.items()
    }


def _figures(run: Run, view: Path, target: Path) -> list[str]:
    """A view's figures as PNG where matplotlib is there; their published paths.

    They are always drawn from what the view itself holds. The report's also know pass rates, which need every sample
    of the run: taking those would let a report change what an unchanged push sends.
    """
    target.mkdir(parents=True)
    if importlib.util.find_spec("matplotlib"):
        draw_figures(run, view, target)
    return [f"figures/{target.name}/{figure.name}" for figure in sorted(target.iterdir())]


def draw_figures(run: Run, view: Path, target: Path) -> None:
    """Draw the figures that pairs, drops and the funnel of a view give, as PNG files in `target`."""
    record = read_view(run, view.name)
    problems = run.problem_table(["id", "source"]).rename({"id": "problem_id"})
    statistics = view_statistics(
        read_columns(view / "pairs.parquet", list(COLUMNS)),
        read_columns(view / "drops.parquet", ["stage", "reason"]),
        problems.with_columns(pl.lit(None, dtype=pl.Float64).alias("pass_rate")),
        record.funnel,
    )
    for name, draw in view_figures(statistics).items():
        save(draw(), target / f"{name}.png")


def _write_recipes(recipes: Mapping[str, dict[str, Any]], folder: Path) -> dict[str, str]:
    """The recipe of each config that holds pairs; returns their file names."""
    names = {config: "recipe.yaml" if len(recipes) == 1 else f"recipe-{config}.yaml" for config in recipes}
    for config, recipe in recipes.items():
        text = yaml.safe_dump(published(recipe), sort_keys=False, allow_unicode=True, width=100)
        write_text(folder / names[config], _recipe_head(names[config], recipe) + text)
    return names


def _recipe_head(name: str, recipe: Mapping[str, Any]) -> str:
    missing = ", ".join(f"{entry['key']}: {entry['name']}" for entry in missing_elsewhere(recipe))
    note = f"# Only its author has these; put yours in their place: {missing}\n" if missing else ""
    return f"# pairforge build {name}\n{note}"


def file_sha256(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _files(folder: Path) -> dict[str, Path]:
    return {str(f.relative_to(folder)): f for f in sorted(folder.rglob("*")) if f.is_file()}


def _refuse_secrets(files: Mapping[str, Path]) -> None:
    """The last line of defence: no file of text may hold the token this process could use."""
    token = get_token()
    for path in _texts(files):
        if token and token in files[path].read_text(errors="replace"):
            raise HubError(
                f"{path} would contain your Hugging Face token", hint="take it out of the recipe, and revoke it"
            )


def _texts(files: Iterable[str]) -> list[str]:
    return [path for path in files if not path.endswith((".parquet", ".png"))]
