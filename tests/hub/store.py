"""What the stand-in Hub remembers: repositories with commits, branches, tags and pull requests; large objects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

INLINE_SUFFIXES = (".md", ".json", ".yaml", ".yml", ".svg", ".gitattributes")


@dataclass(frozen=True)
class Blob:
    """One file of a commit: its bytes, or the place and the SHA-256 of a large object."""

    content: bytes = b""
    lfs_sha256: str = ""
    lfs_size: int = 0

    @property
    def size(self) -> int:
        return self.lfs_size if self.lfs_sha256 else len(self.content)

    @property
    def oid(self) -> str:
        """git's blob id: of the content, or of the pointer that stands for a large object."""
        content = self.content
        if self.lfs_sha256:
            pointer = (
                f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.lfs_sha256}\nsize {self.lfs_size}\n"
            )
            content = pointer.encode()
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()

    def describe(self, path: str) -> dict[str, object]:
        info: dict[str, object] = {"type": "file", "path": path, "size": self.size, "oid": self.oid}
        if self.lfs_sha256:
            info["lfs"] = {"oid": self.lfs_sha256, "size": self.lfs_size, "pointerSize": 134}
        return info


Tree = dict[str, Blob]


@dataclass
class Repo:
    """A dataset repository. Every commit is a whole tree; a ref is a name for a commit."""

    id: str
    private: bool
    commits: dict[str, Tree] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    pulls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.commits:
            self.branches["main"] = self.commit({".gitattributes": Blob(b"*.parquet filter=lfs\n")}, "initial commit")

    def commit(self, tree: Tree, title: str) -> str:
        seed = f"{len(self.commits)} {title} {sorted((path, blob.oid) for path, blob in tree.items())}"
        oid = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[oid] = tree
        self.titles.append(title)
        return oid

    def resolve(self, revision: str) -> str | None:
        """The commit behind a branch, tag, pull request or (abbreviated) id."""
        for refs in (self.branches, self.tags, self.pulls):
            if revision in refs:
                return refs[revision]
        return next((oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)), None)

    def tree(self, revision: str = "main") -> Tree:
        oid = self.resolve(revision)
        assert oid is not None, f"no revision {revision}"
        return self.commits[oid]

    @property
    def head(self) -> str:
        return self.branches["main"]


@dataclass
class Store:
    """All repositories, and the large objects by their SHA-256 (files, so that memory stays flat)."""

    folder: Path
    repos: dict[str, Repo] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def object(self, sha256: str) -> Path:
        return self.folder / sha256

    def read(self, blob: Blob) -> bytes:
        return self.object(blob.lfs_sha256).read_bytes() if blob.lfs_sha256 else blob.content
