"""Publishing to a stand-in Hub with the real clients: one commit, nothing lost, nothing said twice."""

import pytest
from datasets import load_dataset

from pairforge.errors import HubError
from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from pairforge.rowfiles import iter_rows
from tests.hub.runs import add_view, small_run
from tests.hub.server import Fault
from tests.hub.store import Blob, Repo

REPO = "ana/pairs"
MAIN = {"default": "default"}


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run")


def test_a_push_is_one_commit_with_shards_card_recipe_and_manifest(hub, run):
    done = push(stage(run, MAIN, REPO), Target(REPO))
    repo = hub.repo(REPO)
    assert repo.titles == ["initial commit", "Publish default (40 rows)"]
    assert set(repo.tree()) == {
        ".gitattributes",
        "README.md",
        "data/default/train-00000-of-00001.parquet",
        "figures/default/gap.png",
        "manifest.json",
        "recipe.yaml",
    }
    assert done.changed and done.commit == repo.head and done.rows_checked == 40


@pytest.mark.parametrize("streaming", [False, True])
def test_everyone_loads_the_same_rows_from_every_config(hub, run, streaming):
    push(stage(run, MAIN, REPO, unpaired=True), Target(REPO))
    rows = list(load_dataset(REPO, "default", split="train", streaming=streaming))
    local = [{**row, "rejected_model": "short-model"} for row in iter_rows(run.view("default") / "pairs.parquet")]
    assert rows == local
    assert load_dataset(REPO, split="train")[0]["prompt"] == [{"role": "user", "content": "What is 0 + 0?"}]
    samples = list(load_dataset(REPO, "unpaired", split="train", streaming=streaming))
    assert len(samples) == 80 and {row["status"] for row in samples} == {"correct"}


def test_an_unchanged_push_is_no_commit_and_says_so(hub, run):
    first = push(stage(run, MAIN, REPO), Target(REPO))
    again = push(stage(run, MAIN, REPO), Target(REPO))
    assert not again.changed and again.commit == first.commit and again.files_sent == 0
    assert len(hub.repo(REPO).commits) == 2


def test_a_local_folder_that_datasets_would_read_instead_is_refused(hub, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / REPO).mkdir(parents=True)
    with pytest.raises(HubError, match="local 'ana/pairs'") as refused:
        push(stage(run, MAIN, REPO), Target(REPO))
    assert "--no-read-back" in refused.value.hint
    assert push(stage(run, MAIN, REPO), Target(REPO, read_back=False)).rows_checked == 0


def test_only_what_changed_is_sent(hub, run):
    push(stage(run, MAIN, REPO, unpaired=True), Target(REPO))
    add_view(run, "default", range(10))
    done = push(stage(run, MAIN, REPO, unpaired=True), Target(REPO))
    assert done.files_sent == 3  # the pairs, the card and the manifest; not the samples, not the recipe


def test_several_views_are_configs_of_one_dataset(hub, run):
    add_view(run, "small-gap", range(20))
    add_view(run, "large-gap", range(20, 40))
    push(stage(run, {"small": "small-gap", "large": "large-gap"}, REPO), Target(REPO))
    assert [len(load_dataset(REPO, name, split="train")) for name in ("small", "large")] == [20, 20]
    assert {"recipe-small.yaml", "recipe-large.yaml"} <= set(hub.repo(REPO).tree())


def test_no_problem_is_on_both_sides_of_the_split_in_any_config(hub, run):
    add_view(run, "some", range(0, 40, 2))
    push(stage(run, {"all": "default", "some": "some"}, REPO, eval_share=0.3, unpaired=True), Target(REPO))
    ids = {
        (config, split): set(load_dataset(REPO, config, split=split)["problem_id"])
        for config in ("all", "some", "unpaired")
        for split in ("train", "test")
    }
    train = set().union(*(found for (_, split), found in ids.items() if split == "train"))
    held_out = set().union(*(found for (_, split), found in ids.items() if split == "test"))
    assert held_out and not train & held_out
    assert len(ids["all", "train"]) + len(ids["all", "test"]) == 40


def test_large_views_are_sharded_and_shards_that_are_too_many_later_go(hub, run):
    big = small_run(run.path.parent / "big", problems=2500)
    push(stage(big, MAIN, REPO, shard_bytes=1), Target(REPO))  # every 1000 rows a shard of their own
    assert len([p for p in hub.repo(REPO).tree() if p.endswith(".parquet")]) == 3
    push(stage(run, MAIN, REPO), Target(REPO))
    assert [p for p in hub.repo(REPO).tree() if p.endswith(".parquet")] == ["data/default/train-00000-of-00001.parquet"]


def test_a_dataset_is_private_unless_asked_otherwise(hub, run):
    push(stage(run, MAIN, REPO), Target(REPO))
    push(stage(run, MAIN, "ana/open"), Target("ana/open", private=False))
    assert hub.repo(REPO).private and not hub.repo("ana/open").private


def test_a_private_push_refuses_a_public_repository(hub, run):
    hub.store.repos[REPO] = Repo(REPO, private=False)
    with pytest.raises(HubError, match="is public"):
        push(stage(run, MAIN, REPO), Target(REPO))
    assert len(hub.repo(REPO).commits) == 1


def test_other_configs_are_not_taken_away_unless_told(hub, run):
    add_view(run, "arm", range(5))
    push(stage(run, {"default": "default", "arm": "arm"}, REPO), Target(REPO))
    with pytest.raises(HubError, match="also holds what this push lacks: arm"):
        push(stage(run, MAIN, REPO), Target(REPO))
    push(stage(run, MAIN, REPO), Target(REPO, replace=True))
    assert not any("arm" in path for path in hub.repo(REPO).tree())


def test_a_card_somebody_wrote_is_not_overwritten_unless_told(hub, run):
    repo = hub.store.repos[REPO] = Repo(REPO, private=True)
    repo.branches["main"] = repo.commit({"README.md": Blob(b"# mine"), "notes.txt": Blob(b"keep")}, "by hand")
    with pytest.raises(HubError, match="card that pairforge did not write"):
        push(stage(run, MAIN, REPO), Target(REPO))
    push(stage(run, MAIN, REPO), Target(REPO, replace=True))
    assert repo.tree()["notes.txt"].content == b"keep"


def test_a_pull_request_leaves_main_alone(hub, run):
    push(stage(run, MAIN, REPO), Target(REPO))
    head = hub.repo(REPO).head
    add_view(run, "default", range(7))
    done = push(stage(run, MAIN, REPO), Target(REPO, pull_request=True))
    assert hub.repo(REPO).head == head and done.pull_request.endswith("/discussions/1") and done.rows_checked == 7


def test_a_branch_and_a_tag(hub, run):
    done = push(stage(run, MAIN, REPO), Target(REPO, revision="v2-trial", tag="v2"))
    repo = hub.repo(REPO)
    assert repo.branches["v2-trial"] == repo.tags["v2"] == done.commit and "README.md" not in repo.tree("main")
    assert not push(stage(run, MAIN, REPO), Target(REPO, revision="v2-trial", tag="v2")).changed


def test_a_taken_tag_stops_before_anything_is_sent(hub, run):
    push(stage(run, MAIN, REPO), Target(REPO, tag="v1"))
    add_view(run, "default", range(7))
    with pytest.raises(HubError, match="tag 'v1' on other contents"):
        push(stage(run, MAIN, REPO), Target(REPO, tag="v1"))
    assert len(hub.repo(REPO).commits) == 2


def test_a_moved_parent_is_read_again_when_others_changed_their_own_files(hub, run, sleeps):
    push(stage(run, MAIN, REPO), Target(REPO))
    add_view(run, "default", range(7))
    hub.faults.append(_meanwhile(hub, {"notes.txt": Blob(b"by somebody else")}))
    done = push(stage(run, MAIN, REPO), Target(REPO))
    tree = hub.repo(REPO).tree()
    assert tree["notes.txt"].content == b"by somebody else" and done.rows_checked == 7


def test_a_moved_parent_stops_the_push_when_others_changed_our_files(hub, run, sleeps):
    push(stage(run, MAIN, REPO), Target(REPO))
    add_view(run, "default", range(7))
    hub.faults.append(_meanwhile(hub, {"README.md": Blob(b"rewritten by hand")}))
    with pytest.raises(HubError, match="somebody else changed ana/pairs meanwhile"):
        push(stage(run, MAIN, REPO), Target(REPO))
    assert hub.repo(REPO).tree()["README.md"].content == b"rewritten by hand"


def _meanwhile(hub, files):
    """Somebody commits `files` right before our commit arrives."""

    class Meanwhile(Fault):
        def hits(self, number, line):
            if self.times and line == f"POST /api/datasets/{REPO}/commit/main":
                self.times = 0
                repo = hub.repo(REPO)
                repo.branches["main"] = repo.commit({**repo.tree(), **files}, "somebody else")
            return False

    return Meanwhile("commit first")


def test_a_damaged_revision_is_noticed_when_it_is_read_back(hub, run, sleeps):
    contents = stage(run, MAIN, REPO)
    push(contents, Target(REPO, read_back=False))
    wrong = {**contents.manifest["configs"]["default"]["splits"]["train"], "sha256": "0" * 64}
    contents.manifest["configs"]["default"]["splits"]["train"] = wrong
    with pytest.raises(HubError, match="is not what was pushed"):
        push(contents, Target(REPO))


@pytest.mark.parametrize(
    ("repo", "views", "options", "message"),
    [
        ("pairs", MAIN, {}, "cannot name a repository"),
        ("ana/../x", MAIN, {}, "cannot name a repository"),
        (REPO, {"a b": "default"}, {}, "cannot name a config"),
        (REPO, {"unpaired": "default"}, {"unpaired": True}, "same name"),
        (REPO, MAIN, {"split": "tr/ain"}, "cannot name a split"),
        (REPO, MAIN, {"eval_share": 1.0}, "between 0 and 1"),
        (REPO, MAIN, {"split": "test", "eval_share": 0.1}, "called 'test' already"),
        (REPO, MAIN, {"eval_share": 1e-6}, "would be empty"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(run, repo, views, options, message):
    with pytest.raises(HubError, match=message):
        stage(run, views, repo, **options)
    assert not (run.path / "publish").exists() or not any((run.path / "publish").iterdir())


def test_staging_twice_gives_the_same_bytes(run):
    first = {path: file.read_bytes() for path, file in stage(run, MAIN, REPO, unpaired=True).files.items()}
    again = {path: file.read_bytes() for path, file in stage(run, MAIN, REPO, unpaired=True).files.items()}
    assert first == again
