"""Every adapter on rows of the real schema, loaded by the real `datasets` code from the dataset's own layout."""

import json
from pathlib import Path

import pytest

from pairforge.errors import SourceError
from pairforge.records import Sample
from pairforge.sources import ADAPTERS, Collection, GoldJoin, RowDrop, SourceConfig, adapters, collect, read_source
from tests.sources.standins import REPOSITORIES, write_standin


def read(tmp_path: Path, *specs: SourceConfig) -> tuple[Collection, dict[str, list[Sample]]]:
    """Collect stand-ins; samples grouped by their problem's question."""
    for dataset in REPOSITORIES.keys() & {spec.dataset for spec in specs}:
        write_standin(dataset, tmp_path)
    collection = collect([read_source(spec, base_dir=tmp_path) for spec in specs])
    samples = list(collection.samples())
    questions = {problem.id: problem.question for problem in collection.problems}
    grouped: dict[str, list[Sample]] = {question: [] for question in questions.values()}
    for sample in samples:
        if sample.problem_id in questions:
            grouped[questions[sample.problem_id]].append(sample)
    return collection, grouped


def drops(collection: Collection) -> list[tuple[str, str]]:
    return [(drop.subject.rpartition(":")[2], drop.reason) for drop in collection.drops]


FILES = sorted((Path(adapters.__file__).parent).glob("[a-z]*.py"))


def test_every_file_is_an_adapter_with_a_name_of_its_own():
    assert len(ADAPTERS) == len(FILES)


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_reads_the_row_it_shows(tmp_path, name):
    """From a file, as a user would: the row becomes a problem, and `auto` finds the adapter by itself."""
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(ADAPTERS[name].example) + "\n")
    for adapter in ("auto", name):
        collection, _ = read(tmp_path, SourceConfig(dataset=str(file), adapter=adapter))
        [summary] = collection.summaries(collection.problems, collection.drops)
        assert (summary.adapter, summary.problems, collection.drops) == (name, 1, [])
        assert collection.problems[0].question and collection.problems[0].answer


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_required_columns_are_those_of_the_example(name):
    assert set(ADAPTERS[name].required) <= ADAPTERS[name].example.keys()


UNCONFIRMED = {"thinkpo-pairs"}  # until somebody sees the dataset card


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_schema_names_the_public_place_it_was_read_from(name):
    empty = not ADAPTERS[name].schema_source
    assert empty == (name in UNCONFIRMED), f"{name}: name the public page in schema_source, or add it to UNCONFIRMED"


@pytest.mark.parametrize(
    ("dataset", "config", "split", "adapter"),
    [
        ("bespokelabs/Bespoke-Stratos-17k", None, "train", "bespoke-stratos"),
        ("open-thoughts/OpenThoughts-114k", None, "train", "openthoughts"),
        ("open-thoughts/OpenThoughts-114k", "metadata", "train", "openthoughts-metadata"),
        ("open-r1/OpenThoughts-114k-math", None, "train", "openthoughts"),
        ("open-r1/OpenR1-Math-220k", "default", "train", "openr1-math"),
        ("simplescaling/s1K-1.1", None, "train", "s1k"),
        ("GAIR/LIMO", None, "train", "limo"),
        ("zwhe99/DeepMath-103K", None, "train", "deepmath"),
        ("qihoo360/Light-R1-DPOData", None, "train", "light-r1-dpo"),
        ("AI-MO/NuminaMath-CoT", None, "train", "numina"),
        ("VanWang/Bespoke_dpo_filter", None, "train", "thinkpo-pairs"),
        ("openai/gsm8k", "main", "train", "gsm8k"),
        ("HuggingFaceH4/MATH-500", None, "test", "math"),
    ],
)
def test_auto_recognises_each_schema_and_accounts_for_every_row(tmp_path, dataset, config, split, adapter):
    collection, _ = read(tmp_path, SourceConfig(dataset=dataset, config=config, split=split))
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert summary.adapter == adapter
    assert summary.problems > 0 and summary.given_samples > 0
    assert summary.rows == sum(len(p.rows) for p in collection.problems) + len(collection.drops)


def test_bespoke_stratos_takes_the_teachers_answer_and_says_so(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="bespokelabs/Bespoke-Stratos-17k"))
    assert [(p.answer, p.gold) for p in collection.problems] == [
        ("56", "teacher"), ("7", "teacher"), ("\\frac{5}{6}", "teacher"),
    ]  # fmt: skip
    assert samples["What is one half plus one third?"][0].thought == "6 as a denominator."  # markers in capitals
    assert drops(collection) == [("4", "not_math"), ("5", "not_math"), ("6", "no_answer"), ("7", "no_messages")]


def test_bespoke_stratos_with_gold_joined_from_numina(tmp_path):
    write_standin("AI-MO/NuminaMath-CoT", tmp_path)
    spec = SourceConfig(dataset="bespokelabs/Bespoke-Stratos-17k", gold_from=GoldJoin(dataset="AI-MO/NuminaMath-CoT"))
    collection, _ = read(tmp_path, spec)
    assert [(p.answer, p.gold) for p in collection.problems][:2] == [("56", "joined"), ("7", "teacher")]
    assert collection.problems[0].meta == {"teacher_answer": "56"}
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert (summary.gold, summary.gold_counts) == ("joined", {"joined": 1, "teacher": 2})


def test_the_teachers_answer_can_be_refused(tmp_path):
    collection, _ = read(tmp_path, SourceConfig(dataset="bespokelabs/Bespoke-Stratos-17k", teacher_gold="drop"))
    assert collection.problems == []
    assert ("1", "teacher_gold") in drops(collection)


def test_a_join_on_a_missing_column_says_what_there_is(tmp_path):
    write_standin("AI-MO/NuminaMath-CoT", tmp_path)
    spec = SourceConfig(
        dataset="bespokelabs/Bespoke-Stratos-17k", gold_from=GoldJoin(dataset="AI-MO/NuminaMath-CoT", answer="gold")
    )
    with pytest.raises(SourceError, match="no column 'gold' among messages, problem"):
        read(tmp_path, spec)


def test_human_solutions_meet_the_long_ones_of_another_source(tmp_path):
    """The short-CoT study: NuminaMath's solutions as the rejected side, for the problems Bespoke-Stratos has."""
    collection, samples = read(
        tmp_path,
        SourceConfig(dataset="bespokelabs/Bespoke-Stratos-17k"),
        SourceConfig(dataset="AI-MO/NuminaMath-CoT", only_known=True),
    )
    problem = collection.problems[0]
    assert (problem.answer, problem.gold) == ("56", "dataset")  # the stronger gold wins
    assert [(s.draw, s.side, s.model) for s in samples[problem.question]] == [
        (0, "any", "deepseek-ai/DeepSeek-R1"),
        (1, "rejected", "human"),
    ]


def test_only_known_drops_what_no_source_before_has(tmp_path):
    collection, _ = read(
        tmp_path, SourceConfig(dataset="GAIR/LIMO"), SourceConfig(dataset="AI-MO/NuminaMath-CoT", only_known=True)
    )
    assert drops(collection) == [("1", "not_in_other_sources"), ("2", "no_answer")]


def test_openthoughts_metadata_knows_gold_and_domain(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="open-thoughts/OpenThoughts-114k", config="metadata"))
    assert [(p.answer, p.gold) for p in collection.problems] == [("5", "dataset"), ("6", "teacher")]
    assert samples["Add 2 and 3."][0].text == "<think>\n2+3 is 5.\n</think>\n\n\\boxed{5}"
    assert drops(collection) == [("3", "not_math"), ("4", "no_solution")]


def test_openthoughts_math_has_human_gold(tmp_path):
    collection, _ = read(tmp_path, SourceConfig(dataset="open-r1/OpenThoughts-114k-math"))
    assert [(p.question, p.answer, p.gold) for p in collection.problems] == [("Halve 10.", "5", "dataset")]


def test_openr1_keeps_every_generation_and_marks_the_cut_ones(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="open-r1/OpenR1-Math-220k", config="default"))
    assert [(s.draw, s.side, s.finish_reason) for s in samples["What is 12 + 30?"]] == [
        (0, "any", "given"), (1, "any", "given"), (2, "any", "length"), (3, "rejected", "given"),
    ]  # fmt: skip
    assert samples["Twice 8?"][0].finish_reason == "length"  # its finish_reasons say so; there is no human solution
    assert drops(collection) == [("2", "no_answer")]  # a proof
    assert collection.problems[0].meta["correctness_math_verify"] == [True, False, False]


def test_s1k_has_two_teachers_and_gold_of_three_kinds(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="simplescaling/s1K-1.1"))
    assert [(p.answer, p.gold) for p in collection.problems] == [("25", "dataset"), ("2", "teacher")]
    assert [s.thought for s in samples["What is 5 squared?"]] == ["5*5... 25", "25 it is"]
    assert drops(collection) == [("3", "not_math")]


def test_limo_is_taken_by_auto_only_when_its_solutions_are_long(tmp_path):
    (tmp_path / "short.jsonl").write_text('{"question": "1+1?", "solution": "It is 2.", "answer": 2}\n')
    with pytest.raises(SourceError) as error:
        read(tmp_path, SourceConfig(dataset="short.jsonl"))
    assert "short" in error.value.hint and "adapter: limo" in error.value.hint
    collection, _ = read(tmp_path, SourceConfig(dataset="short.jsonl", adapter="limo"))
    assert collection.problems[0].answer == "2"


def test_deepmath_reads_solutions_with_and_without_the_opening_tag(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="zwhe99/DeepMath-103K"))
    assert [s.thought for s in samples[collection.problems[0].question]] == ["It tends to 0.", "0"]
    assert collection.problems[0].meta == {"difficulty": 5.0, "topic": "Calculus"}
    assert drops(collection) == [("2", "no_solution")]


def test_ready_made_pairs_keep_their_sides(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="qihoo360/Light-R1-DPOData"))
    assert [(s.side, s.answer_text) for s in samples["What is 9+9?"]] == [
        ("chosen", "\\boxed{18}"),
        ("rejected", "\\boxed{19}"),
    ]
    assert (collection.problems[0].answer, collection.problems[0].gold) == ("18", "teacher")


def test_the_papers_pairs_say_that_their_schema_is_not_confirmed(tmp_path):
    collection, samples = read(tmp_path, SourceConfig(dataset="VanWang/Bespoke_dpo_filter"))
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert "could not be confirmed" in summary.notes[0]
    assert [s.side for s in samples["What is 6+6?"]] == ["chosen", "rejected"]


def test_an_unknown_adapter_or_schema_gets_a_way_out(tmp_path):
    (tmp_path / "odd.jsonl").write_text('{"foo": 1, "bar": "x"}\n')
    with pytest.raises(SourceError) as error:
        read(tmp_path, SourceConfig(dataset="odd.jsonl"))
    assert "foo, bar" in error.value.message and "adapter: columns" in error.value.hint
    with pytest.raises(SourceError, match="did you mean 'openr1-math'"):
        read(tmp_path, SourceConfig(dataset="odd.jsonl", adapter="openr1math"))


def test_a_folder_that_is_no_dataset_is_a_clear_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="cannot read"):
        read(tmp_path, SourceConfig(dataset="empty", adapter="limo"))


def test_a_dataset_with_several_configs_asks_for_one(tmp_path):
    write_standin("openai/gsm8k", tmp_path)
    collection, _ = read(tmp_path, SourceConfig(dataset="openai/gsm8k", config="main"))
    assert len(collection.problems) == 2
    with pytest.raises(SourceError, match="sub"):
        read(tmp_path, SourceConfig(dataset="openai/gsm8k", config="sub"))


def test_one_dataset_may_be_listed_twice(tmp_path):
    spec = SourceConfig(dataset="GAIR/LIMO")
    collection, samples = read(tmp_path, spec, spec)
    first, second = collection.summaries(collection.problems, collection.drops)
    assert (first.source, second.source) == ("GAIR/LIMO", "GAIR/LIMO#2")
    assert (first.given_samples, second.given_samples) == (2, 0)  # the same texts are taken once
    assert collection.problems[0].rows == ("GAIR/LIMO:1", "GAIR/LIMO#2:1")
    assert all(len(found) == 1 for found in samples.values())


def test_gpqa_asks_for_a_letter_in_an_order_that_never_changes():
    row = {
        "Question": "Which is prime?",
        "Correct Answer": "7",
        **{f"Incorrect Answer {i}": str(2 * i + 2) for i in (1, 2, 3)},
    }
    entry = ADAPTERS["gpqa"].read(row)
    assert f"{entry.answer}) 7" in entry.question
    assert entry == ADAPTERS["gpqa"].read(row)


def test_olympiadbench_has_a_list_of_answers_or_a_proof():
    assert ADAPTERS["olympiadbench"].read({"question": "x?", "final_answer": ["$3$", "4"]}).answer == "3, 4"
    with pytest.raises(RowDrop, match="no_answer"):
        ADAPTERS["olympiadbench"].read({"question": "Show x.", "final_answer": None})
