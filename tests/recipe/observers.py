"""What a recipe does, as plain values that a test can compare: each observer goes as far as an engine, a server, a
dataset or a trainer would be asked, and looks at what it is asked."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import huggingface_hub.constants  # noqa: F401  (reads HF_HUB_OFFLINE, which the tests set, when it is first imported)
import pytest
import yaml

from pairforge import lengths, pipeline
from pairforge.errors import PairforgeError
from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import sampling, second_opinion
from pairforge.pipeline.check import check
from pairforge.pipeline.recipe_settings import evidence_settings
from pairforge.recipe import Recipe, dump_recipe, parse_recipe, train_arguments
from pairforge.records import Problem, Sample, Verdict, problem_id, to_row
from pairforge.run import Run
from pairforge.verifier import Verifier
from tests.generator.openai_server import OpenAIServer

LONG = "<think>\nLet me see. {a} and {b} make {c}. I check it once more: {c}.\n</think>\n\nSo it is \\boxed{{{c}}}."
QUESTIONS = (
    "Anna has {a} red and {b} green marbles in her bag, how many has she?",
    "A farmer sold {a} geese on Monday and {b} on Friday; how many were sold in that week?",
    "In a library {a} shelves are new while {b} remain old. Count all of these shelves together.",
    "Two boats carry {a} and {b} people over the wide river. What is their total number?",
    "Tom reads {a} pages before lunch, then {b} pages at night: how much did he read today?",
    "Our baker made {a} small loaves besides {b} large ones; find the sum of both.",
)
KEEPS = (
    "{% if brief %}<brief> {% endif %}{% for m in messages %}<{{ m.role }}> {{ m.content }} <eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)
CUTS = (
    "{% for m in messages %}<{{ m.role }}> {% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] }}"
    "{% else %}{{ m.content }}{% endif %} <eos>\n{% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"
)


class Asked(PairforgeError):
    """Raised in place of what would be started; `what` is what it was started with."""

    def __init__(self, what: object) -> None:
        super().__init__("asked")
        self.what = what


class World:
    """Files for a recipe, and the recipe of a test: `make("generator.draws.max=3")`."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch, self.runs = folder, patch, 0
        self.students = {name: save_tokenizer(folder / name, text) for name, text in (("keeps", KEEPS), ("cuts", CUTS))}
        rows = []
        for n in range(6):
            numbers = {"a": n + 1, "b": 10 + n, "c": 11 + 2 * n}
            question = QUESTIONS[n].format(**numbers)
            long = LONG.format(**numbers)
            rows.append(
                {
                    "question": question,
                    "answer": str(numbers["c"]),
                    "long": long,
                    "short": "\\boxed{1}",
                    "other": long + " Yes.",
                }
            )
        self.write("problems.jsonl", rows)
        again = (
            "<think>\nSo the answer is {answer}. Wait, again. So the answer is {answer}. Hmm, fine.\n</think>\n\nYes: "
        )
        thoughts = [{**row, "long": f"{again.format(**row)}\\boxed{{{row['answer']}}}"} for row in rows]
        self.write("thoughts.jsonl", thoughts)
        self.write("more.jsonl", [{**row, "question": f"{row['question']} Say it."} for row in rows])
        twice = {**rows[0], "question": rows[0]["question"].replace("?", " now, please?")}
        self.write("twice.jsonl", [*rows, twice])
        self.write(
            "limo.jsonl", [{"question": r["question"], "answer": r["answer"], "solution": r["long"]} for r in rows]
        )
        self.write(
            "teacher.jsonl", [{"prompt": r["question"], "chosen": r["long"], "rejected": "\\boxed{1}"} for r in rows]
        )
        gold = {"problem": "question", "solution": "answer", "asked": "long", "solved": "short"}
        self.write("gold.jsonl", [{name: row[column] for name, column in gold.items()} for row in rows])
        self.write(
            "gold2.jsonl", [{"problem": r["question"], "solution": "\\boxed{77}", "asked": r["question"]} for r in rows]
        )
        part, other_numbers = rows[1]["question"].split(";")[0], re.sub(r"\d+", "99", rows[2]["question"])
        self.write("seen.jsonl", [{"question": text} for text in (rows[0]["question"], part, other_numbers)])

        self.write_run("other-run", rows)
        self.write("unlabelled.jsonl", [{"question": row["question"], "long": self.split(row["long"])} for row in rows])

    @staticmethod
    def split(solution: str) -> list[str]:
        """Two solutions that agree and one that does not."""
        return [solution, f"{solution} Yes.", "No, it is \\boxed{77}."]

    def write_run(self, name: str, rows: list[dict[str, Any]]) -> None:
        """A run that has sampled a solution for every row."""
        run = Run(self.folder / name)
        run.write_recipe("sources: []")
        run.update_manifest(pairforge="test")
        problems = [Problem(problem_id(row["question"]), row["question"], row["answer"], name) for row in rows]
        with run.given_writer() as add:
            add(
                [
                    Sample(p.id, 0, "given", row["long"], None, row["long"], "")
                    for p, row in zip(problems, rows, strict=True)
                ]
            )
        with run.sample_log() as log:
            for problem in problems:
                log.append(to_row(Sample(problem.id, 0, "sampled", "\\boxed{1}", None, "", "m", max_tokens=9)))
        run.write_sources(problems, [])

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        (self.folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def make(self, *overrides: str) -> Recipe:
        text = f"""
sources: [{{dataset: {self.folder}/problems.jsonl, adapter: columns, columns: {{long: long}}}}]
generator: {{engine: {{model: {self.students["keeps"]}, max_model_len: 256}}, sampling: {{max_tokens: 64}}}}
decontaminate: {{near_duplicates: null}}
filter: {{tokenizer: {self.students["keeps"]}}}
"""
        return parse_recipe(text, [override.replace("FOLDER", str(self.folder)) for override in overrides])

    def path(self) -> Path:
        self.runs += 1
        return self.folder / f"run{self.runs}"


def save_tokenizer(folder: Path, template: str) -> Path:
    """A word-level tokenizer with a chat template, as a model's folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", unk_token="<unk>")
    fast.chat_template = template
    fast.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "gpt2", "n_positions": 512}')
    return folder


def catch(start: Any) -> object:
    """What something would have been started with, or the error that refused it."""
    try:
        start()
    except Asked as asked:
        return asked.what
    except PairforgeError as error:
        return error.message
    raise AssertionError("nothing was started")


# --- sources -------------------------------------------------------------------------------------------------------


def evidence(world: World, recipe: Recipe) -> object:
    """The problems, given solutions and drops that the sources give."""
    run = pipeline.prepare(recipe, world.path()).run
    problems = run.problem_table(["question", "answer", "gold"]).rows()
    given = sorted((sample.text, sample.model, sample.side) for sample in run.given())
    return problems, given, sorted(drop.reason for drop in run.source_drops())


def derived(world: World, recipe: Recipe) -> object:
    """The texts of the derived solutions of a run."""
    _, session = sampled(world, recipe)
    pipeline.derive(session)
    return sorted(sample.text for sample in session.run.each_sample() if sample.origin in recipe.derive)


def hub_reads(world: World, recipe: Recipe) -> object:
    """Which dataset, config, split and revision the Hub is asked for."""
    asked: list[object] = []

    def hub_revision(dataset: str, revision: str | None) -> tuple[str, str]:
        asked.append((dataset, revision))
        return str(revision), ""

    def read_dataset(path: str, config: str | None, split: str, revision: str | None) -> Any:
        asked.append((path, config, split, revision))
        file = world.folder / f"{path.removeprefix('org/')}.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        return enumerate(rows, start=1)

    world.patch.setattr("pairforge.sources.rows.hub_revision", hub_revision)
    world.patch.setattr("pairforge.sources.rows.read_dataset", read_dataset)
    pipeline.prepare(recipe, world.path())
    return asked


# --- engines -------------------------------------------------------------------------------------------------------


def vllm_arguments(world: World, recipe: Recipe) -> object:
    """The `EngineArgs` that vLLM's engine is made from."""
    stop_before_vllm(world)
    return catch(lambda: sampling.open_engine(recipe.sampling_block(), Run(world.path())))


def stop_before_vllm(world: World) -> None:
    from vllm.v1.engine.llm_engine import LLMEngine

    def from_engine_args(args: Any, **_: object) -> None:
        raise Asked({field.name: repr(getattr(args, field.name)) for field in dataclasses.fields(args)})

    world.patch.setattr(LLMEngine, "from_engine_args", from_engine_args)


def ray_cluster(world: World, recipe: Recipe) -> object:
    """The cluster that is joined, the actors that are asked for, and the `EngineArgs` in each of them."""
    stop_before_vllm(world)
    cluster = FakeRay()
    world.patch.setattr("pairforge.generator.engines.ray.require", lambda *_, **__: cluster)
    try:
        sampling.open_engine(recipe.sampling_block(), Run(world.path()))
    except PairforgeError as error:
        return error.message
    return cluster.joined, cluster.options, len(cluster.starts), catch(cluster.starts[0])


class FakeRay:
    """As much of ray as an engine needs to start its replicas."""

    def __init__(self) -> None:
        self.joined: object = None
        self.options: object = None
        self.starts: list[Any] = []
        self.exceptions = type("exceptions", (), {"RayError": RuntimeError})

    def is_initialized(self) -> bool:
        return False

    def init(self, **settings: object) -> None:
        self.joined = settings

    def cluster_resources(self) -> dict[str, int]:
        return {"GPU": 8}

    def remote(self, **options: object) -> Any:
        self.options = options
        cluster = self

        class Actor:
            @staticmethod
            def remote(start: Any) -> Any:
                cluster.starts.append(start)
                return type("Replica", (), {"window": type("Call", (), {"remote": staticmethod(lambda: 1)})})

        return lambda _: Actor

    def get(self, references: Any) -> Any:
        return references


def server_request(world: World, recipe: Recipe) -> object:
    """What a server is sent, with which key and patience, and how many requests at a time."""
    world.patch.setenv("PAIRFORGE_API_KEY", "usual")
    world.patch.setenv("OTHER_KEY", "other")
    with OpenAIServer(lambda body, attempt: "yes", model="served") as server:
        engine = recipe.sampling_block().engine
        urls = [server.url] * len(engine.base_urls)
        live = parse_recipe(dump_recipe(recipe), [f"generator.engine.base_urls={json.dumps(urls)}"])
        try:
            with sampling.open_engine(live.sampling_block(), Run(world.path())) as client:
                client.submit(Request("k", "p", 0, "prompt", 16, 7, ("stop",), ({"role": "user", "content": "ask"},)))
                while client.in_flight:
                    client.poll(0.05)
                sockets = [one.client for one in client._servers]
                patience = [(one.timeout, one.max_retries) for one in sockets]
                return server.requests, sorted(server.keys), client.window, patience
        except PairforgeError as error:
            return error.message.replace(server.url, "URL")


def sampling_parameters(world: World, recipe: Recipe) -> object:
    """vLLM's `SamplingParams` of a request, and the body that a server gets for the same recipe."""
    from pairforge.generator.engines.vllm import VllmEngine

    shared: dict[str, Any] = {}

    def start(model: str, **settings: Any) -> None:
        shared.update(settings["sampling"])
        raise Asked(None)

    world.patch.setattr("pairforge.generator.engines.start.VllmEngine", start)
    catch(lambda: sampling.open_engine(recipe.sampling_block(), Run(world.path())))
    running = type("Running", (), {"get_tokenizer": lambda self: None})()
    scheduler = type("Scheduler", (), {"max_num_seqs": 1})
    running.vllm_config = type("Config", (), {"scheduler_config": scheduler})
    params = VllmEngine.around(running, sampling=shared)._params(Request("k", "p", 0, "", 16, 7))
    served = parse_recipe(dump_recipe(recipe), SERVER)
    return repr(params), server_request(world, served)


SERVER = ["generator.engine.kind=server", "generator.engine.model=served", "generator.engine.base_urls=['x']"]


def sampler(world: World, recipe: Recipe) -> object:
    """The sampler's tokenizer and context, as budgets need them, and what its samples are known by."""
    asked: list[object] = []

    def context_tokens(model: str, revision: str | None, trust_remote_code: bool) -> int:
        asked.append((model, revision, trust_remote_code))
        return 300

    def load_tokenizer(name: str, revision: str | None = None) -> Any:
        asked.append((name, revision))
        return real(name)

    real = lengths.load_tokenizer
    world.patch.setattr("pairforge.pipeline.sampler.context_tokens", context_tokens)
    world.patch.setattr(lengths, "load_tokenizer", load_tokenizer)
    report = check(recipe)
    world.patch.setattr(lengths, "load_tokenizer", real)
    return asked, [item.detail for item in report.checks if item.name == "context"], evidence_settings(recipe)


def engine_class(world: World, recipe: Recipe) -> object:
    """Which engine is started."""

    def starter(name: str) -> Any:
        def start(*_: object, **__: object) -> None:
            raise Asked(name)

        return start

    for name in ("VllmEngine", "ServerEngine", "RayEngine"):
        world.patch.setattr(f"pairforge.generator.engines.start.{name}", starter(name))
    return catch(lambda: sampling.open_engine(recipe.sampling_block(), Run(world.path())))


# --- prompts, draws and budgets ------------------------------------------------------------------------------------


def requests(world: World, recipe: Recipe) -> object:
    """Every request that a whole run sends: prompt, messages, budget, seed, stops."""
    engines, _ = sampled(world, recipe)
    return sorted(repr(request) for engine in engines for request in engine.requests)


def majorities(world: World, recipe: Recipe) -> object:
    """The answers that problems without ground truth get."""
    _, session = sampled(world, recipe)
    return session.run.majorities().select("answer", "agreeing").rows()


def samples(world: World, recipe: Recipe) -> object:
    """What the samples of a whole run are known by."""
    _, session = sampled(world, recipe)
    return sorted({sample.model for sample in session.run.sampled()})


def sampled(world: World, recipe: Recipe) -> tuple[list[ScriptedEngine], pipeline.Session]:
    """The scripted engines of a whole run, and its session."""
    engines: list[ScriptedEngine] = []

    def answer(request: Request) -> Completion:
        numbers = [int(word) for word in request.prompt.split() if word.isdigit()]
        right = request.draw == 1 and numbers[0] != 1  # the first draw is wrong, and one problem is never solved
        ended = "stop" if request.max_tokens > 3 else "length"
        return Completion(request.key, f"\\boxed{{{sum(numbers) if right else 0}}}", 3, ended)

    def open_engine(*_: object) -> ScriptedEngine:
        engines.append(ScriptedEngine(answer))
        return engines[-1]

    world.patch.setattr(sampling, "open_engine", open_engine)
    session = pipeline.prepare(recipe, world.path())
    pipeline.sample(session)
    return engines, session


def pairs(world: World, recipe: Recipe) -> object:
    """The columns and the texts of the pairs that the sources' own solutions make."""
    session = pipeline.prepare(recipe, world.path())
    pipeline.verify(session)
    pipeline.make_view(session, "default")
    import polars as pl

    table = pl.read_parquet(session.run.view("default") / "pairs.parquet")
    return table.columns, table.select("prompt", "chosen", "rejected").rows()


def exported(world: World, recipe: Recipe, name: str) -> object:
    """The rows of an export of a whole run."""
    from pairforge.pipeline.exporting import export_view

    _, session = sampled(world, recipe)
    pipeline.verify(session)
    pipeline.make_view(session, "default")
    try:
        return (export_view(session.run, "default", name).folder / "train.jsonl").read_text()
    except PairforgeError as error:
        return error.message


def labels(world: World, recipe: Recipe) -> object:
    """The labeled solutions that an export for KTO holds."""
    return exported(world, recipe, "kto")


def solutions(world: World, recipe: Recipe) -> object:
    """The solutions that an export for SFT holds."""
    return exported(world, recipe, "sft")


def problems(world: World, recipe: Recipe) -> object:
    """The problems that an export for RLVR holds."""
    return exported(world, recipe, "rlvr")


def student(world: World, recipe: Recipe) -> object:
    """The student's tokenizer that is loaded, and what `check` says of its template and switches."""
    asked: list[object] = []
    real = lengths.load_tokenizer

    def load_tokenizer(name: str, revision: str | None = None) -> Any:
        asked.append((name, revision))
        return real(name)

    world.patch.setattr(lengths, "load_tokenizer", load_tokenizer)
    report = check(recipe)
    world.patch.setattr(lengths, "load_tokenizer", real)
    return asked, [item.detail for item in report.checks if item.name in ("student template", "student switches")]


# --- verifying, publishing, training -------------------------------------------------------------------------------


def verifier(world: World, recipe: Recipe) -> object:
    """What the verifier is started with."""

    def start(self: Verifier, **settings: Any) -> None:
        raise Asked({name: value for name, value in settings.items() if name != "cache"})

    session = pipeline.prepare(recipe, world.path())
    world.patch.setattr(Verifier, "__init__", start)
    return catch(lambda: pipeline.verify(session))


def answer_rules(world: World, recipe: Recipe) -> object:
    """By which rules the answers of each problem are checked."""
    truth = pipeline.prepare(recipe, world.path()).truth
    return {problem: truth.rules(problem) for problem in truth.problems}


def judge(world: World, recipe: Recipe) -> object:
    """What the judge of undecided answers is asked, and what its opinion is worth."""
    block = recipe.verifier.judge
    assert block is not None
    session = pipeline.prepare(recipe, world.path())
    sample = next(iter(session.run.each_sample()))
    asked = second_opinion.request(block, session, sample, "?")
    said = Completion(sample.key, "VERDICT: correct", 3, "stop")
    return (
        second_opinion.engine_config(block),
        asked,
        second_opinion.opinion(Verdict(sample.key, "error", "", "", "", "1"), said, block),
    )


def publication(world: World, recipe: Recipe) -> object:
    """What `pairforge push` would stage, and where it would go."""
    from pairforge.cli.publish import push_command

    staged: list[object] = []

    def push(contents: object, target: Any, **_: object) -> None:
        raise Asked((staged, target.repo, target.private))

    world.patch.setattr(
        "pairforge.hub.contents.stage", lambda run, configs, name, **how: staged.append((name, how["license"]))
    )
    world.patch.setattr("pairforge.hub.push.push", push)
    run = Run(world.path())
    run.write_recipe(dump_recipe(recipe))
    return catch(lambda: push_command(str(run.path)))


def training(world: World, recipe: Recipe) -> object:
    """The arguments of the trainer."""
    from pairforge.train import resolve

    return resolve(train_arguments(parse_recipe(yaml.safe_dump(recipe.model_dump(mode="json"))).train)).to_json()
