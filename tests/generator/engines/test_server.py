"""The server engine against servers that behave, and against every way they misbehave."""

import threading
import time

import pytest

from pairforge.errors import EngineError
from pairforge.generator import Plan, Request, open_engine, sample
from pairforge.generator.config import SamplingConfig, ServerEngineConfig
from tests.generator.conftest import EqualTextVerifier, MemoryStore, tasks
from tests.generator.openai_server import Hang, OpenAIServer, Reply, Reset

CHAT = {"messages": ({"role": "user", "content": "2+2?"},)}


def engine(*servers: OpenAIServer, **settings):
    urls = [server.url for server in servers]
    sampling = {"temperature": 0.7, "top_p": 0.9, "top_k": -1, "min_p": 0.0}
    config = ServerEngineConfig(**{"kind": "server", "model": "nano", "base_urls": urls, "retries": 2, **settings})
    return open_engine(config, sampling=sampling)


def ask(*servers: OpenAIServer, count: int = 1, max_tokens: int = 100, **settings):
    """Send some requests, return their completions by key."""
    with engine(*servers, **settings) as client:
        for n in range(count):
            client.submit(Request(f"k{n}", "p", n, f"prompt {n}", max_tokens, seed=n, **CHAT))
        return drain(client)


def drain(client) -> dict:
    found = {}
    while client.in_flight:
        found |= {c.key: c for c in client.poll(0.05)}
    return found


def yes(body, attempt) -> str:
    return "yes"


@pytest.mark.parametrize(("api", "sent"), [("chat", "messages"), ("completions", "prompt")])
def test_ids_budgets_and_seeds_go_out_and_come_back(api: str, sent: str):
    with OpenAIServer(lambda body, attempt: "abcdef"[: 4 + body["seed"]]) as server:
        found = ask(server, count=3, max_tokens=5, api=api)
    assert [(c.text, c.finish_reason, c.sampled_tokens) for _, c in sorted(found.items())] == [
        ("abcd", "stop", 4), ("abcde", "stop", 5), ("abcde", "length", 5)
    ]  # fmt: skip
    assert sorted(body["seed"] for body in server.requests) == [0, 1, 2]
    assert all(sent in body and body["max_tokens"] == 5 and body["temperature"] == 0.7 for body in server.requests)
    assert all(body["top_k"] == -1 for body in server.requests), "vLLM would take the model's own top_k instead"


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_server_that_renders_the_prompt_gets_the_template_switches(api: str):
    config = ServerEngineConfig(kind="server", model="nano", base_urls=["x"], api=api)
    with OpenAIServer(yes) as server:
        there = config.model_copy(update={"base_urls": [server.url]})
        with open_engine(there, sampling={}, template_kwargs={"enable_thinking": False}) as client:
            client.submit(Request("k", "p", 0, "prompt", 10, seed=0, **CHAT))
            drain(client)
    sent = server.requests[0].get("chat_template_kwargs")
    assert sent == ({"enable_thinking": False} if api == "chat" else None)  # in the other the prompt is rendered here


def test_vllms_names_are_sent_as_extra_fields_and_what_is_not_set_is_not_sent():
    own = {"repetition_penalty": 1.1, "presence_penalty": 0.5, "stop_token_ids": [7], "bad_words": ["wait"]}
    own |= {"logit_bias": {5: -1.5}, "skip_special_tokens": False}
    with OpenAIServer(yes) as server:
        config = ServerEngineConfig(kind="server", model="nano", base_urls=[server.url])
        for sampling in (SamplingConfig(**own), SamplingConfig()):
            with open_engine(config, sampling=sampling.for_all_requests()) as client:
                client.submit(Request("k", "p", 0, "prompt", 10, seed=0, **CHAT))
                drain(client)
    given, default = server.requests
    assert {name: given[name] for name in own} == {**own, "logit_bias": {"5": -1.5}}
    assert not own.keys() & default.keys()


def test_a_server_that_refuses_a_name_stops_the_run_with_its_words(store: MemoryStore):
    def refuse(body, attempt):
        raise Reply(400, '{"error": {"message": "Unrecognized request argument supplied: bad_words"}}')

    with OpenAIServer(refuse) as server:
        config = ServerEngineConfig(kind="server", model="nano", base_urls=[server.url])
        with (
            open_engine(config, sampling={"bad_words": ["wait"]}) as client,
            pytest.raises(EngineError, match="Unrecognized request argument supplied: bad_words"),
        ):
            sample(Plan(tasks(30), run_seed=0), client, EqualTextVerifier(), store, model="nano")
    assert store.samples == []


def test_many_requests_are_in_flight_and_never_more_than_the_window(store: MemoryStore):
    with OpenAIServer(yes, delay_s=0.4) as server, engine(server, max_num_seqs=12) as client:
        sample(Plan(tasks(36), run_seed=0), client, EqualTextVerifier(), store, model="nano")
    assert len(store.samples) == 36
    assert server.most_in_flight == 12


def test_two_servers_share_the_work():
    with OpenAIServer(yes, delay_s=0.02) as a, OpenAIServer(yes, delay_s=0.02) as b:
        ask(a, b, count=40)
    assert min(len(a.requests), len(b.requests)) >= 15


@pytest.mark.parametrize("failure", [Reply(429), Reply(500), Reply(503), Reset()], ids=["429", "500", "503", "reset"])
def test_a_passing_failure_is_tried_again(failure: Exception):
    def once(body, attempt: int) -> str:
        if attempt == 0:
            raise failure
        return "yes"

    with OpenAIServer(once) as server:
        assert ask(server)["k0"].text == "yes"
    assert len(server.requests) == 2


def test_retry_after_is_honoured():
    times = []

    def busy(body, attempt: int) -> str:
        times.append(time.monotonic())
        if attempt == 0:
            raise Reply(429, headers={"Retry-After": "2"})
        return "yes"

    with OpenAIServer(busy) as server:
        ask(server)
    assert times[1] - times[0] >= 1.9


def test_a_frozen_request_times_out_and_fails_alone():
    def freeze_one(body, attempt: int) -> str:
        if body["seed"] == 1:
            raise Hang
        return "yes"

    with OpenAIServer(freeze_one) as server:
        found = ask(server, count=4, timeout_s=0.3, retries=1)
    assert {k: c.finish_reason for k, c in found.items()} == {"k0": "stop", "k1": "error", "k2": "stop", "k3": "stop"}
    assert "timed out" in found["k1"].error


@pytest.mark.parametrize(
    ("poison", "words"),
    [
        (Reply(400, '{"error": {"message": "prompt too long"}}'), "prompt too long"),
        (Reply(500, '{"error": {"message": "poisoned"}}'), "poisoned"),
        (Reset(), "onnection"),
        (Reply(200, "this is not JSON"), ""),
        (Reply(200, "{}"), ""),
        (Reply(200, '{"choices": []}'), ""),
    ],
    ids=["400", "500", "reset", "not JSON", "empty", "no choices"],
)
def test_one_poisoned_request_fails_alone(poison: Exception, words: str):
    def script(body, attempt: int) -> str:
        if body["seed"] == 1:
            raise poison
        return "yes"

    with OpenAIServer(script) as server:
        found = ask(server, count=4, retries=1)
    assert found["k1"].finish_reason == "error"
    assert words in found["k1"].error
    assert found["k1"].error
    assert all(found[k].text == "yes" for k in ("k0", "k2", "k3"))


def test_when_one_of_two_servers_dies_the_other_takes_over(store: MemoryStore):
    with (
        OpenAIServer(yes) as a,
        OpenAIServer(yes, delay_s=0.01) as b,
        engine(a, b, max_num_seqs=8, retries=0) as client,
    ):

        def watch(progress) -> None:
            if progress.samples > 10:
                a.close()

        sample(Plan(tasks(60), run_seed=0), client, EqualTextVerifier(), store, model="nano", on_progress=watch)
    assert len({s.key for s in store.samples}) == 60
    assert all(s.finish_reason == "stop" for s in store.samples)


def test_when_the_last_server_dies_it_is_named_and_everything_finished_is_kept(store: MemoryStore):
    with OpenAIServer(yes) as server, engine(server, max_num_seqs=4, retries=0) as client:

        def watch(progress) -> None:
            if progress.samples > 10:
                server.close()

        with pytest.raises(EngineError, match=server.url) as caught:
            sample(Plan(tasks(60), run_seed=0), client, EqualTextVerifier(), store, model="nano", on_progress=watch)
    assert "onnection" in str(caught.value)
    assert 10 < len(store.samples) < 60
    assert all(s.finish_reason == "stop" for s in store.samples)


def test_a_server_that_freezes_as_a_whole_ends_the_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pairforge.generator.engines.server.HEALTH_TIMEOUT_S", 0.3)

    def freeze(body, attempt: int) -> str:
        server.healthy = False
        raise Hang

    with OpenAIServer(freeze) as server, pytest.raises(EngineError, match="all servers failed"):
        ask(server, timeout_s=0.3, retries=0)


def test_no_server_and_a_wrong_model_are_told_at_the_start():
    with (
        OpenAIServer(yes, model="other") as server,
        pytest.raises(EngineError, match="does not serve 'nano'") as caught,
    ):
        engine(server)
    assert "it serves: other" in str(caught.value)
    with pytest.raises(EngineError, match="no server answers at"):
        engine(server)  # it is closed by now
    with pytest.raises(EngineError, match="no address"):
        engine()


def test_the_key_comes_from_the_environment_and_never_reaches_a_record(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAIRFORGE_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")

    def echo(body, attempt: int) -> str:
        raise Reply(400, '{"error": {"message": "bad key sk-secret"}}')

    with OpenAIServer(echo) as server:
        found = ask(server)
    assert server.keys == {"Bearer sk-secret"}
    assert "bad key ***" in found["k0"].error
    assert "sk-secret" not in found["k0"].error


def test_a_key_that_is_refused_on_the_way_ends_the_run():
    def refuse(body, attempt: int) -> str:
        raise Reply(401, '{"error": {"message": "key expired"}}')

    with OpenAIServer(refuse) as server, pytest.raises(EngineError, match="key expired"):
        ask(server)


def test_a_key_that_is_refused_at_the_start_names_the_variable_it_came_from():
    with OpenAIServer(yes) as server:
        server.refuses_keys = True
        with pytest.raises(EngineError, match=r"refuses the key: .*invalid key") as caught:
            engine(server, api_key_env="MY_CLOUD_KEY")
    assert caught.value.hint == "set the environment variable MY_CLOUD_KEY"


def test_a_thought_that_the_server_took_out_goes_back_in_front():
    from types import SimpleNamespace

    from pairforge.generator.engines.server import message_text

    assert (
        message_text(SimpleNamespace(content="4", reasoning_content="two and two"))
        == "<think>\ntwo and two\n</think>\n\n4"
    )
    assert message_text(SimpleNamespace(content="4", reasoning_content=None)) == "4"


def test_closing_gives_up_what_is_in_flight():
    arrived, released = threading.Event(), threading.Event()

    def think(body, attempt: int) -> str:
        arrived.set()
        released.wait(300)
        return "too late"

    with OpenAIServer(think) as server:
        client = engine(server)
        client.submit(Request("k", "p", 0, "x", 5, 0, **CHAT))
        assert arrived.wait(60)
        client.close()
        client.close()
        assert server.in_flight == 1, "close waited for the answer"
        released.set()
    assert client.in_flight == 0
