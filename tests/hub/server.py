"""A stand-in for the Hugging Face Hub: real HTTP on the loopback interface, for the real clients.

with StandInHub(folder) as hub:
    hub.url                       # give it to the clients as HF_ENDPOINT, with HF_HUB_DISABLE_XET=1
    hub.faults.append(Fault(at=3, kind="503"))
    hub.requests                  # what was asked, in order

It shows that the client's side is right against this behaviour of the Hub; it is not the Hub.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.store import INLINE_SUFFIXES, Blob, Repo, Store

TOKENS = {"hf_ThisTokenBelongsToAna0123456789": "ana"}
ANA = next(iter(TOKENS))
CHUNK_BYTES = 1 << 16


@dataclass
class Fault:
    """What goes wrong: the `at`-th request (from 0; with `onwards` also those after it), or every request whose
    "METHOD path" matches `match`; at most `times` times.

    kinds: a status code ("429" with Retry-After, "500", "503", "401" expired token, "403", "409", "412");
    "reset" (the connection dies in mid-body, nothing is done), "lost" (it is done, the answer is cut off),
    "slow" (the answer trickles), "stall" (no answer), "checksum" (an upload is refused, a download is damaged).
    """

    kind: str
    at: int | None = None
    match: str = ""
    times: int = 1
    onwards: bool = False

    def hits(self, number: int, line: str) -> bool:
        if self.at is None:
            meant = bool(re.search(self.match, line))
        else:
            meant = number == self.at or (self.onwards and number > self.at)
        if self.times <= 0 or not meant:
            return False
        self.times -= 1
        return True


class Refusal(Exception):
    """An answer that is an error, as the Hub words it."""

    def __init__(
        self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None, url: str = ""
    ) -> None:
        self.status = status
        self.body = json.dumps({"error": message, **({"url": url} if url else {})}).encode()
        self.headers = {**({"X-Error-Code": code} if code else {}), "X-Error-Message": message, **(headers or {})}


class StandInHub:
    """The server, its state, the faults to come and the log of requests."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(folder)
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> StandInHub:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def repo(self, name: str) -> Repo:
        return self.store.repos[name]

    def seen(self, line: str) -> Fault | None:
        """Log a request; the fault that meets it, if any."""
        with self.lock:
            self.requests.append(line)
            number = len(self.requests) - 1
            return next((fault for fault in self.faults if fault.hits(number, line)), None)


def _handler(hub: StandInHub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.hub = hub
    return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: each would wait for the client otherwise
    fault: Fault | None = None

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.route = url.path
        line = f"{self.command} {unquote(url.path)}"
        self.fault = self.hub.seen(line)
        kind = self.fault.kind if self.fault else ""
        if kind == "reset":
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            return self._cut()
        body = self._body()
        if kind == "stall":
            self.hub.stopping.wait(30)
            return self._cut()
        try:
            if kind.isdecimal():
                self._refuse_on_purpose(int(kind))
            with self.hub.lock:
                action = self._find(line)
            action(body)
        except Refusal as refusal:
            self._send(refusal.status, refusal.body, refusal.headers)

    def _refuse_on_purpose(self, status: int) -> None:
        messages = {
            401: "Invalid credentials in Authorization header",
            403: "Forbidden: you don't have write access to this repository",
            409: "Conflict",
            412: "A commit has happened since. Please refresh and try again.",
            429: "Too many requests",
        }
        raise Refusal(
            status, messages.get(status, "Internal error"), headers={"Retry-After": "1"} if status == 429 else {}
        )

    def _body(self) -> bytes | Path:
        """The request's body; the content of a PUT goes to a file as it arrives."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.command != "PUT":
            return self.rfile.read(length) if length or "chunked" not in self._encoding else self._read_chunked()
        path = self.hub.store.folder / f"incoming-{threading.get_ident()}"
        with path.open("wb") as file:
            if "chunked" in self._encoding:
                file.write(self._read_chunked())
            while length > 0:
                piece = self.rfile.read(min(CHUNK_BYTES, length))
                if not piece:
                    break
                file.write(piece)
                length -= len(piece)
        return path

    @property
    def _encoding(self) -> str:
        return self.headers.get("Transfer-Encoding", "")

    def _read_chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    # --- answers ------------------------------------------------------------------------------------

    def _json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None) -> None:
        if self.fault and self.fault.kind == "lost":
            return self._cut()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if self.fault and self.fault.kind == "slow":
            for at in range(0, len(body), max(1, len(body) // 5)):
                self.wfile.write(body[at : at + max(1, len(body) // 5)])
                self.wfile.flush()
                self.hub.stopping.wait(0.02)
            return None
        if self.fault and self.fault.kind == "checksum" and status in (200, 206) and "/resolve/" in self.path:
            body = body[:-1] + bytes([body[-1] ^ 255])
        try:
            self.wfile.write(body)
        except OSError:  # the client has gone: it saw enough of a stream
            self.close_connection = True
        return None

    def _cut(self) -> None:
        """Kill the connection so that the client sees a reset, not a clean end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    # --- who may do what ----------------------------------------------------------------------------

    def _user(self) -> str:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return TOKENS.get(token, "")

    def _repo(self, name: str, *, write: bool = False) -> Repo:
        user = self._user()
        moved = self.hub.store.renamed.get(name)
        if moved:
            target = self.path.replace(name, moved, 1)
            raise Refusal(307, "Moved", headers={"Location": self.hub.url + target})
        repo = self.hub.store.repos.get(name)
        if repo is None or (repo.private and user != name.split("/")[0]):
            raise Refusal(401 if not user else 404, "Repository not found", "RepoNotFound")
        if write and user != name.split("/")[0]:
            raise Refusal(403, "Forbidden: you don't have write access to this repository")
        return repo

    # --- routes -------------------------------------------------------------------------------------

    def _find(self, line: str) -> Any:
        for pattern, method in _ROUTES:
            found = re.fullmatch(pattern, f"{self.command} {self.route}")
            if found:
                parts = [unquote(part) if part is not None else "" for part in found.groups()]
                return lambda body: getattr(self, method)(body, *parts)
        raise Refusal(404, f"the stand-in Hub does not know {line}", "EntryNotFound")

    def create_repo(self, body: bytes) -> None:
        wanted = json.loads(body)
        user = self._user()
        owner = wanted.get("organization") or user
        name = f"{owner}/{wanted['name']}"
        if not user or owner != user:
            raise Refusal(
                403 if user else 401,
                f"You don't have the rights to create a dataset under the namespace {owner!r}",
            )
        with self.hub.lock:
            if name in self.hub.store.repos:
                raise Refusal(409, "You already created this dataset repo", url=f"{self.hub.url}/datasets/{name}")
            private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
            self.hub.store.repos[name] = Repo(name, private)
        self._json({"url": f"{self.hub.url}/datasets/{name}", "name": name})

    def info(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        oid = self._commit_of(repo, revision or "main")
        files = [{"rfilename": path} for path in sorted(repo.commits[oid])]
        self._json({"_id": "0" * 24, "id": repo.id, "sha": oid, "private": repo.private, "tags": [], "siblings": files,
                    "lastModified": "2026-11-01T00:00:00.000Z", "cardData": _card_head(repo.commits[oid])})  # fmt: skip

    def tree(self, body: bytes, name: str, revision: str, folder: str) -> None:
        repo = self._repo(name)
        tree = repo.commits[self._commit_of(repo, revision)]
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        inside = {path: blob for path, blob in sorted(tree.items()) if path.startswith(prefix)}
        if prefix and not inside:
            raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
        recursive = self.query.get("recursive", "").lower() in ("1", "true")
        entries: dict[str, dict[str, object]] = {}
        for path, blob in inside.items():
            *folders, _ = path.removeprefix(prefix).split("/")
            for depth in range(1, len(folders) + 1 if recursive else min(len(folders), 1) + 1):
                parent = prefix + "/".join(folders[:depth])
                entries[parent] = {"type": "directory", "path": parent, "oid": "0" * 40, "size": 0}
            if recursive or not folders:
                entries[path] = blob.describe(path)
        self._json(list(entries.values()))

    def paths_info(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name)
        tree = repo.commits[self._commit_of(repo, revision)]
        wanted = parse_qs(body.decode()).get("paths", [])
        found = [tree[path].describe(path) for path in wanted if path in tree]
        folders = [p for p in wanted if p not in tree and any(path.startswith(f"{p}/") for path in tree)]
        self._json([*found, *({"type": "directory", "path": p, "oid": "0" * 40, "size": 0} for p in folders)])

    def refs(self, body: bytes, name: str) -> None:
        repo = self._repo(name)

        def listed(refs: dict[str, str], kind: str) -> list[dict[str, str]]:
            return [{"name": ref, "ref": f"refs/{kind}/{ref}", "targetCommit": oid} for ref, oid in refs.items()]

        answer = {"branches": listed(repo.branches, "heads"), "tags": listed(repo.tags, "tags"), "converts": []}
        if self.query.get("include_prs"):
            pulls = [{"name": ref, "ref": ref, "targetCommit": oid} for ref, oid in repo.pulls.items()]
            answer["pullRequests"] = pulls  # type: ignore[assignment]
        self._json(answer)

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name, write=True)
        tree = repo.commits[self._commit_of(repo, revision)]
        modes = []
        for file in json.loads(body)["files"]:
            mode = "regular" if file["path"].endswith(INLINE_SUFFIXES) else "lfs"
            blob = tree.get(file["path"])
            oid = (blob.lfs_sha256 or blob.oid) if blob else None
            modes.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._json({"files": modes})

    def lfs_batch(self, body: bytes, name: str) -> None:
        self._repo(name, write=True)
        objects = []
        for item in json.loads(body)["objects"]:
            answer = {"oid": item["oid"], "size": item["size"]}
            if not self.hub.store.object(item["oid"]).exists():
                # like the real one, the upload address carries its own signature: a secret for the time being
                upload = f"{self.hub.url}/lfs/{item['oid']}?X-Amz-Signature=f00dcafe"
                verify = f"{self.hub.url}/datasets/{name}.git/info/lfs/verify"
                answer["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def put_object(self, body: Path, oid: str) -> None:
        with body.open("rb") as file:
            real = hashlib.file_digest(file, "sha256").hexdigest()
        if real != oid or (self.fault and self.fault.kind == "checksum"):
            body.unlink()
            raise Refusal(400, "BadDigest: the content does not match its SHA-256")
        body.rename(self.hub.store.object(oid))
        self._send(200, b"")

    def lfs_verify(self, body: bytes, name: str) -> None:
        wanted = json.loads(body)
        stored = self.hub.store.object(wanted["oid"])
        if not stored.exists() or stored.stat().st_size != wanted["size"]:
            raise Refusal(404, "the object was not uploaded")
        self._json({})

    def commit(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name, write=True)
        lines = [json.loads(line) for line in body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        with self.hub.lock:
            head = self._commit_of(repo, revision)
            if header.get("parentCommit") and header["parentCommit"] != head:
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            oid = repo.commit(self._changed(repo.commits[head], lines), header["summary"])
            answer = {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}"}
            if self.query.get("create_pr"):
                number = len(repo.pulls) + 1
                repo.pulls[f"refs/pr/{number}"] = oid
                answer["pullRequestUrl"] = f"{self.hub.url}/datasets/{name}/discussions/{number}"
            else:
                repo.branches[revision] = oid
        self._json(answer)

    def _changed(self, tree: dict[str, Blob], lines: list[dict[str, Any]]) -> dict[str, Blob]:
        tree = dict(tree)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                tree[value["path"]] = Blob(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                stored = self.hub.store.object(value["oid"])
                if not stored.exists():
                    raise Refusal(400, f"the object of {value['path']} was not uploaded")
                tree[value["path"]] = Blob(lfs_sha256=value["oid"], lfs_size=stored.stat().st_size)
            elif line["key"] == "deletedFile":
                if value["path"] not in tree:
                    raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
                del tree[value["path"]]
        return tree

    def branch(self, body: bytes, name: str, branch: str) -> None:
        repo = self._repo(name, write=True)
        if branch in repo.branches:
            raise Refusal(409, "Reference already exists")
        start = json.loads(body or b"{}").get("startingPoint", "main")
        repo.branches[branch] = self._commit_of(repo, start)
        self._json({})

    def tag(self, body: bytes, name: str, revision: str) -> None:
        repo = self._repo(name, write=True)
        tag = json.loads(body)["tag"]
        if tag in repo.tags:
            raise Refusal(409, "Tag reference exists already")
        repo.tags[tag] = self._commit_of(repo, revision)
        self._json({})

    def validate_yaml(self, body: bytes) -> None:
        import yaml

        content = json.loads(body)["content"]
        try:
            head = yaml.safe_load(content.split("---")[1])
            assert isinstance(head, dict)
        except (IndexError, yaml.YAMLError, AssertionError):
            refusal = {"errors": [{"message": "the metadata is not YAML"}], "warnings": []}
            return self._json(refusal, status=400)
        return self._json({"errors": [], "warnings": []})

    def resolve(self, body: bytes, name: str, revision: str, path: str) -> None:
        repo = self._repo(name)
        oid = self._commit_of(repo, revision)
        blob = repo.commits[oid].get(path)
        if blob is None:
            raise Refusal(404, f"{path} does not exist", "EntryNotFound", {"X-Repo-Commit": oid})
        etag = blob.lfs_sha256 or blob.oid
        headers = {"X-Repo-Commit": oid, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if blob.lfs_sha256:
            headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(blob.size)}
        if self.command == "HEAD":
            return self._send(200, b"", headers, length=blob.size)
        content = self.hub.store.read(blob)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked:
            return self._send(200, content, headers)
        start, end = int(asked[1]), min(int(asked[2] or blob.size - 1), blob.size - 1)
        if start > end:
            raise Refusal(416, "Requested range not satisfiable", headers={"Content-Range": f"bytes */{blob.size}"})
        headers["Content-Range"] = f"bytes {start}-{end}/{blob.size}"
        return self._send(206, content[start : end + 1], headers)

    def _commit_of(self, repo: Repo, revision: str) -> str:
        oid = repo.resolve(revision)
        if oid is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return oid


def _card_head(tree: dict[str, Blob]) -> dict[str, Any]:
    """The metadata of a revision's card, as the Hub parses it for everyone."""
    import yaml

    head = re.match(rb"---\n(.*?)\n---\n", tree["README.md"].content, re.DOTALL) if "README.md" in tree else None
    return dict(yaml.safe_load(head[1])) if head else {}


_ID = r"([\w.-]+/[\w.-]+)"
_ROUTES = [
    (r"POST /api/repos/create", "create_repo"),
    (r"POST /api/validate-yaml", "validate_yaml"),
    (rf"GET /api/(?:datasets|models)/{_ID}(?:/revision/([^/]+))?", "info"),
    (rf"GET /api/(?:datasets|models)/{_ID}/tree/([^/]+)(/.*)?", "tree"),
    (rf"POST /api/(?:datasets|models)/{_ID}/paths-info/([^/]+)", "paths_info"),
    (rf"GET /api/(?:datasets|models)/{_ID}/refs", "refs"),
    (rf"POST /api/(?:datasets|models)/{_ID}/preupload/([^/]+)", "preupload"),
    (rf"POST (?:/datasets)?/{_ID}\.git/info/lfs/objects/batch", "lfs_batch"),
    (rf"POST (?:/datasets)?/{_ID}\.git/info/lfs/verify", "lfs_verify"),
    (r"PUT /lfs/([0-9a-f]{64})", "put_object"),
    (rf"POST /api/(?:datasets|models)/{_ID}/commit/([^/]+)", "commit"),
    (rf"POST /api/(?:datasets|models)/{_ID}/branch/([^/]+)", "branch"),
    (rf"POST /api/(?:datasets|models)/{_ID}/tag/([^/]+)", "tag"),
    (rf"(?:GET|HEAD) (?:/datasets)?/{_ID}/resolve/([^/]+)/(.+)", "resolve"),
]
