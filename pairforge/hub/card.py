"""The dataset card: the published manifest in words. The same manifest gives the same card."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from huggingface_hub import DatasetCard, DatasetCardData

from pairforge.export.settings import settings_of
from pairforge.filters import FilterSettings
from pairforge.filters.separability import form_in_words
from pairforge.generator.config import SamplingConfig
from pairforge.hub.licenses import License, citation, dataset_of, license_of

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))  # fmt: skip


def render_card(manifest: Mapping[str, Any]) -> str:
    """The whole README.md of a published manifest (see `pairforge.hub.contents`)."""
    license = dataset_license(manifest)
    template = str(files("pairforge.hub") / "card.md.jinja")
    paired = {name: config for name, config in manifest["configs"].items() if "pairs" in config}
    card = DatasetCard.from_template(
        metadata(manifest, license),
        template_path=template,
        manifest=manifest,
        run=manifest["run"],
        recipe=manifest["recipe"],
        paired=paired,
        first=next(iter(paired)),
        unpaired=manifest["configs"].get("unpaired"),
        labeled={name: config["labels"] for name, config in manifest["configs"].items() if "labels" in config},
        license=license,
        sources=sources(manifest),
        citations=list(dict.fromkeys(citation(source.source) for source in license.by_source)),
        train=training(manifest, paired),
        model_argument=model_argument,
        rules_in_words=rules_in_words,
        answer_rules=answer_rules,
        other_rules=other_rules,
        judge_opinions=judge_opinions,
        form_in_words=form_in_words,
        as_yaml=as_yaml,
        as_json=as_json,
        fence=fence,
        line=line,
        number=number,
        bar=bar,
        other_sampling=other_sampling,
        arm_in_words=arm_in_words,
    )
    return re.sub(r"\n{3,}", "\n\n", str(card)).rstrip() + "\n"


def rules_in_words(settings: Mapping[str, Any]) -> list[str]:
    """One sentence per rule of a `filter:` block."""
    return list(FilterSettings.model_validate(settings).sentences())


_KINDS = {
    "math": "as values",
    "choice": "as letters of options, or their texts",
    "exact": "as exact text after normalization, numbers as numbers",
    "python": "by a function of the author's own, which the version names with a digest of its file",
}


def answer_rules(record: Mapping[str, Any]) -> str:
    """What kind of ground truth it was, and how percent signs and units counted; runs of earlier versions say less."""
    kind, percent, units = (record.get(key) or first for key, first in _FIRST.items())
    told = [f"compared {_KINDS.get(kind, line(kind))} (kind `{line(kind)}`)"]
    if kind in ("math", "choice"):
        equal = "only where the text around one of them says percent" if percent == "strict" else ""
        told.append(f"percent signs `{line(percent)}` (20 % and a bare 20 are equal{f' {equal}' if equal else ''})")
        told.append(f"units `{line(units)}` (5 m and a bare 5 are {'not ' if units == 'strict' else ''}equal)")
    return ", ".join(told)


_FIRST = {"kind": "math", "percent": "lenient", "units": "lenient"}


def other_rules(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sources whose answers were checked by other rules than the record's own, and those rules."""
    own = {key: record.get(key) or first for key, first in _FIRST.items()}
    sources = record.get("sources") or {}
    return [
        (name, answer_rules(rules))
        for name, rules in sources.items()
        if {key: rules.get(key) or first for key, first in _FIRST.items()} != own
    ]


def judge_opinions(judge: Mapping[str, Any]) -> str:
    """How often the judge said what, and whether that decided anything."""
    said = ", ".join(f"{number(count)} {line(name)}" for name, count in (judge.get("opinions") or {}).items())
    effect = "its opinions count as verdicts" if judge.get("counts") else "its opinions decided nothing"
    return f"{said or 'it was asked nothing'}; {effect}"


def other_sampling(settings: Mapping[str, Any]) -> str:
    """The sampling parameters that are set besides those every card names, for the end of a sentence."""
    named = ("temperature", "top_p", "max_tokens")
    defaults = SamplingConfig().model_dump(mode="json")
    others = {k: v for k, v in settings.items() if k not in named and v != defaults.get(k)}
    return "".join(f", {name} {line(value)}" for name, value in others.items())


def arm_in_words(totals: Mapping[str, Any]) -> str:
    """What an arm has drawn, in numbers."""
    rate = totals.get("pass_rate")
    words = f"{totals['samples']:,} solutions with {totals['tokens']:,} tokens, {totals['correct']:,} of them correct"
    if totals.get("errors"):
        words += f", {totals['errors']:,} failed requests"
    return words + (f"; pass rate {rate:.1%} of the first draws" if rate is not None else "")


def metadata(manifest: Mapping[str, Any], license: License) -> Any:
    """The YAML head as huggingface_hub's class: license, language, task, tags, size and the configs' files."""
    rows = max(sum(split["rows"] for split in config["splits"].values()) for config in manifest["configs"].values())
    configs = [
        {
            "config_name": name,
            **({"default": True} if index == 0 else {}),
            "data_files": [{"split": split, "path": info["files"]} for split, info in config["splits"].items()],
        }
        for index, (name, config) in enumerate(manifest["configs"].items())
    ]
    names: dict[str, Any] = {"license_name": license.name} if license.name else {}
    hub_sources = list(dict.fromkeys(dataset_of(s.source) for s in license.by_source if on_hub(s.source)))
    return DatasetCardData(
        pretty_name=manifest["repo"].split("/")[1],
        license=license.identifier,
        **names,
        language=["en"],
        task_categories=["text-generation"],
        tags=["dpo", "preference", "reasoning", "math", "thinkpo", "trl", "pairforge"],
        size_categories=[size_category(rows)],
        source_datasets=hub_sources or None,
        configs=configs,
    )


def training(manifest: Mapping[str, Any], paired: Mapping[str, Any]) -> dict[str, Any]:
    """What the training command names: the settings that an export would have."""
    longest = max(
        view["lengths"]["prompt_tokens"]["max"] + view["lengths"][side]["max"]
        for view in paired.values()
        for side in ("chosen_tokens", "rejected_tokens")
    )
    recipe = manifest["recipe"]
    train = {name: value for name, value in (recipe.get("train") or {}).items() if value is not None}
    if "model" not in train:  # the student that lengths were counted for
        train |= {"model": recipe["filter"]["tokenizer"], "revision": recipe["filter"].get("revision")}
    rows = min(sum(split["rows"] for split in view["splits"].values()) for view in paired.values())
    settings = settings_of(train, int(-(-longest // 128) * 128), rows=rows)
    return settings | {"model": train.get("model_name") or settings["model"]}


def model_argument(model: str) -> str:
    """The model as a shell word. What comes with pairforge has an address that only pairforge can resolve."""
    if not re.fullmatch(r"pairforge:[a-z-]+", model):
        return shlex.quote(model)
    code = f'from pairforge import demo; print(demo.resolve("{model}"))'
    return f"\"$(python -c '{code}')\""


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "100M<n<1B")


def sources(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sources as the run recorded them."""
    return list(manifest["run"].get("sources") or [])


def dataset_license(manifest: Mapping[str, Any]) -> License:
    """The license of what was read: every source, and every dataset that ground truth was joined from."""
    read: dict[str, str | None] = {}
    for entry in [*sources(manifest), *(s["gold_from"] for s in sources(manifest) if s.get("gold_from"))]:
        read.setdefault(entry["source"], entry.get("license"))
    asked = [(block.get("gold_from") or {}).get("dataset") for block in manifest["recipe"].get("sources") or []]
    unread = [name for name in asked if name and name not in map(dataset_of, read)]  # of runs that did not record it
    return license_of([*read, *unread], read, manifest.get("license") or "")


def on_hub(source: str) -> bool:
    """Whether a source's name is a Hub id: owner/name."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+(#.*)?", source))


# --- for the template: text from datasets and models is shown, never interpreted ---------------------------


def as_yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).rstrip()


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def fence(text: str, language: str = "") -> str:
    """A code block that no content can end early."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def line(text: object) -> str:
    """A text as one cell or line of Markdown, its own markup switched off."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", flat)


def number(value: float | None) -> str:
    """A figure for people: 12,345 or 1.53."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.2f}"


def bar(count: int, most: int, width: int = 40) -> str:
    """A bar of a text histogram."""
    return "█" * max(1 if count else 0, round(width * count / max(1, most)))
