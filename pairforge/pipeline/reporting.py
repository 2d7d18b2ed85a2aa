"""The report of a view: its tables, and everything the run knows about it, for `pairforge.report`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pairforge.filters import Evidence, gold_suspects
from pairforge.filters.sweep import ArmResult
from pairforge.pipeline.coverage import KINDS, Coverage, coverage
from pairforge.pipeline.session import Session, open_session
from pairforge.progress import Progress, quiet
from pairforge.report.figures import save_view_figures
from pairforge.report.page import ArmFacts, ReportData, write_report
from pairforge.report.statistics import ViewStatistics, view_statistics
from pairforge.rowfiles import iter_rows
from pairforge.run import Run, ViewRecord, read_view
from pairforge.run.arm_totals import arm_totals

EXAMPLES = 5  # dropped problems shown per reason
TEXT_COLUMNS = ("prompt", "chosen", "rejected", "question", "answer")


def make_report(run: Run, view: str, *, out: Path | None = None, progress: Progress = quiet) -> Path:
    """Write the report of a view (default: report.html in its folder) and its figures; returns the report's file."""
    folder = run.view(view)
    record = read_view(run, view)
    overrides = [f"filter={json.dumps(record.filter)}", f"format={json.dumps(record.format)}"]
    session = open_session(run, overrides, progress)
    evidence = session.evidence(record.format.get("columns", ()))
    statistics = statistics_of(folder, evidence, record)
    save_view_figures(statistics, folder / "figures")
    data = ReportData(
        run=run.name,
        view=view,
        record=record,
        statistics=statistics,
        warnings=[*warnings_of(record, statistics), *unchecked_sets(run)],
        drop_examples=drop_examples(folder, dict(session.problems.select("id", "question").iter_rows())),
        suspects=suspects_of(evidence, session.problems),
        arms=arms_of(session),
        views=[read_view(run, name) for name in run.views()],
        sweep=latest_sweep(run),
        exports=exports_of(coverage(session, view)),
    )
    file = out or folder / "report.html"
    write_report(file, data, counted(iter_rows(folder / "pairs.parquet"), record.pairs, progress))
    return file


def arms_of(session: Session) -> list[ArmFacts]:
    """What the report says about each arm, in the recipe's order."""
    blocks = session.recipe.arms
    least = {name: block.draws.min for name, block in blocks.items()}
    totals = arm_totals(session.samples, session.verdicts, session.run.manifest().arms, least)
    return [
        ArmFacts(
            name=name,
            model=block.engine.public_name,
            prompt=in_words(block.prompt.model_dump(mode="json", exclude_defaults=True)) or "the question",
            sampling=in_words(block.sampling.model_dump(mode="json", exclude_none=True)),
            totals=totals[name],
        )
        for name, block in blocks.items()
    ]


def in_words(settings: dict[str, Any]) -> str:
    """A few settings in one line; those at an empty value are left out."""
    return ", ".join(f"{name}: {value}" for name, value in settings.items() if value not in ([], {}, ""))


def exports_of(found: Coverage) -> tuple[str, list[tuple[str, str, int, int]], list[tuple[str, int]]]:
    """What the report says about exports: see `ReportData`."""
    formats = [(kind, KINDS[kind], found.rows[kind], n) for kind, n in found.counts.items()]
    return found.sentence(), formats, [(", ".join(kinds) or "no format", n) for kinds, n in found.combinations]


def statistics_of(folder: Path, evidence: Evidence, record: ViewRecord) -> ViewStatistics:
    """The numbers of a written view."""
    pairs = pl.scan_parquet(folder / "pairs.parquet").drop(TEXT_COLUMNS).collect()
    drops = pl.read_parquet(folder / "drops.parquet", columns=["stage", "reason"])
    columns = [name for name in record.format.get("columns", ()) if name in evidence.problems.columns]
    return view_statistics(pairs, drops, evidence.problems, record.funnel, columns)


def warnings_of(record: ViewRecord, statistics: ViewStatistics) -> list[str]:
    """What a reader must know before trusting the numbers."""
    found = [*record.shortfall, *record.notes]
    found += [capital(sentence) for sentence in record.undecided.sentences()]
    found += [capital(one.sentence()) for one in record.difficulty]
    if record.undecided.enough:
        found.append("What is paired leans to problems that the sampler solves at once.")
    gap, direction = statistics.summary.means["gap_tokens"], record.direction
    if gap is not None and ((direction == "long" and gap < 0) or (direction == "short" and gap > 0)):
        found.append(f"The direction is {direction}, but chosen - rejected is {gap:+,.0f} tokens on average.")
    return found


def capital(sentence: str) -> str:
    """A clause as a sentence of its own."""
    return f"{sentence[0].upper()}{sentence[1:]}."


def unchecked_sets(run: Run) -> list[str]:
    """The evaluation sets that the problems could not be compared with, as a sentence."""
    compared = run.manifest().decontamination
    if compared is None or not compared.unreachable:
        return []
    missing = ", ".join(sorted(compared.unreachable))
    return [f"Not checked against {missing}: these evaluation sets could not be read at build."]


def drop_examples(folder: Path, questions: dict[str, str]) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """(stage, reason) -> a few (subject, question, detail with counts)."""
    drops = pl.read_parquet(folder / "drops.parquet")
    examples = pl.col("subject", "detail", "counts").head(EXAMPLES)
    found = {}
    for row in drops.group_by("stage", "reason", maintain_order=True).agg(examples).iter_rows(named=True):
        columns = zip(row["subject"], row["detail"], row["counts"], strict=True)
        found[(row["stage"], row["reason"])] = [
            (subject, questions.get(subject, ""), "; ".join(part for part in (detail, readable(counts)) if part))
            for subject, detail, counts in columns
        ]
    return found


def readable(counts: str) -> str:
    """The counts of a drop as text."""
    return ", ".join(f"{reason.replace('_', ' ')} {n}" for reason, n in json.loads(counts).items())


def suspects_of(evidence: Evidence, problems: pl.DataFrame) -> list[tuple[str, str, str, str, int]]:
    """Problems whose ground truth the solutions disagree with together (at most 200 are shown)."""
    found = gold_suspects(evidence).head(200).join(problems, left_on="problem_id", right_on="id", maintain_order="left")
    return list(found.select("problem_id", "question", "answer", "suspect_answer", "agreeing").iter_rows())


def latest_sweep(run: Run) -> list[ArmResult]:
    """The results of the run's latest sweep, if it has one."""
    if not run.sweep_file.exists():
        return []
    return [ArmResult.from_json(row) for row in json.loads(run.sweep_file.read_text())]


def counted(rows: Iterator[dict[str, Any]], total: int, progress: Progress) -> Iterator[dict[str, Any]]:
    for done, row in enumerate(rows, start=1):
        yield row
        if done % 500 == 0 or done == total:
            progress("report", done, total, "")
