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
from pairforge.rowfiles import BadLine, iter_rows, read_json_lines
from pairforge.sources.entry import RowDrop, shorten
from pairforge.sources.license import folder_license, stated_license

FORMATS = (".jsonl", ".ndjson", ".json", ".parquet")
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


def open_rows(dataset: str, *, config: str | None, split: str, revision: str | None, base_dir: Path) -> Rows:
    """Open a dataset by the name a recipe gives it; see `SourceConfig.dataset`.

    Raises `SourceError` when it cannot be found, is empty, or has a format nobody reads.
    """
    if dataset.startswith("pairforge:"):
        return Rows(dataset, file_digest(bundled(dataset)), read_file(bundled(dataset)))
    path = (base_dir / Path(dataset).expanduser()).resolve()
    name = path.name if Path(dataset).is_absolute() else dataset
    if path.is_file():
        return Rows(name, file_digest(path), read_file(path))
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and ".git" not in p.relative_to(path).parts)
        pinned = hashlib.sha256("".join(f"{p.relative_to(path)} {file_digest(p)}\n" for p in files).encode())
        name = _with_config(name, config, split)
        rows = read_dataset(str(path), config, split, None)
        return Rows(name, f"sha256:{pinned.hexdigest()[:16]}", rows, folder_license(path))
    if Path(dataset).suffix in FORMATS or dataset.startswith((".", "/", "~")) or dataset.count("/") > 1:
        raise SourceError(f"no such file or folder: {path}", hint="paths are relative to the recipe file")
    sha, license = hub_revision(dataset, revision)
    return Rows(_with_config(dataset, config, split), sha, read_dataset(dataset, config, split, sha), license)


def _with_config(name: str, config: str | None, split: str) -> str:
    """The dataset's name with what tells its parts apart: `open-r1/OpenR1-Math-220k#extended`."""
    return "#".join([name, *([config] if config else []), *([split] if split != "train" else [])])


def bundled(name: str) -> Path:
    """The file behind `pairforge:demo` or `pairforge:demo-eval`."""
    return Path(demo_path(name))


def read_file(path: Path) -> Iterator[NumberedRow]:
    """The rows of one jsonl, json or parquet file."""
    if path.suffix not in FORMATS:
        raise SourceError(f"{path}: cannot read '{path.suffix}' files", hint=f"supported: {', '.join(FORMATS)}")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty", hint="a source needs at least one row")
    if path.suffix == ".parquet":
        return _read_parquet(path)
    return _read_json(path) if path.suffix == ".json" else _read_jsonl(path)


def _read_jsonl(path: Path) -> Iterator[NumberedRow]:
    for number, row in read_json_lines(path):
        yield number, RowDrop(row.reason, row.detail) if isinstance(row, BadLine) else row


def _read_json(path: Path) -> Iterator[NumberedRow]:
    """A whole array of rows. The format cannot be read in pieces: memory is that of the file's content."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid JSON: {error}", hint="one object per line is .jsonl") from None
    if not isinstance(rows, list):
        raise SourceError(f"{path} does not hold a list of rows but {shorten(rows)}")
    for number, row in enumerate(rows, start=1):
        yield number, row if isinstance(row, dict) else RowDrop("not_an_object", shorten(row))


def _read_parquet(path: Path) -> Iterator[NumberedRow]:
    try:
        yield from enumerate(iter_rows(path, rows_at_a_time=PARQUET_ROWS_AT_A_TIME), start=1)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{path} is not a readable parquet file: {error}") from None


def read_dataset(path: str, config: str | None, split: str, revision: str | None) -> Iterator[NumberedRow]:
    """The rows of a dataset repository (on the Hub, or a local folder in the same layout), streamed."""
    import datasets

    try:
        rows = datasets.load_dataset(path, name=config, split=split, revision=revision, streaming=True)
        yield from enumerate(rows, start=1)
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(f"cannot read {path} (config {config or 'default'}, split {split}): {error}") from error


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
