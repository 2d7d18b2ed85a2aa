"""Commands that hand a dataset on: push, export; and import, which takes one in."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import pairforge
from pairforge.cli import app
from pairforge.cli.console import JsonOption, RunArgument, SetOption, outcome, plain, print_json, progress, stdout

if TYPE_CHECKING:
    from pairforge.hub.contents import Contents
    from pairforge.hub.push import Pushed

ViewsOption = Annotated[list[str] | None, typer.Option("--view", help="A view to publish (repeatable).")]
ConfigsOption = Annotated[
    list[str] | None, typer.Option("--config", help="The config's name, one per --view (default: the view's name).")
]

# From the file names: importing the formats would slow down --help.
_FORMAT_FILES = (Path(pairforge.__file__).parent / "export" / "formats").glob("[a-z]*.py")
EXPORT_FORMATS = ", ".join(sorted(file.stem.replace("_", "-") for file in _FORMAT_FILES))


@app.command("push")
def push_command(
    run: RunArgument,
    repo: Annotated[str | None, typer.Argument(help="user/name (default: the recipe's publish.repo).")] = None,
    views: ViewsOption = None,
    configs: ConfigsOption = None,
    split: Annotated[str, typer.Option("--split", help="Name of the split that holds the pairs.")] = "train",
    eval_share: Annotated[
        float, typer.Option("--eval-share", min=0, max=1, help="Share of the problems for a split 'test'.")
    ] = 0.0,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Add configs of labeled solutions, and of all evidence.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new dataset public; the default is private.")
    ] = False,
    revision: Annotated[str, typer.Option("--revision", help="A branch to publish to.")] = "main",
    pull_request: Annotated[bool, typer.Option("--pr", help="Open a pull request instead of committing.")] = False,
    tag: Annotated[str, typer.Option("--tag", help="Tag the commit.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Take out configs and overwrite a card not named here.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print every file and the card; no network, no token.")
    ] = False,
    read_back: Annotated[bool, typer.Option(help="Load the pushed revision back and compare row hashes.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Publish views of a run as one dataset on the Hugging Face Hub, in one commit."""
    from pairforge.errors import HubError
    from pairforge.hub.contents import stage
    from pairforge.hub.push import push
    from pairforge.hub.repository import Target
    from pairforge.pipeline import run_recipe
    from pairforge.pipeline.exporting import labeled_configs
    from pairforge.run import open_run

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        opened = open_run(run)
        publish = run_recipe(opened).publish
        name = repo or publish.repo
        if not name:
            raise HubError("no repository was named", hint=f"pairforge push {run} user/name")
        views_of = configs_of(views or ["default"], configs or [])
        contents = stage(
            opened,
            views_of,
            name,
            split=split,
            eval_share=eval_share,
            unpaired=unpaired,
            labeled=labeled_configs(opened, views_of, show) if unpaired else {},
            license=publish.license or "",
            progress=show,
        )
        private = publish.private and not public
        target = Target(name, private, revision, pull_request, tag, replace, read_back)
        pushed = None if dry_run else push(contents, target, progress=show)
    if pushed is None:
        print_contents(contents, as_json)
    else:
        print_json(asdict(pushed)) if as_json else print_pushed(pushed)


def configs_of(views: list[str], configs: list[str]) -> dict[str, str]:
    """config -> view. Raises `HubError` when the names do not go one to one."""
    from pairforge.errors import HubError

    if configs and len(configs) != len(views):
        raise HubError(
            f"{len(views)} views, but {len(configs)} config names", hint="give each --view one --config, or none"
        )
    named = dict(zip(configs or views, views, strict=True))
    if len(named) < len(views):
        raise HubError("two configs have the same name", hint="give each --view its own --config")
    return named


def print_contents(contents: Contents, as_json: bool) -> None:
    """What a push would publish: every file with its size, then the card."""
    sizes = {path: file.stat().st_size for path, file in contents.files.items()}
    if as_json:
        files = [{"path": path, "bytes": size} for path, size in sizes.items()]
        print_json({"folder": str(contents.folder), "files": files, "card": contents.card})
        return
    out = stdout()
    for path, size in sizes.items():
        out.print(f"{size:>14,} bytes  {path}", soft_wrap=True)
    out.print(f"{sum(sizes.values()):>14,} bytes  in {contents.folder}\n", soft_wrap=True)
    out.print(plain(contents.card), soft_wrap=True)


def print_pushed(pushed: Pushed) -> None:
    """What happened, and where to look."""
    out = stdout()
    who = "private" if pushed.private else "public"
    if not pushed.changed:
        out.print(f"{pushed.repo} holds exactly this already: nothing was sent, no commit was made")
    else:
        out.print(
            f"published {pushed.files_sent} files, {pushed.bytes_sent:,} bytes, as one commit of {pushed.repo} ({who})"
        )
    if pushed.rows_checked:
        out.print(f"read back {pushed.rows_checked:,} rows: all equal")
    for line in (pushed.url, pushed.pull_request, f"tag {pushed.tag}" if pushed.tag else ""):
        if line:
            out.print(line, soft_wrap=True)


@app.command("export")
def export_command(
    run: RunArgument,
    view: Annotated[str, typer.Option("--view", help="The view to export.")] = "default",
    kind: Annotated[str, typer.Option("--format", help=f"One of: {EXPORT_FORMATS}.")] = "trl",
    out: Annotated[Path | None, typer.Option("--out", help="Folder (default: RUN/exports/VIEW-FORMAT).")] = None,
    eval_share: Annotated[
        float, typer.Option("--eval-share", min=0, max=1, help="Share of the problems for a file of their own.")
    ] = 0.0,
    overrides: SetOption = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Write nothing; tell in which formats each problem has a row.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Export a view for a trainer, with a configuration file."""
    from pairforge.pipeline.exporting import export_view
    from pairforge.run import open_run

    if summary:
        print_coverage(run, view, overrides or [], as_json)
        return
    with outcome(as_json), progress() as show:
        done = export_view(
            open_run(run), view, kind, out, eval_share=eval_share, overrides=overrides or [], progress=show
        )
    if as_json:
        print_json(done.to_json())
        return
    for file in done.files:
        stdout().print(str(file), soft_wrap=True)
    held_out = f", {done.eval_rows:,} for evaluation" if done.eval_rows else ""
    stdout().print(f"\n{done.rows:,} rows{held_out}. Train with:\n  {done.command}", soft_wrap=True)
    for name, command in done.also.items():
        stdout().print(f"or with {name}:\n  {command}", soft_wrap=True)
    for name, meaning in done.yours.items():
        stdout().print(f"{name} is yours to give: {meaning}", soft_wrap=True)


def print_coverage(run: str, view: str, overrides: list[str], as_json: bool) -> None:
    """Rows and problems per kind of export, and how many problems have a row somewhere."""
    from rich.table import Table

    from pairforge.pipeline.coverage import KINDS, coverage
    from pairforge.pipeline.exporting import view_session
    from pairforge.run import open_run

    with outcome(as_json), progress() as show:
        found = coverage(view_session(open_run(run), view, overrides, show), view)
    if as_json:
        print_json(found.to_json())
        return
    table = Table("format", "rows are", "rows", "problems", box=None)
    for kind, problems in found.counts.items():
        name = "trl, llamafactory, ..." if kind == "pairs" else kind
        table.add_row(name, KINDS[kind], f"{found.rows[kind]:,}", f"{problems:,}")
    stdout().print(table)
    stdout().print(f"\n{found.sentence()}", soft_wrap=True)


@app.command("import")
def import_command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A Hub dataset, or a jsonl, json or parquet file.")],
    tokenizer: Annotated[
        str, typer.Option("--tokenizer", help="The student's tokenizer: lengths are counted with it.")
    ],
    run: Annotated[
        Path | None, typer.Option("--run", help="The run directory (default: runs/<name of the data>).")
    ] = None,
    adapter: Annotated[str, typer.Option("--adapter", help="How to read the rows (see docs/sources.md).")] = "auto",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="NAME=COLUMN", help="Which column is what, e.g. question=prompt (repeatable)."
        ),
    ] = None,
    config: Annotated[str | None, typer.Option("--config", help="The dataset's config.")] = None,
    split: Annotated[str, typer.Option("--split", help="The dataset's split.")] = "train",
    revision: Annotated[str | None, typer.Option("--revision", help="The dataset's revision.")] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a recipe key, e.g. filter.gap.min=500 (repeatable)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Import existing pairs or completions as a run, and verify them."""
    from pairforge.cli.console import print_summary
    from pairforge.pipeline.importing import import_data

    with outcome(as_json, resume=shlex.join(["pairforge", *sys.argv[1:]])), progress() as show:
        source = {"dataset": data, "adapter": adapter, "config": config, "split": split, "revision": revision}
        summary = import_data(
            {**source, "columns": pairs_of(columns or [])}, tokenizer, run, overrides=overrides or [], progress=show
        )
    print_json(summary.to_json()) if as_json else print_summary(summary)


def pairs_of(options: list[str]) -> dict[str, str]:
    """`["question=prompt"]` as a mapping. Raises `SourceError` for an option without '='."""
    from pairforge.errors import SourceError

    wrong = next((option for option in options if "=" not in option), None)
    if wrong is not None:
        raise SourceError(f"--column {wrong} has no '='", hint="write --column question=prompt")
    return dict(option.split("=", 1) for option in options)
