"""Every request of a push fails once in every way: afterwards the repository is as it was, or complete."""

import random

import pytest

from pairforge.errors import HubError
from pairforge.hub import client
from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from tests.hub.runs import small_run
from tests.hub.server import ANA, Fault
from tests.hub.store import Repo

REPO = "ana/pairs"
PASSING = ["429", "500", "503", "reset", "lost", "slow", "checksum", pytest.param("stall", marks=pytest.mark.full)]
TARGET = Target(REPO, revision="trial", tag="v1", read_back=False)  # a branch and a tag: every kind of request


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    return stage(small_run(tmp_path_factory.mktemp("run") / "run", problems=12), {"default": "default"}, REPO)


@pytest.fixture
def hub(hub, sleeps):
    return hub


def pushed_branch(hub):
    """The files of the branch, None before it exists."""
    repo = hub.store.repos.get(REPO)
    return repo.tree("trial") if repo and "trial" in repo.branches else None


def is_complete(hub, contents) -> bool:
    tree = pushed_branch(hub)
    return tree is not None and all(hub.store.read(tree[path]) == f.read_bytes() for path, f in contents.files.items())


def is_untouched(hub) -> bool:
    tree = pushed_branch(hub)
    return tree is None or set(tree) == {".gitattributes"}


def request_count(hub, contents, target=TARGET) -> int:
    push(contents, target)
    count = len(hub.requests)
    hub.store.repos.clear()
    for stored in hub.store.folder.iterdir():
        stored.unlink()
    return count


@pytest.mark.parametrize("kind", PASSING)
def test_trouble_that_passes_is_waited_out(hub, contents, kind, monkeypatch):
    """One publishing commit comes out of it, never two, whichever request it hits."""
    if kind == "stall":
        monkeypatch.setattr(client, "TIMEOUT_S", 1.0)  # answers that only take long are asked for again
    for at in range(request_count(hub, contents)):
        hub.requests.clear()
        hub.faults[:] = [Fault(kind, at=at)]
        done = push(contents, TARGET)
        assert is_complete(hub, contents), f"{kind} at {at}: {hub.requests[at]}"
        repo = hub.repo(REPO)
        assert len(repo.commits) == 2 and repo.tags == {"v1": done.commit}, f"{kind} at {at}: {hub.requests[at]}"
        hub.store.repos.clear()
        for stored in hub.store.folder.iterdir():
            stored.unlink()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("401", "hf auth login"),
        ("403", "write access"),
        ("503", "same command again"),
        ("reset", "same command again"),
    ],
)
def test_trouble_that_stays_leaves_the_repository_as_it_was(hub, contents, kind, says, monkeypatch):
    """And the next push, without the trouble, completes it."""
    count = request_count(hub, contents)
    tag = next(i for i, line in enumerate(reversed(hub.requests)) if "/tag/" in line)
    commit_at = next(i for i, line in enumerate(hub.requests) if "/commit/" in line)
    assert commit_at < count - tag  # the tag comes after the commit
    for at in range(count):
        hub.requests.clear()
        hub.faults[:] = [Fault(kind, at=number) for number in range(at, at + 200)]
        try:
            push(contents, TARGET)
        except HubError as error:
            assert says in error.hint and ANA not in str(error) and "X-Amz" not in str(error), str(error)
            complete_or_untouched = is_complete(hub, contents) if at > commit_at else is_untouched(hub)
            assert complete_or_untouched, f"{kind} at {at}: {hub.requests[at]}"
        else:
            assert "agent-harnesses" in hub.requests[at]  # the client's own curiosity, nobody depends on it
        hub.faults.clear()
        push(contents, TARGET)
        assert is_complete(hub, contents)
        hub.store.repos.clear()
        for stored in hub.store.folder.iterdir():
            stored.unlink()


def test_silence_is_given_up_and_asked_again(hub, contents, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_S", 1.0)
    hub.faults.append(Fault("stall", match="/commit/trial"))
    push(contents, TARGET)
    assert is_complete(hub, contents) and len(hub.repo(REPO).commits) == 2


def test_the_server_says_how_long_to_wait(hub, contents, sleeps):
    hub.faults.append(Fault("429", match="/api/datasets/ana/pairs$"))
    push(contents, TARGET)
    assert sleeps[0] == 1.0  # the stand-in's Retry-After


def test_a_lost_answer_to_a_pull_request_is_found_again_not_repeated(hub, contents):
    push(contents, Target(REPO, read_back=False))
    other = Target(REPO, pull_request=True, read_back=False)
    repo = hub.repo(REPO)
    repo.branches["main"] = repo.commit({".gitattributes": repo.tree()[".gitattributes"]}, "emptied")
    hub.faults.append(Fault("lost", match="/commit/main"))
    done = push(contents, other)
    assert list(repo.pulls) == ["refs/pr/1"] and done.commit == repo.pulls["refs/pr/1"]
    assert done.pull_request.endswith("/discussions/1")


def test_a_renamed_repository_is_named(hub, contents):
    hub.store.renamed[REPO] = "ana/better"
    hub.store.repos["ana/better"] = Repo("ana/better", private=True)
    with pytest.raises(HubError, match="ana/pairs is now called ana/better") as caught:
        push(contents, TARGET)
    assert "push to ana/better" in caught.value.hint and len(hub.repo("ana/better").commits) == 1


def test_a_repository_that_exists_is_used(hub, contents):
    hub.store.repos[REPO] = Repo(REPO, private=True)
    assert push(contents, TARGET).changed and is_complete(hub, contents)


def test_somebody_elses_namespace_is_forbidden(hub, contents):
    with pytest.raises(HubError, match=r"create the dataset repository bob/pairs: status 403") as caught:
        push(contents, Target("bob/pairs"))
    assert "write access" in caught.value.hint


def test_no_token_is_said_before_the_first_request(hub, contents, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="no Hugging Face token") as caught:
        push(contents, TARGET)
    assert "hf auth login" in caught.value.hint and not hub.requests


def test_a_token_that_expired_is_said(hub, contents, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_ExpiredExpiredExpiredExpired000")
    with pytest.raises(HubError, match="does not accept the token") as caught:
        push(contents, TARGET)
    assert "hf auth login" in caught.value.hint and "Expired" not in str(caught.value)


def test_waits_grow_and_have_an_end(monkeypatch):
    class Busy(Exception):
        response = None

    for jitter in (0.75, 1.25):  # the least and the most there is
        monkeypatch.setattr(random, "uniform", lambda least, most, j=jitter: min(max(j, least), most))
        waits = [client.wait_s(Busy(), attempt) for attempt in range(client.TRIES)]
        assert waits == sorted(set(waits)) and waits[-1] <= 20
