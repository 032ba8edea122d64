"""The batch API: every request answered once, paid for once, and taken up by the next driver where one dies."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.base import Completion, EngineDeadError, EngineError
from hipo_data.engines.create import create_engine
from hipo_data.engines.openai_batch import OpenAIBatches
from hipo_data.schemas.config import OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError
from tests.engines.odd_replies import ODD, reply
from tests.engines.openai_engines import KEY, everything_said, request
from tests.support.batch_endpoint import BatchEndpoint, Line, batch_endpoint, expired, failed, served
from tests.support.virtual_time import VirtualTime

StartsBatches = Callable[..., Awaitable[OpenAIBatches]]


@pytest.fixture
async def server() -> AsyncIterator[BatchEndpoint]:
    async with batch_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def start(server: BatchEndpoint, clock: VirtualTime, key: str, tmp_path: Path) -> AsyncIterator[StartsBatches]:
    """Starts an engine on the server; all of a test share one folder. Further arguments are config fields."""
    made = []

    async def starts(**config: Any) -> OpenAIBatches:
        base = {"type": "openai", "model": "teacher", "base_url": server.url, "batch": True, "max_attempts": 3}
        engine = OpenAIBatches(OpenAIEngine.model_validate(base | config), tmp_path / "state", clock)
        made.append(engine)
        await engine.start()
        return engine

    yield starts
    for engine in made:
        await engine.close()


async def ask(engine: OpenAIBatches, *questions: str) -> list[Completion]:
    return await asyncio.gather(*(engine.generate(request(question)) for question in questions))


def asking(engine: OpenAIBatches, *questions: str) -> "asyncio.Task[list[Completion]]":
    return asyncio.create_task(ask(engine, *questions))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def lines(server: BatchEndpoint) -> list[list[Line]]:
    """The requests of each batch, the oldest first."""
    files = [server.files[batch["input_file_id"]] for batch in reversed(server.batches.values())]
    return [[json.loads(line) for line in file.splitlines()] for file in files]


# Collecting and sending


async def test_requests_go_out_in_one_batch_and_each_gets_its_own_response(
    server: BatchEndpoint, start: StartsBatches
) -> None:
    questions = [f"{number} + 2" for number in range(50)]
    found = await ask(await start(), *questions)
    assert [completion.text for completion in found] == [f"{question} = 4" for question in questions]
    assert (found[0].prompt_tokens, found[0].completion_tokens) == (7, 3)
    assert len(server.batches) == 1 and server.keys == {KEY}


async def test_request_is_the_same_as_without_batches(server: BatchEndpoint, start: StartsBatches) -> None:
    engine = await start(extra_body={"top_k": 20})
    await engine.generate(request("δ ≥ 0.15? 数", chat_template_kwargs={"thinking": True}))
    ((line,),) = lines(server)
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert line["body"] == {
        "model": "teacher",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "δ ≥ 0.15? 数"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 2**31 - 1,
        "top_k": 20,
        "chat_template_kwargs": {"thinking": True},
        "max_tokens": 32,
    }
    (batch,) = server.batches.values()
    assert (batch["completion_window"], batch["endpoint"]) == ("24h", "/v1/chat/completions")


async def test_query_of_the_address_goes_with_every_request(server: BatchEndpoint, start: StartsBatches) -> None:
    await ask(await start(base_url=f"{server.url}?api-version=2026-01-01"), "2+2")
    assert set(server.queries) == {"2026-01-01"} and len(server.queries) >= 5


async def test_batch_is_sent_when_it_is_full(server: BatchEndpoint, start: StartsBatches) -> None:
    await ask(await start(batch={"max_requests": 4, "collect_s": 1e6}), *map(str, range(12)))
    assert [len(batch) for batch in lines(server)] == [4, 4, 4]


async def test_batch_is_sent_when_its_file_is_large_enough(server: BatchEndpoint, start: StartsBatches) -> None:
    await ask(await start(batch={"max_file_mb": 0.001, "collect_s": 1e6}), *(f"{n} {'x' * 600}" for n in range(6)))
    assert [len(batch) for batch in lines(server)] == [2, 2, 2]


async def test_waits_are_those_of_the_config(server: BatchEndpoint, start: StartsBatches, clock: VirtualTime) -> None:
    server.polls = 5
    await ask(await start(batch={"poll_s": 40, "collect_s": 10}), "2+2")
    assert clock.sleeps == [10, 40, 40, 40, 40, 40]


async def test_equal_requests_share_a_response(server: BatchEndpoint, start: StartsBatches) -> None:
    first, second = await ask(await start(), "2+2", "2+2")
    assert first == second and server.worked_on == {"2+2": 1}


async def test_lone_surrogate_fails_its_request_only(start: StartsBatches) -> None:
    engine = await start()
    bad, good = await asyncio.gather(
        engine.generate(request("a\ud800b")), engine.generate(request("2+2")), return_exceptions=True
    )
    assert isinstance(bad, EngineError) and bad.permanent
    assert isinstance(good, Completion)


# Starting again


async def test_batch_in_flight_is_taken_up_and_not_paid_for_twice(server: BatchEndpoint, start: StartsBatches) -> None:
    server.polls = 10**9
    first = await start()
    waiting = asking(first, "1", "2", "3")
    await until(lambda: any(batch["status"] == "in_progress" for batch in server.batches.values()))
    waiting.cancel()
    await first.close()
    server.polls = 1
    found = await ask(await start(), "1", "2", "3", "4")
    assert [completion.text for completion in found] == ["1 = 4", "2 = 4", "3 = 4", "4 = 4"]
    assert [len(batch) for batch in lines(server)] == [3, 1]


async def test_driver_that_dies_before_it_learns_the_batch_s_id_finds_it(
    server: BatchEndpoint, start: StartsBatches, tmp_path: Path
) -> None:
    server.polls = 10**9
    first = await start()
    waiting = asking(first, "1", "2")
    await until(lambda: any(batch["status"] == "in_progress" for batch in server.batches.values()))
    waiting.cancel()
    await first.close()
    (path,) = (tmp_path / "state").glob("*.batch.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"batch_id": None}))
    for number in range(5):  # others' batches, so that there is more than one page to look through
        server.batches = {f"other_{number}": {"id": f"other_{number}", "metadata": None}, **server.batches}
    server.polls = 1
    await ask(await start(), "1", "2")
    assert [name for name in server.batches if not name.startswith("other")] == ["batch_2"]
    assert server.worked_on == {"1": 1, "2": 1}


async def test_batch_that_was_never_created_is_sent(
    server: BatchEndpoint, start: StartsBatches, tmp_path: Path
) -> None:
    server.replies["batches"] = [503] * 20
    with pytest.raises(EngineDeadError, match="503"):
        await ask(await start(), "1")
    server.replies.clear()
    assert len(list((tmp_path / "state").glob("*.batch.json"))) == 1
    await ask(await start(), "1")
    assert server.worked_on == {"1": 1}
    assert len(list((tmp_path / "state").glob("*.batch.json"))) == 1


async def test_lost_answer_to_a_creation_creates_no_second_batch(server: BatchEndpoint, start: StartsBatches) -> None:
    server.cut_after_creating = 1
    await ask(await start(), "1", "2")
    assert len(server.batches) == 1 and server.worked_on == {"1": 1, "2": 1}


async def test_responses_of_an_earlier_run_need_no_endpoint_any_more(
    server: BatchEndpoint, start: StartsBatches
) -> None:
    await ask(await start(), "1", "2")
    server.batches.clear()
    server.files.clear()
    assert (await ask(await start(), "2"))[0].text == "2 = 4"


async def test_batch_that_the_endpoint_has_forgotten_is_sent_again(
    server: BatchEndpoint, start: StartsBatches, caplog: pytest.LogCaptureFixture
) -> None:
    server.polls = 10**9
    first = await start()
    waiting = asking(first, "1")
    await until(lambda: any(batch["status"] == "in_progress" for batch in server.batches.values()))
    waiting.cancel()
    await first.close()
    server.batches.clear()
    server.polls = 1
    assert (await ask(await start(), "1"))[0].text == "1 = 4"
    assert "is gone, so its requests go out again" in caplog.text


async def test_other_seed_or_limit_is_another_request(server: BatchEndpoint, start: StartsBatches) -> None:
    engine = await start()
    await ask(engine, "1")
    await engine.generate(request("1", extra={"top_k": 3}))
    assert server.worked_on == {"1": 2}


# Failures


async def test_only_what_failed_for_now_is_sent_again(server: BatchEndpoint, start: StartsBatches) -> None:
    bad = {"2": [failed(500, "busy"), expired], "3": [expired]}

    def answers(line: Line) -> Line | None:
        planned = bad.get(line["body"]["messages"][-1]["content"])
        return planned.pop(0)(line) if planned else served(line)

    server.answers = answers
    found = await ask(await start(), "1", "2", "3")
    assert [completion.text for completion in found] == ["1 = 4", "2 = 4", "3 = 4"]
    sizes = sorted(len(batch) for batch in lines(server))
    assert server.worked_on["1"] == 1 and sizes in ([1, 2, 3], [1, 1, 1, 3])


async def test_request_without_a_result_is_sent_again(server: BatchEndpoint, start: StartsBatches) -> None:
    dropped = ["2"]

    def answers(line: Line) -> Line | None:
        question = line["body"]["messages"][-1]["content"]
        if question in dropped:
            dropped.remove(question)
            return None
        return served(line)

    server.answers, server.status = answers, "expired"
    assert len(await ask(await start(), "1", "2")) == 2
    assert server.worked_on == {"1": 1, "2": 1}


async def test_request_that_fails_in_every_batch_is_an_error_worth_another_try(
    server: BatchEndpoint, start: StartsBatches
) -> None:
    server.answers = failed(500, f"busy {KEY}")
    with pytest.raises(EngineError, match=r"answered 500: busy \*\*\*") as caught:
        await ask(await start(), "1")
    assert not caught.value.permanent and len(server.batches) == 3
    assert KEY not in everything_said(caught.value)
    server.answers = served
    assert (await ask(await start(), "1"))[0].text == "1 = 4"


ODD_LINES: dict[str, tuple[Line, str]] = {
    "odd reply": ({"response": {"status_code": 200, "body": ODD["content, a number"][0]}}, "content is 7."),
    "odd count": ({"response": {"status_code": 200, "body": ODD["prompt_tokens '9'"][0]}}, "prompt_tokens is '9'."),
    "status, a list": ({"response": {"status_code": [], "body": {}}}, "response.status_code is []."),
    "response, a text": ({"response": "4"}, "response is '4'."),
    "neither response nor error": ({"response": None}, "no response and no error"),
    "error, a number": ({"response": None, "error": 7}, "7"),
    "deep": ({"response": {"body": json.loads("[" * 200 + "]" * 200)}}, "1 of its lines cannot be read"),
    "long": ({"response": {"body": "x" * 200_000}}, "1 of its lines cannot be read"),
    "empty": ({"response": {"status_code": 200, "body": reply(content=None)}}, "holds nothing"),
}


@pytest.mark.parametrize("name", ODD_LINES)
async def test_odd_line_fails_its_own_request_and_no_other(
    server: BatchEndpoint, start: StartsBatches, name: str
) -> None:
    odd, said = ODD_LINES[name]
    server.answers = lambda line: odd if line["body"]["messages"][-1]["content"] == "odd" else served(line)
    engine = await start(max_reply_mb=0.1)
    failing, passing = await asyncio.gather(ask(engine, "odd"), ask(engine, "1", "2"), return_exceptions=True)
    assert isinstance(passing, list) and [found.text for found in passing] == ["1 = 4", "2 = 4"]
    assert isinstance(failing, EngineError) and said in str(failing) and len(str(failing)) < 1200
    asked = [line["body"]["messages"][-1]["content"] for batch in lines(server) for line in batch]
    assert asked.count("odd") == (2 if name == "empty" else 3) and failing.empty == (name == "empty")


async def test_results_without_an_end_are_read_no_further_than_they_may_be(
    server: BatchEndpoint, start: StartsBatches, tmp_path: Path
) -> None:
    server.answers = lambda line: {"response": {"body": "x" * 5_000_000}} if len(server.batches) == 1 else served(line)
    engine = await start(max_reply_mb=0.1)
    assert (await ask(engine, "1"))[0].text == "1 = 4"
    sizes = sorted(path.stat().st_size for path in (tmp_path / "state").glob("*.jsonl"))
    assert len(server.batches) == 2 and sizes[-1] == 200_000


async def test_request_that_can_never_succeed_is_sent_once(server: BatchEndpoint, start: StartsBatches) -> None:
    server.answers = failed(400, "maximum context length is 512 tokens", code="context_length_exceeded")
    with pytest.raises(EngineError, match="maximum context length") as caught:
        await ask(await start(), "1")
    assert caught.value.permanent and len(server.batches) == 1


async def test_refusal_stops_the_run_and_a_later_run_asks_again(server: BatchEndpoint, start: StartsBatches) -> None:
    server.answers = failed(429, "You exceeded your quota", code="insufficient_quota")
    with pytest.raises(EngineRefusedError, match="exceeded your quota"):
        await ask(await start(), "1")
    server.answers = served
    assert (await ask(await start(), "1"))[0].text == "1 = 4"


async def test_batch_that_fails_as_a_whole_refuses_and_is_not_remembered(
    server: BatchEndpoint, start: StartsBatches
) -> None:
    server.failures = [{"code": "model_not_found", "message": "no batches for teacher"}]
    with pytest.raises(EngineRefusedError, match="failed: no batches for teacher"):
        await ask(await start(), "1", "2")
    assert (await ask(await start(), "1"))[0].text == "1 = 4"


async def test_batch_waits_for_its_turn_where_the_queue_is_full(
    server: BatchEndpoint, start: StartsBatches, tmp_path: Path
) -> None:
    server.failures = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}] * 4
    assert len(await ask(await start(), "1", "2")) == 2
    assert server.worked_on == {"1": 1, "2": 1}
    assert len(server.batches) == 5 and len({batch["input_file_id"] for batch in server.batches.values()}) == 1
    assert len(list((tmp_path / "state").glob("*.batch.json"))) == 1


async def test_polls_outlast_an_outage(server: BatchEndpoint, start: StartsBatches) -> None:
    server.replies["batches/batch_2"] = [503, 500, 502, 429, 503]
    assert len(await ask(await start(give_up_after_s=1e6), "1")) == 1
    assert not server.replies["batches/batch_2"]


async def test_endpoint_that_is_silent_for_long_is_dead(server: BatchEndpoint, start: StartsBatches) -> None:
    server.replies["batches/batch_2"] = [503] * 100
    with pytest.raises(EngineDeadError, match="503"):
        await ask(await start(give_up_after_s=600), "1")
    assert 85 <= len(server.replies["batches/batch_2"]) <= 90


@pytest.mark.parametrize("path", ["files", "batches"])
async def test_endpoint_without_batches_refuses(server: BatchEndpoint, start: StartsBatches, path: str) -> None:
    server.replies[path] = [404]
    with pytest.raises(EngineRefusedError, match=r"404: planned; you sent Bearer \*\*\*$") as caught:
        await ask(await start(), "1")
    assert KEY not in everything_said(caught.value)


async def test_wrong_key_refuses_at_the_start(server: BatchEndpoint, start: StartsBatches) -> None:
    server.replies["models"] = [401]
    with pytest.raises(EngineRefusedError, match="401"):
        await start()


# The folder


async def test_folder_holds_no_key_and_no_prompt_that_is_done_with(start: StartsBatches, tmp_path: Path) -> None:
    await ask(await start(), "a prompt")
    kept = {path.name: path.read_text() for path in (tmp_path / "state").iterdir()}
    assert not any(KEY in text for text in kept.values())
    assert not any(name.endswith((".input.jsonl", ".partial")) for name in kept)


def test_batch_mode_is_made_with_a_folder(tmp_path: Path) -> None:
    config = OpenAIEngine.model_validate({"type": "openai", "model": "m", "batch": True})
    assert isinstance(create_engine(config, tmp_path), OpenAIBatches)
    with pytest.raises(ValueError, match="needs a folder"):
        create_engine(config)
