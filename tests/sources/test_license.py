"""Licenses as the cards of datasets state them, and what is no statement."""

import json

import pytest

from pairforge.sources import GoldJoin, SourceConfig, collect, read_source
from pairforge.sources.license import folder_license, stated_license


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ({"license": "apache-2.0"}, "apache-2.0"),
        ({"license": " MIT "}, "mit"),
        ({"license": ["mit", "apache-2.0"]}, "apache-2.0, mit"),
        ({"license": "unknown"}, ""),
        ({"license": "see the website"}, ""),  # no identifier, so nothing that could be compared
        ({"license": ["mit", {"nested": 1}]}, ""),
        ({"license": None}, ""),
        ({}, ""),
        (None, ""),
        ("license: mit", ""),
    ],
)
def test_only_identifiers_are_statements(head, found):
    assert stated_license(head) == found


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: mit\n---\n# data\n", "mit"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("# data\n\nlicense: mit\n", ""),
        ("---\nlicense: mit\n", ""),
        ("---\nlicense: [mit\n---\n", ""),
        ("---\n" + "[" * 5000 + "\n---\n", ""),
        ("", ""),
    ],
)
def test_a_folders_card_is_read_and_never_trusted_to_be_well_formed(tmp_path, card, found):
    (tmp_path / "README.md").write_bytes(card.encode())
    assert folder_license(tmp_path) == found


def test_a_source_and_the_dataset_its_answers_come_from_carry_their_licenses(tmp_path):
    pair = {"prompt": "1 + 1?", "chosen": "It is \\boxed{2}.", "rejected": "\\boxed{3}"}
    write_dataset(tmp_path / "pairs", "cc-by-4.0", [pair])
    write_dataset(tmp_path / "gold", "mit", [{"problem": "1 + 1?", "answer": "2"}])
    spec = SourceConfig(dataset="pairs", gold_from=GoldJoin(dataset="gold", answer="answer"))
    collection = collect([read_source(spec, base_dir=tmp_path)])
    list(collection.samples())
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert (summary.license, summary.gold) == ("cc-by-4.0", "joined")
    assert (summary.gold_from["source"], summary.gold_from["license"]) == ("gold", "mit")
    assert summary.gold_from["revision"].startswith("sha256:")


def test_a_single_file_states_nothing(tmp_path):
    write_dataset(tmp_path / "data", "mit", [{"question": "1 + 1?", "answer": "2"}])
    spec = SourceConfig(dataset="data/train.jsonl", adapter="columns")
    assert read_source(spec, base_dir=tmp_path).license == ""


def write_dataset(folder, license, rows):
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "README.md").write_text(f"---\nlicense: {license}\n---\n")
