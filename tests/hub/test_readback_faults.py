"""Every request of reading back fails, once and for good: the commit stands, and the message says how to look again."""

import shutil

import pytest
from huggingface_hub import HfFileSystem, constants

from pairforge.errors import HubError
from pairforge.hub import client
from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from tests.hub.runs import small_run
from tests.hub.server import ANA, Fault

REPO = "ana/pairs"
ROWS = 12


def long(*kinds):
    return [pytest.param(kind, marks=pytest.mark.full) for kind in kinds]


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    run = small_run(tmp_path_factory.mktemp("run") / "run", problems=ROWS)
    return stage(run, {"default": "default"}, REPO)


@pytest.fixture
def published(hub, contents, sleeps):
    """A repository that holds the contents."""
    push(contents, Target(REPO, read_back=False))
    return hub


def reading(hub, contents, home) -> range:
    """The numbers of the requests that a push makes to read back; those before them look at the repository."""
    start_afresh(hub, home)
    push(contents, Target(REPO, read_back=False))
    before = len(hub.requests)
    start_afresh(hub, home)
    push(contents, Target(REPO))
    assert len(hub.requests) >= before + 5
    return range(before, len(hub.requests))


def start_afresh(hub, home):
    """As in a new process on a new machine: no cache answers in the Hub's place."""
    HfFileSystem._cache.clear()
    shutil.rmtree(home, ignore_errors=True)
    hub.requests.clear()


def is_published_once(hub, contents) -> bool:
    repo = hub.repo(REPO)
    tree = repo.tree()
    return len(repo.commits) == 2 and all(hub.store.read(tree[p]) == f.read_bytes() for p, f in contents.files.items())


@pytest.mark.parametrize("kind", ["reset", "checksum", *long("429", "500", "503", "lost", "slow", "stall")])
def test_trouble_that_passes_is_waited_out(published, contents, tmp_path, kind, monkeypatch):
    if kind == "stall":  # answers that only take long are asked for again
        for module, name in ((client, "TIMEOUT_S"), (constants, "HF_HUB_ETAG_TIMEOUT")):
            monkeypatch.setattr(module, name, 1.0)
    for at in reading(published, contents, tmp_path / "hf"):
        start_afresh(published, tmp_path / "hf")
        published.faults[:] = [Fault(kind, at=at)]
        done = push(contents, Target(REPO))
        assert (done.rows_checked, done.changed) == (ROWS, False), f"{kind} at {at}: {published.requests[at]}"
        assert is_published_once(published, contents)


@pytest.mark.parametrize("kind", ["401", "503", *long("403", "429", "500", "reset", "lost", "checksum")])
def test_trouble_that_stays_leaves_the_commit_and_says_so(published, contents, tmp_path, kind):
    told = 0
    for at in reading(published, contents, tmp_path / "hf"):
        start_afresh(published, tmp_path / "hf")
        published.faults[:] = [Fault(kind, at=at, times=10_000, onwards=True)]
        try:
            done = push(contents, Target(REPO))
        except HubError as error:
            told += 1
            assert f"{REPO} is published as commit {published.repo(REPO).head}" in error.message
            assert "run the same command again" in error.hint and ANA not in str(error)
        else:
            assert done.rows_checked == ROWS  # a question that datasets can do without
        assert is_published_once(published, contents), f"{kind} at {at}: {published.requests[at]}"
        published.faults.clear()
        again = push(contents, Target(REPO))
        assert (again.rows_checked, again.changed) == (ROWS, False)
    assert told, "no request mattered"


def test_a_push_that_cannot_read_back_has_published_all_the_same(hub, contents, sleeps, monkeypatch):
    """The fault meets the very push that makes the commit."""
    hub.faults.append(Fault("503", match="GET .*/resolve/.*parquet", times=10_000))
    with pytest.raises(HubError, match="is published as commit") as caught:
        push(contents, Target(REPO, tag="v1"))
    assert is_published_once(hub, contents) and hub.repo(REPO).tags["v1"] in str(caught.value)
