"""Prompts that an endpoint always fails at cost their own attempts: it is not rested for them, and all others pass."""

import asyncio
from typing import Any

import pytest

from hipo_data.engines.base import Completion, EngineDeadError, EngineError
from hipo_data.engines.openai import OpenAIEndpoint
from tests.engines.faults import ALWAYS, FAULTS, FaultyServer
from tests.engines.misbehaving import Endpoint, Reply, fails, good
from tests.engines.openai_engines import Starts, request
from tests.support.virtual_time import VirtualTime

ROLLOUTS = 8
ATTEMPTS = 6


def prompt(body: dict[str, Any]) -> str:
    text: str = body["messages"][-1]["content"]
    return text


async def ask(engine: OpenAIEndpoint, questions: list[str]) -> dict[str, list[Completion | BaseException]]:
    """All rollouts of all questions at once."""
    asked = [engine.generate(request(question)) for question in questions for _ in range(ROLLOUTS)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    return {question: found[i * ROLLOUTS : (i + 1) * ROLLOUTS] for i, question in enumerate(questions)}


@pytest.mark.parametrize("width", [2, 64])
@pytest.mark.parametrize("kind", ALWAYS)
async def test_three_of_nine_questions_fail_and_the_others_do_not_wait(
    endpoint: Endpoint, start: Starts, clock: VirtualTime, kind: str, width: int
) -> None:
    endpoint.choose = lambda body: ALWAYS[kind] if prompt(body) in "036" else good()
    engine = await start(max_attempts=ATTEMPTS, max_in_flight=width)
    found = await ask(engine, [str(number) for number in range(9)])
    for question, results in found.items():
        for result in results:
            if question in "036":
                assert isinstance(result, EngineError) and not result.permanent, result
            else:
                assert isinstance(result, Completion)
    spent = sum(prompt(body) in "036" for body in endpoint.bodies)
    # The attempts of one request and one of each other rollout; before anything has passed, at most one more of each.
    assert spent <= 3 * (ATTEMPTS + 2 * ROLLOUTS)
    assert len(endpoint.bodies) - spent <= 6 * ROLLOUTS + 3  # and a trial where five came in a row


async def test_nothing_but_prompts_that_fail_ends_as_failures_and_not_as_a_dead_engine(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    """What a second run asks for: only what failed in the first."""
    endpoint.choose = lambda body: good() if prompt(body) == "Say yes." else ALWAYS["an error object"]
    engine = await start(max_attempts=ATTEMPTS, max_in_flight=8, give_up_after_s=60)
    found = await ask(engine, [str(number) for number in range(20)])
    assert all(isinstance(result, EngineError) for results in found.values() for result in results)
    assert "illegal memory access" in str(found["3"][0])
    assert len(endpoint.bodies) < 20 * (ATTEMPTS + 2 * ROLLOUTS)


async def test_a_server_that_fails_at_everything_is_dead_all_the_same(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    endpoint.choose = lambda body: fails(500)
    engine = await start(max_attempts=ATTEMPTS, give_up_after_s=60)
    found = await ask(engine, ["1", "2", "3"])
    assert all(isinstance(result, EngineDeadError) for results in found.values() for result in results)


async def test_a_server_that_is_down_for_a_while_fails_nothing(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    engine = await start(max_attempts=ATTEMPTS, max_in_flight=16, give_up_after_s=1000)
    await ask(engine, ["1", "2"])
    back = clock.now + 500
    endpoint.choose = lambda body: good() if clock.now > back else fails(500)
    found = await ask(engine, [str(number) for number in range(20)])
    assert all(isinstance(result, Completion) for results in found.values() for result in results)


async def test_pause_for_a_prompt_that_always_fails_stops_no_other(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    """It would cost a minute for each of its attempts."""
    later = fails(503, headers={"Retry-After": "60"})
    endpoint.choose = lambda body: later if prompt(body) == "bad" else good()
    engine = await start(max_attempts=ATTEMPTS, max_in_flight=4)
    bad = asyncio.create_task(engine.generate(request("bad")))
    while not bad.done():
        await engine.generate(request("good"))
        await asyncio.sleep(0)
    assert isinstance(bad.exception(), EngineError)
    assert clock.now < 60 + 2 * 60  # the first pause, and its own back-off


async def test_one_fault_of_each_kind_and_two_prompts_that_always_fail(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    """A soak test in small: every fault costs one more request, and nothing else differs from the undisturbed run."""
    questions = [str(number) for number in range(len(FAULTS) + 1)]
    faults: dict[str, Reply] = dict(zip(questions[1:], FAULTS.values(), strict=True))
    always = {"a": ALWAYS["an error object"], "b": ALWAYS["dropped"]}

    def choose(body: dict[str, Any]) -> Reply:
        text = prompt(body)
        return always.get(text) or faults.pop(text, None) or good(f"answer to {text}")

    endpoint.choose = choose
    engine = await start(max_attempts=ATTEMPTS, max_in_flight=3)
    found = await ask(engine, [*questions, *always])
    assert not faults
    for question in questions:
        assert [getattr(result, "text", result) for result in found[question]] == [f"answer to {question}"] * ROLLOUTS
    for question in always:
        assert all(isinstance(result, EngineError) for result in found[question])
    served = sum(prompt(body) in questions for body in endpoint.bodies)
    assert served == len(questions) * ROLLOUTS + len(FAULTS)


async def test_faults_at_random_come_the_same_way_each_time() -> None:
    bodies = [{"messages": [{"content": str(i)}], "seed": seed} for i in range(50) for seed in range(8)]
    made = []
    for _ in range(2):
        server = FaultyServer(lambda body: good(), share=0.02)
        for body in bodies:
            server(body)
        made.append(server.made)
    assert made[0] == made[1] and len(made[0]) == len(FAULTS) + 1


async def test_a_request_that_waits_for_its_next_attempt_leaves_its_slot_to_another(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    """Else prompts that always fail would take up all slots, asleep."""
    engine = await start(max_attempts=3, max_in_flight=1)
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await wake.wait()

    async def ask_in_slot(text: str) -> Completion:
        async with engine.slot():
            return await engine.generate(request(text))

    endpoint.replies = [fails(500)] * 2
    clock.sleep = sleep  # type: ignore[method-assign]
    first, cancelled = (asyncio.create_task(ask_in_slot(text)) for text in ("1", "2"))
    await asleep.wait()
    assert (await asyncio.wait_for(ask_in_slot("3"), 60)).text == "4"
    cancelled.cancel()
    wake.set()
    assert (await first).text == "4"
    endpoint.replies = [fails(500)]
    assert (await ask_in_slot("4")).text == "4"
    async with engine.slot():  # there is one as before
        assert engine.slot().locked()  # type: ignore[attr-defined]
