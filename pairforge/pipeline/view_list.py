"""The views of a run side by side: what each holds, and how its rules differ from the default view's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pairforge.config import flatten
from pairforge.pipeline.recipe_changes import Changes
from pairforge.pipeline.recipe_settings import run_recipe
from pairforge.recipe import Recipe
from pairforge.run import Run, ViewRecord, read_view

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class ListedView:
    """One view. `differences`: key path -> value here, for the rules, the format and the seed that differ from the
    default view's (from the run's recipe where there is none). `digest` identifies these settings."""

    view: str
    pairs: int
    problems: int
    digest: str
    differences: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def words(self) -> str:
        """The differences on one line."""
        return ", ".join(f"{key.removeprefix('filter.')}={in_words(value)}" for key, value in self.differences.items())


def in_words(value: Any) -> str:
    """A value as an override writes it."""
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def listed_views(run: Run) -> list[ListedView]:
    """All views of a run, the default one first. Raises `RunError` when a view.json is damaged."""
    names = sorted(run.views(), key=lambda name: (name != DEFAULT, name))
    records = [read_view(run, name) for name in names]
    if names and names[0] == DEFAULT:
        base = settings_of_record(records[0])
    else:
        base = settings_of_recipe(run_recipe(run))
    return [
        ListedView(
            record.view,
            record.pairs,
            record.problems,
            record.digest,
            {key: here for key, (_, here) in view_changes(base, settings_of_record(record)).items()},
        )
        for record in records
    ]


def replaced_rules(run: Run, view: str, recipe: Recipe) -> Changes:
    """What a view that is there was made with, against the recipe that would replace it; empty where nothing differs
    or there is no such view."""
    if view not in run.views():
        return {}
    return view_changes(settings_of_record(read_view(run, view)), settings_of_recipe(recipe))


def settings_of_record(record: ViewRecord) -> dict[str, Any]:
    return flatten({"seed": record.seed, "filter": record.filter, "format": record.format})


def settings_of_recipe(recipe: Recipe) -> dict[str, Any]:
    raw = recipe.model_dump(mode="json")
    return flatten({name: raw[name] for name in ("seed", "filter", "format")})


def view_changes(there: dict[str, Any], here: dict[str, Any]) -> Changes:
    """The keys that differ. A key that only one side has is one that the other's version did not know, or an entry of
    a list: it differs where its value says something."""
    keys = sorted({*there, *here})
    pairs = {key: (there.get(key), here.get(key)) for key in keys}
    empty: tuple[Any, ...] = (None, [], {}, "")
    return {key: (a, b) for key, (a, b) in pairs.items() if a != b and not (a in empty and b in empty)}
