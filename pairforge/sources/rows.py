"""Rows out of files, dataset folders and the Hub, one at a time and in bounded memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub as hub
import pyarrow as pa

from pairforge.demo import demo_path
from pairforge.errors import SourceError
from pairforge.rowfiles import COMPRESSIONS, UNREADABLE, BadRow, opened, read_csv, read_json_lines, read_parquet
from pairforge.sources.entry import RowDrop, shorten
from pairforge.sources.license import folder_license, stated_license
from pairforge.sources.run_rows import check_run, is_run, run_license, run_revision, run_rows

FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
PARQUET_ROWS_AT_A_TIME = 256
HUB_TIMEOUT_S = 20.0
# A row is numbered from 1, as editors number lines. A row that cannot even be read arrives as a RowDrop.
NumberedRow = tuple[int, dict[str, Any] | RowDrop]


@dataclass(frozen=True, slots=True)
class Rows:
    """An opened dataset: its display name, the revision that pins its content, its rows, and the license that its
    own card states ("" for none)."""

    name: str
    revision: str
    rows: Iterator[NumberedRow]
    license: str = ""


def open_rows(
    dataset: str,
    *,
    config: str | None,
    split: str,
    revision: str | None,
    base_dir: Path,
    origins: tuple[str, ...] = (),
    limit: int | None = None,
) -> Rows:
    """Open a dataset by the name a recipe gives it; see `SourceConfig.dataset`.

    `origins` belongs to a run. `limit` is how many rows will be read at most: a run then reads no further texts.

    Raises `SourceError` when it cannot be found, is empty, or has a format nobody reads.
    """
    if origins and not is_run(base_dir / Path(dataset).expanduser()):
        raise SourceError(f"{dataset} is no run, so `origins` has no effect", hint="leave `origins` out")
    if dataset.startswith("pairforge:"):
        return Rows(dataset, file_digest(bundled(dataset)), read_file(bundled(dataset)))
    path = (base_dir / Path(dataset).expanduser()).resolve()
    name = path.name if Path(dataset).is_absolute() else dataset
    if path.is_file():
        return Rows(name, file_digest(path), read_file(path))
    if is_run(path):
        check_run(path, origins)
        taken = enumerate(run_rows(path, origins=origins, limit=limit), start=1)
        return Rows(name, run_revision(path), taken, run_license(path))
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and ".git" not in p.relative_to(path).parts)
        pinned = hashlib.sha256("".join(f"{p.relative_to(path)} {file_digest(p)}\n" for p in files).encode())
        name = _with_config(name, config, split)
        rows = read_dataset(str(path), config, split, None)
        return Rows(name, f"sha256:{pinned.hexdigest()[:16]}", rows, folder_license(path))
    if file_format(path) in FORMATS or dataset.startswith((".", "/", "~")) or dataset.count("/") > 1:
        raise SourceError(f"no such file or folder: {path}", hint="paths are relative to the recipe file")
    sha, license = hub_revision(dataset, revision)
    return Rows(_with_config(dataset, config, split), sha, read_dataset(dataset, config, split, sha), license)


def _with_config(name: str, config: str | None, split: str) -> str:
    """The dataset's name with what tells its parts apart: `open-r1/OpenR1-Math-220k#extended`."""
    return "#".join([name, *([config] if config else []), *([split] if split != "train" else [])])


def bundled(name: str) -> Path:
    """The file behind `pairforge:demo` or `pairforge:demo-eval`."""
    return Path(demo_path(name))


def file_format(path: Path) -> str:
    """The ending that says how to read a file: `.jsonl` of `rows.jsonl.gz`."""
    return path.with_suffix("").suffix if path.suffix in COMPRESSIONS else path.suffix


def read_file(path: Path) -> Iterator[NumberedRow]:
    """The rows of one file, by its ending. Raises `SourceError` for a format that is not read, and for damage."""
    form = file_format(path)
    if form not in FORMATS or (form == ".parquet" and path.suffix != ".parquet"):
        ending = "".join(path.suffixes[-2:]) if path.suffix in COMPRESSIONS else path.suffix
        supported = f"{', '.join(FORMATS)}; all but parquet also as {' and '.join(COMPRESSIONS)}"
        raise SourceError(f"{path}: cannot read '{ending}' files", hint=f"supported: {supported}")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty", hint="a source needs at least one row")
    return _rows_of(path, form)


def _rows_of(path: Path, form: str) -> Iterator[NumberedRow]:
    try:
        for number, row in _open(path, form):
            yield number, RowDrop(row.reason, row.detail) if isinstance(row, BadRow) else row
    except (ValueError, pa.ArrowException) as error:
        kind = form.removeprefix(".").replace("parquet", "parquet file")
        raise SourceError(f"{path} is not a readable {kind}: {error}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error}", hint="is the file complete?") from None


def _open(path: Path, form: str) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    if form == ".parquet":
        return read_parquet(path, PARQUET_ROWS_AT_A_TIME)
    if form in (".csv", ".tsv"):
        return read_csv(path, "\t" if form == ".tsv" else ",")
    return _read_json(path) if form == ".json" else read_json_lines(path)


def _read_json(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """A whole array of rows. The format cannot be read in pieces: memory is that of the file's content."""
    try:
        with opened(path) as stream:
            rows = json.loads(stream.read().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid JSON: {error}", hint="one object per line is .jsonl") from None
    if not isinstance(rows, list):
        raise SourceError(f"{path} does not hold a list of rows but {shorten(rows)}")
    for number, row in enumerate(rows, start=1):
        yield number, row if isinstance(row, dict) else BadRow("not_an_object", shorten(row))


def read_dataset(path: str, config: str | None, split: str, revision: str | None) -> Iterator[NumberedRow]:
    """The rows of a dataset repository (on the Hub, or a local folder in the same layout), streamed."""
    import datasets

    number = 0
    try:
        rows = datasets.load_dataset(path, name=config, split=split, revision=revision, streaming=True)
        for number, row in enumerate(rows, start=1):
            yield number, row
    except (*UNREADABLE, OSError, datasets.exceptions.DatasetsError) as error:
        after = f" after row {number}" if number else ""
        where = f"config {config or 'default'}, split {split}"
        raise SourceError(f"cannot read {path} ({where}){after}: {error}") from error


def hub_revision(dataset: str, revision: str | None) -> tuple[str, str]:
    """The commit a Hub dataset's branch or tag stands at, so that later reads get the same rows; and the license
    that its card states there."""
    try:
        info = hub.HfApi().dataset_info(dataset, revision=revision, timeout=HUB_TIMEOUT_S)
        return str(info.sha), stated_license(info.card_data.to_dict() if info.card_data else None)
    except hub.errors.RepositoryNotFoundError:
        hint = "check the spelling; a private or gated dataset needs a login. Local paths are relative to the recipe"
        raise SourceError(f"no dataset '{dataset}' on the Hub, and no such file or folder", hint=hint) from None
    except hub.errors.RevisionNotFoundError:
        raise SourceError(f"dataset '{dataset}' has no revision '{revision}'") from None
    except Exception as error:  # network failures come in many classes
        hint = "is the network up? A local copy of the dataset works too: `dataset: path/to/folder`"
        raise SourceError(f"cannot reach the Hub for '{dataset}': {type(error).__name__}", hint=hint) from None


def file_digest(path: Path) -> str:
    """`sha256:<16 hex digits>` of a file's content."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
