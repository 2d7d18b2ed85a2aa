"""Write a view for another trainer: data files, its configuration, and the command that trains."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from pairforge.errors import HubError
from pairforge.export.format import EVAL_SPLIT, Format
from pairforge.export.formats import FORMATS
from pairforge.export.settings import settings_of
from pairforge.export.split import held_out
from pairforge.progress import Progress
from pairforge.rowfiles import iter_rows
from pairforge.run import Run
from pairforge.run.atomic import replacing_folder, write_text


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: data files first, then the configuration; `command` trains with it."""

    folder: Path
    files: tuple[Path, ...]
    pairs: int
    eval_pairs: int
    command: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        files = [str(file) for file in self.files]
        return {"folder": str(self.folder), "files": files, "pairs": self.pairs, "eval_pairs": self.eval_pairs,
                "command": self.command}  # fmt: skip


def export(
    run: Run,
    view: str,
    kind: str,
    folder: Path | None = None,
    *,
    eval_share: float = 0.0,
    train: Mapping[str, Any] | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Write the pairs of a view for `kind` into `folder` (default: `<run>/exports/<view>-<kind>`).

    `train` holds the recipe's training values in TRL's names. `eval_share` of the problems go to a file of their own.
    Raises `HubError` for an unknown format, and for a folder that holds something else.
    """
    if kind not in FORMATS:
        raise HubError(f"there is no export format '{kind}'", hint=f"one of: {', '.join(FORMATS)}")
    form = FORMATS[kind]
    source = run.view(view)
    final = folder or run.path / "exports" / f"{view}-{kind}"
    with _replaced(final) as temporary:
        counts = _write_rows(source / "pairs.parquet", form, temporary, eval_share, progress)
        settings = settings_of(train or {}, _longest(source))
        for name, text in form.configure(settings, eval_share > 0).items():
            write_text(temporary / name, text)
    files = tuple(sorted(final.iterdir()))
    command = form.command.format(folder=final)
    return Exported(final, files, counts.get("train", 0), counts.get(EVAL_SPLIT, 0), command)


def _write_rows(source: Path, form: Format, folder: Path, eval_share: float, progress: Progress) -> dict[str, int]:
    total = pq.read_metadata(source).num_rows
    names = ["train", *([EVAL_SPLIT] if eval_share else [])]
    counts = dict.fromkeys(names, 0)
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.jsonl").open("w")) for name in names}
        for done, row in enumerate(iter_rows(source), start=1):
            name = EVAL_SPLIT if eval_share and held_out(row["problem_id"], eval_share) else "train"
            files[name].write(json.dumps(form.row(row), ensure_ascii=False) + "\n")
            counts[name] += 1
            if done % 1000 == 0 or done == total:
                progress("export", done, total, "")
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise HubError(f"the file '{empty[0]}' would have no pairs", hint="choose another view or another --eval-share")
    return counts


def _longest(view: Path) -> int:
    """Enough tokens for the longest pair, in steps of 128."""
    sides = pl.max_horizontal("chosen_tokens", "rejected_tokens")
    longest = pl.scan_parquet(view / "pairs.parquet").select((pl.col("prompt_tokens") + sides).max()).collect().item()
    return int(-(-(longest or 1) // 128) * 128)


@contextlib.contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well; only an export is ever replaced."""
    mark = ".pairforge-export"
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        raise HubError(f"{folder} holds something that is no export", hint="name another folder with --out")
    with replacing_folder(folder) as temporary:
        yield temporary
        (temporary / mark).touch()
