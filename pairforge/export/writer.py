"""Write rows for a trainer: data files, its configuration, and the command that trains."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairforge.errors import HubError, nearest
from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.formats import FORMATS
from pairforge.export.split import held_out
from pairforge.progress import Progress, quiet
from pairforge.run.atomic import replacing_folder, write_text


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: data files first, then the configuration; `command` trains with it.

    `also` has the commands of other trainers, `yours` the values in commands that only the user can give.
    """

    folder: Path
    files: tuple[Path, ...]
    rows: int
    eval_rows: int
    command: str
    also: Mapping[str, str]
    yours: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        files = [str(file) for file in self.files]
        return {"folder": str(self.folder), "files": files, "rows": self.rows, "eval_rows": self.eval_rows,
                "command": self.command, "also": dict(self.also), "yours": dict(self.yours)}  # fmt: skip


def format_named(name: str) -> Format:
    """The format of a name. Raises `HubError` naming all of them when there is none."""
    if name not in FORMATS:
        hint = f"{nearest(name, FORMATS)} One of: {', '.join(FORMATS)}".strip()
        raise HubError(f"there is no export format '{name}'", hint=hint)
    return FORMATS[name]


def write_export(
    rows: Iterable[Mapping[str, Any]],
    total: int,
    form: Format,
    folder: Path,
    settings: Mapping[str, Any],
    *,
    eval_share: float = 0.0,
    progress: Progress = quiet,
) -> Exported:
    """Write rows (of the format's kind, with a `problem_id`) as an export in `folder`.

    `settings` are those of `settings_of`. `eval_share` of the problems go to a file of their own. Raises `HubError`
    for a folder that holds something else, and when a file would have no rows.
    """
    with _replaced(folder) as temporary:
        written = _write_rows(rows, total, form, temporary, eval_share, progress)
        # `datasets` takes no "." for a name, and the folder may move with its name.
        own = {**settings, "here": f"../{folder.resolve().name}"}
        for name, text in form.configure(own, written).items():
            (temporary / name).parent.mkdir(exist_ok=True)
            write_text(temporary / name, text)
    files = tuple(sorted(file for file in folder.rglob("*") if file.is_file()))
    place = shlex.quote(str(folder.resolve()))  # the command runs from anywhere
    return Exported(
        folder,
        files,
        rows=written.rows["train"],
        eval_rows=written.rows.get(EVAL_SPLIT, 0),
        command=form.command.format(folder=place),
        also={name: command.format(folder=place) for name, command in form.also.items()},
        yours=form.yours,
    )


def _write_rows(
    rows: Iterable[Mapping[str, Any]], total: int, form: Format, folder: Path, eval_share: float, progress: Progress
) -> Written:
    names = ["train", *([EVAL_SPLIT] if eval_share else [])]
    counts, labels = dict.fromkeys(names, 0), Counter[bool]()
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.jsonl").open("w")) for name in names}
        for done, row in enumerate(rows, start=1):
            name = EVAL_SPLIT if eval_share and held_out(row["problem_id"], eval_share) else "train"
            files[name].write(json.dumps(form.row(row), ensure_ascii=False) + "\n")
            counts[name] += 1
            if form.kind == "labels" and name == "train":
                labels[row["label"]] += 1
            if done % 1000 == 0 or done == total:
                progress("export", done, total, "")
    empty = [name for name, count in counts.items() if not count]
    if empty:
        hint = "choose another view or another --eval-share"
        raise HubError(f"the file '{empty[0]}' would have no rows", hint=hint)
    return Written(counts, (labels[True], labels[False]))


@contextlib.contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well; only an export is ever replaced."""
    mark = ".pairforge-export"
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        raise HubError(f"{folder} holds something that is no export", hint="name another folder with --out")
    with replacing_folder(folder) as temporary:
        yield temporary
        (temporary / mark).touch()
