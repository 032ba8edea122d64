"""Several endpoints or keys as one engine, and how much each of them is given."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hipo_data.engines.base import EngineDeadError, EngineError
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.schemas.config import OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError
from tests.engines.openai_engines import Starts, request
from tests.support.limited_endpoint import LimitedEndpoint, limited_endpoint
from tests.support.virtual_time import VirtualTime


@pytest.fixture
async def pair() -> AsyncIterator[list[LimitedEndpoint]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(limited_endpoint()) for _ in range(2)]


def endpoints(servers: list[LimitedEndpoint], **changes: Any) -> list[dict[str, Any]]:
    return [{"base_url": server.url, **changes} for server in servers]


async def ask(engine: OpenAIEndpoint, count: int) -> None:
    await asyncio.gather(*(engine.generate(request(str(number))) for number in range(count)))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


# Concurrency


async def test_engine_finds_the_concurrency_that_an_endpoint_takes(start: Starts) -> None:
    """256 at once against a server that takes 20: all are served, and most of what is sent is not refused."""
    async with limited_endpoint(capacity=20, takes_s=0.002) as server:
        engine = await start(base_url=server.url, max_in_flight=256, max_attempts=20)
        await ask(engine, 1500)
        assert server.served == 1500
        assert server.most_busy == 20
        assert server.refused < 900


async def test_window_grows_again_once_the_endpoint_takes_more(start: Starts) -> None:
    async with limited_endpoint(capacity=2, takes_s=0.001) as server:
        engine = await start(base_url=server.url, max_in_flight=16, max_attempts=20)
        await ask(engine, 50)
        server.capacity = 1000
        await ask(engine, 250)
        server.gate = asyncio.Event()
        asked = asyncio.create_task(ask(engine, 16))
        await until(lambda: server.busy == 16)
        server.gate.set()
        await asked


@pytest.mark.parametrize("status", [429, 503, 529])
async def test_overload_shrinks_the_window(start: Starts, clock: VirtualTime, status: int) -> None:
    async with limited_endpoint(status=status) as server:
        engine = await start(base_url=server.url, max_in_flight=32, max_attempts=1)
        asked = asyncio.gather(*(engine.generate(request(str(n))) for n in range(32)), return_exceptions=True)
        await until(lambda: server.refused == 32)
        assert all(isinstance(found, EngineError) for found in await asked)
        server.status, server.gate = 200, asyncio.Event()
        more = [asyncio.create_task(engine.generate(request(str(n)))) for n in range(32)]
        await until(lambda: server.busy > 0)
        await asyncio.sleep(0.05)
        assert server.busy <= 16
        server.gate.set()
        await asyncio.gather(*more)


@pytest.mark.parametrize("status", [400, 500])
async def test_other_failures_do_not(start: Starts, status: int) -> None:
    async with limited_endpoint(status=status) as server:
        engine = await start(base_url=server.url, max_in_flight=4, max_attempts=1)
        await asyncio.gather(*(engine.generate(request(str(n))) for n in range(4)), return_exceptions=True)
        server.status, server.gate = 200, asyncio.Event()
        more = [asyncio.create_task(engine.generate(request(str(n)))) for n in range(4)]
        await until(lambda: server.busy == 4)
        server.gate.set()
        await asyncio.gather(*more)


async def test_no_more_are_in_flight_than_the_config_allows(start: Starts, pair: list[LimitedEndpoint]) -> None:
    pair[0].takes_s = pair[1].takes_s = 0.002
    engine = await start(endpoints=endpoints(pair), max_in_flight=6)
    most = 0

    def count() -> None:
        nonlocal most
        most = max(most, pair[0].busy + pair[1].busy)

    pair[0].on_request = pair[1].on_request = count
    await ask(engine, 100)
    assert most <= 6 and pair[0].served + pair[1].served == 100


# Which endpoint


async def test_endpoints_share_the_work(start: Starts, pair: list[LimitedEndpoint]) -> None:
    pair[0].gate = pair[1].gate = asyncio.Event()
    engine = await start(endpoints=endpoints(pair))
    asked = asyncio.create_task(ask(engine, 40))
    await until(lambda: pair[0].busy + pair[1].busy == 40)
    assert pair[0].busy == pair[1].busy == 20
    pair[0].gate.set()
    await asked


async def test_weights_share_it_unevenly(start: Starts, pair: list[LimitedEndpoint]) -> None:
    pair[0].gate = pair[1].gate = asyncio.Event()
    engine = await start(endpoints=[{"base_url": pair[0].url, "weight": 3}, {"base_url": pair[1].url}])
    asked = asyncio.create_task(ask(engine, 40))
    await until(lambda: pair[0].busy + pair[1].busy == 40)
    assert (pair[0].busy, pair[1].busy) == (30, 10)
    pair[0].gate.set()
    await asked


async def test_an_endpoint_s_own_bound_holds(start: Starts, pair: list[LimitedEndpoint]) -> None:
    pair[0].gate = pair[1].gate = asyncio.Event()
    engine = await start(endpoints=[{"base_url": pair[0].url, "max_in_flight": 3}, {"base_url": pair[1].url}])
    asked = asyncio.create_task(ask(engine, 40))
    await until(lambda: pair[0].busy + pair[1].busy == 40)
    assert pair[0].busy == 3
    pair[0].gate.set()
    await asked


async def test_several_keys_of_one_address(start: Starts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", "a")
    monkeypatch.setenv("KEY_B", "b")
    async with limited_endpoint() as server:
        keys = [{"api_key_env": "KEY_A"}, {"api_key_env": "KEY_B"}]
        await ask(await start(base_url=server.url, endpoints=keys), 20)
        assert server.keys == {"a", "b"}


async def test_endpoint_may_have_a_name_of_its_own_for_the_model(start: Starts, pair: list[LimitedEndpoint]) -> None:
    pair[1].listed = ["org/teacher-fp8"]
    own = [{"base_url": pair[0].url}, {"base_url": pair[1].url, "model": "org/teacher-fp8"}]
    await ask(await start(endpoints=own), 20)
    assert (set(pair[0].models), set(pair[1].models)) == ({"teacher"}, {"org/teacher-fp8"})


# Failing endpoints


async def test_request_that_fails_goes_to_another_endpoint(start: Starts, pair: list[LimitedEndpoint]) -> None:
    engine = await start(endpoints=endpoints(pair), max_attempts=2)
    pair[0].status = 500
    await ask(engine, 40)
    assert pair[1].served == 40


async def test_pause_of_one_endpoint_does_not_stop_the_other(
    start: Starts, pair: list[LimitedEndpoint], clock: VirtualTime
) -> None:
    engine = await start(endpoints=endpoints(pair))
    pair[0].status, pair[0].refusal_headers = 429, {"Retry-After": "3000"}
    await ask(engine, 40)
    assert pair[1].served == 40 and clock.now == 0


async def test_failing_endpoint_is_rested_and_comes_back(
    start: Starts, pair: list[LimitedEndpoint], clock: VirtualTime
) -> None:
    engine = await start(endpoints=endpoints(pair), max_in_flight=2)
    pair[0].status = 500
    await ask(engine, 100)
    assert pair[0].refused < 10
    pair[0].status = 200
    await clock.sleep(60)
    await ask(engine, 100)
    assert pair[0].served > 40


async def test_key_without_money_is_retired_and_the_others_go_on(
    start: Starts, pair: list[LimitedEndpoint], caplog: pytest.LogCaptureFixture
) -> None:
    engine = await start(endpoints=endpoints(pair), max_in_flight=1)
    pair[0].status = 402
    await ask(engine, 20)
    assert (pair[0].refused, pair[1].served) == (1, 20)
    assert f"{pair[0].url} (key in OPENAI_API_KEY) answered 402" in caplog.text


async def test_engine_refuses_once_every_endpoint_has(start: Starts, pair: list[LimitedEndpoint]) -> None:
    engine = await start(endpoints=endpoints(pair))
    pair[0].status, pair[1].status = 401, 402
    with pytest.raises(EngineRefusedError, match=r"answered 401.*answered 402"):
        await engine.generate(request())


async def test_engine_is_dead_once_all_are_down_for_long(start: Starts, clock: VirtualTime) -> None:
    async with limited_endpoint() as one, limited_endpoint() as two:
        engine = await start(endpoints=endpoints([one, two]), give_up_after_s=500)
    with pytest.raises(EngineDeadError, match=rf"{one.url}.*{two.url}"):
        await engine.generate(request())
    assert clock.now >= 500


# Starting


async def test_endpoint_that_is_down_at_the_start_is_used_once_it_is_up(start: Starts, clock: VirtualTime) -> None:
    async with limited_endpoint() as up:
        async with limited_endpoint() as other:
            port = int(other.url.split(":")[2].removesuffix("/v1"))
        engine = await start(endpoints=endpoints([up, other]), max_in_flight=2)
        await ask(engine, 10)
        async with limited_endpoint(port=port) as back:
            await clock.sleep(60)
            await ask(engine, 20)
            assert back.served > 0


async def test_endpoint_that_fails_at_the_start_gets_nothing_until_it_has_rested(
    start: Starts, pair: list[LimitedEndpoint], clock: VirtualTime
) -> None:
    pair[1].models_status = 503
    engine = await start(endpoints=endpoints(pair))
    await ask(engine, 20)
    assert (pair[0].served, pair[1].served) == (20, 0)
    await clock.sleep(2)
    await ask(engine, 20)
    assert pair[1].served > 0


async def test_engine_does_not_start_where_all_are_down(start: Starts) -> None:
    async with limited_endpoint() as one, limited_endpoint() as two:
        servers = [one, two]
    with pytest.raises(EngineDeadError, match=rf"{servers[0].url}.*{servers[1].url}"):
        await start(endpoints=endpoints(servers))


async def test_engine_does_not_start_with_one_wrong_endpoint(start: Starts, pair: list[LimitedEndpoint]) -> None:
    """What is wrong at the start is a slip in the recipe, and half a pool would hide it."""
    pair[1].listed, pair[1].status = ["other"], 404
    with pytest.raises(EngineRefusedError, match=rf"{pair[1].url} .* does not serve 'teacher'; it serves other"):
        await start(endpoints=endpoints(pair))


async def test_key_that_an_endpoint_names_must_be_there(start: Starts, pair: list[LimitedEndpoint]) -> None:
    with pytest.raises(EngineRefusedError, match="NO_SUCH_KEY, which holds the key, is not set"):
        await start(endpoints=endpoints(pair, api_key_env="NO_SUCH_KEY"))


# Rate limits


async def test_requests_a_minute_are_kept(start: Starts, clock: VirtualTime) -> None:
    times: list[float] = []
    async with limited_endpoint(on_request=lambda: times.append(clock.now)) as server:
        engine = await start(base_url=server.url, requests_per_minute=60)
        await ask(engine, 180)
    assert all(sum(first <= time < first + 60 for time in times) <= 62 for first in times)
    assert times[-1] < 190


async def test_replicas_share_the_limit(start: Starts, clock: VirtualTime) -> None:
    async with limited_endpoint() as server:
        await ask(await start(base_url=server.url, requests_per_minute=60, replicas=2), 61)
    assert 118 <= clock.now <= 122


async def test_each_endpoint_has_the_limit_of_its_own(
    start: Starts, clock: VirtualTime, pair: list[LimitedEndpoint]
) -> None:
    limits = [{"base_url": pair[0].url, "requests_per_minute": 120}, {"base_url": pair[1].url}]
    await ask(await start(endpoints=limits, requests_per_minute=60), 300)
    assert 95 <= clock.now <= 102
    assert 190 <= pair[0].served <= 210


async def test_tokens_are_reserved_and_corrected_by_usage(start: Starts, clock: VirtualTime) -> None:
    """100 requests of 600 tokens at 6,000 a minute take ten minutes, whatever was reserved for them."""
    usage = {"prompt_tokens": 400, "completion_tokens": 200, "total_tokens": 600}
    async with limited_endpoint(usage=usage) as server:
        engine = await start(base_url=server.url, tokens_per_minute=6000)
        await ask(engine, 101)
    assert clock.now == pytest.approx(600, rel=0.02)


async def test_tokens_in_flight_are_reserved(start: Starts, clock: VirtualTime) -> None:
    """Before any usage is known, the token limits of the requests count: 32 tokens each and a short prompt."""
    async with limited_endpoint(gate=asyncio.Event()) as server:
        engine = await start(base_url=server.url, tokens_per_minute=320)
        asked = asyncio.create_task(ask(engine, 5))
        await until(lambda: server.busy == 5)
        assert 4 * 6 <= clock.now <= 4 * 12
        assert server.gate is not None
        server.gate.set()
        await asked


def test_batch_mode_has_one_endpoint() -> None:
    config = {"type": "openai", "model": "m", "batch": True, "endpoints": [{}, {}]}
    with pytest.raises(ValueError, match="batch mode uses one endpoint"):
        OpenAIEngine.model_validate(config)
