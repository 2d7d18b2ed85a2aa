"""What a dataset on the Hub says about itself when it is read as a source."""

from pairforge.hub.contents import stage
from pairforge.hub.push import push
from pairforge.hub.repository import Target
from pairforge.sources import SourceConfig, read_source
from tests.hub.runs import small_run
from tests.hub.store import Blob

REPO = "ana/pairs"


def test_a_published_dataset_is_a_source_with_its_license_and_revision(hub, tmp_path):
    pushed = push(stage(small_run(tmp_path / "run"), {"default": "default"}, REPO, license="cc-by-4.0"), Target(REPO))
    stream = read_source(SourceConfig(dataset=REPO), base_dir=tmp_path)
    assert (stream.license, stream.revision, stream.adapter) == ("cc-by-4.0", pushed.commit, "trl-pairs")
    assert len(list(stream)) == 40


def test_the_license_is_that_of_the_revision_that_is_read(hub, tmp_path):
    pushed = push(
        stage(small_run(tmp_path / "run"), {"default": "default"}, REPO, license="mit"), Target(REPO, tag="v1")
    )
    repo = hub.repo(REPO)
    later = {**repo.tree(), "README.md": Blob(b"---\nlicense: cc-by-nc-4.0\n---\n")}
    repo.branches["main"] = repo.commit(later, "another license")
    old = read_source(SourceConfig(dataset=REPO, revision="v1"), base_dir=tmp_path)
    assert (old.license, old.revision) == ("mit", pushed.commit)
    assert read_source(SourceConfig(dataset=REPO), base_dir=tmp_path).license == "cc-by-nc-4.0"
