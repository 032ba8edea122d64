"""What is tried again, after which pause, and what never is: a try too many costs money, one too few a rollout."""

import asyncio
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import yarl

from hipo_data.engines.base import EngineDeadError, EngineError
from hipo_data.engines.retrying import REDIRECTED_TRIES
from hipo_data.schemas.errors import EngineRefusedError
from tests.engines.misbehaving import Endpoint, answer, cut, fails, good
from tests.engines.openai_engines import KEY, Starts, everything_said, request
from tests.support.limited_endpoint import limited_endpoint
from tests.support.virtual_time import START, VirtualTime

ELSEWHERE = answer("", 307, Location="https://elsewhere.example/v1/chat/completions")

# Pauses


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": formatdate(START + 20, usegmt=True)}, 20.0),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_pause_is_the_one_that_the_endpoint_asks_for(
    endpoint: Endpoint, start: Starts, clock: VirtualTime, headers: dict[str, str], seconds: float, status: int
) -> None:
    endpoint.replies = [fails(status, headers=headers)]
    assert (await (await start()).generate(request())).text == "4"
    assert clock.now == pytest.approx(seconds)


async def test_other_requests_wait_out_the_pause_as_well(endpoint: Endpoint, start: Starts, clock: VirtualTime) -> None:
    """Else a hundred requests would each spend an attempt on learning the same."""
    endpoint.replies = [fails(429, headers={"Retry-After": "30"})]
    engine = await start(max_in_flight=1)
    await asyncio.gather(*(engine.generate(request(str(number))) for number in range(5)))
    assert len(endpoint.bodies) == 6
    assert clock.now == pytest.approx(30)


async def test_pauses_without_a_header_grow_and_differ(endpoint: Endpoint, start: Starts, clock: VirtualTime) -> None:
    engine = await start(max_attempts=5)
    pauses = []
    for _ in range(20):
        endpoint.replies = [fails(500)] * 4
        clock.sleeps.clear()
        await engine.generate(request())
        pauses.append(clock.sleeps[:4])
    assert len({round(pause, 6) for four in pauses for pause in four}) > 70
    assert all(0 <= pause <= 0.5 * 2**tries for four in pauses for tries, pause in enumerate(four))
    assert max(four[3] for four in pauses) > 0.5


async def test_each_attempt_is_one_request(endpoint: Endpoint, start: Starts) -> None:
    """No layer below tries again by itself."""
    endpoint.replies = [fails(500), cut, fails(429), fails(503)]
    with pytest.raises(EngineError):
        await (await start(max_attempts=4)).generate(request())
    assert len(endpoint.bodies) == 4


async def test_failure_after_several_names_the_last(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [fails(500, "first"), fails(503, "second"), fails(500, "third")]
    with pytest.raises(EngineError, match=r"third$") as caught:
        await (await start()).generate(request())
    assert not caught.value.permanent


# What never succeeds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "This model's maximum context length is 512 tokens.", "code": "context_length_exceeded"}),
        (400, {"message": "max_tokens is too large", "code": None}),
        (413, {"message": "payload too large"}),
        (429, {"message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 41000"}),
        (500, {"message": "the request exceeds the available context size, try increasing it"}),
        (400, {"message": "The response was filtered", "code": "content_filter"}),
        (403, {"message": "Your input was flagged", "metadata": {"reasons": ["violence"], "flagged_input": "x"}}),
    ],
)
async def test_request_that_can_never_succeed_is_not_repeated(
    endpoint: Endpoint, start: Starts, status: int, error: dict[str, Any]
) -> None:
    endpoint.replies = [fails(status, **error)]
    engine = await start()
    with pytest.raises(EngineError) as caught:
        await engine.generate(request())
    assert caught.value.permanent and error["message"] in str(caught.value)
    assert len(endpoint.bodies) == 1
    assert (await engine.generate(request())).text == "4"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "teacher is not a valid model ID"}),
        (400, {"message": "unknown", "code": "model_not_found"}),
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}),
        (400, {"message": "billing", "code": "billing_hard_limit_reached"}),
        (400, {"message": "transformers allows no default, so you must provide a chat template"}),
        (500, {"message": "Cannot use chat template functions because tokenizer.chat_template is not set"}),
        (422, {"message": "Template error: template not found"}),
    ],
)
async def test_what_would_fail_every_request_refuses(
    endpoint: Endpoint, start: Starts, status: int, error: dict[str, Any]
) -> None:
    endpoint.replies = [fails(status, **error)] * 3
    with pytest.raises(EngineRefusedError, match=error["message"]):
        await (await start()).generate(request())
    assert len(endpoint.bodies) == 1


async def test_question_about_models_that_do_not_exist_refuses_nothing(endpoint: Endpoint, start: Starts) -> None:
    """A message that quotes the prompt may sound like a missing model."""
    endpoint.replies = [fails(400, "cannot tokenize 'such a model does not exist'")]
    with pytest.raises(EngineError) as caught:
        await (await start()).generate(request())
    assert caught.value.permanent


async def test_redirect_is_not_followed_with_the_key_but_explained(endpoint: Endpoint, start: Starts) -> None:
    engine = await start(max_attempts=6)
    endpoint.replies = [ELSEWHERE] * 9
    with pytest.raises(EngineRefusedError, match=r"redirects to https://elsewhere.example/v1.*set base_url"):
        await engine.generate(request())
    assert len(endpoint.bodies) == 5 + REDIRECTED_TRIES


async def test_redirects_of_trials_before_anything_was_served_are_no_wrong_address(
    endpoint: Endpoint, start: Starts
) -> None:
    """An engine that starts anew begins with what failed before, and a balancer may send a trial elsewhere, too."""
    engine = await start(max_attempts=12)
    endpoint.replies = [fails(500)] * 5 + [ELSEWHERE] * (REDIRECTED_TRIES - 1)
    assert (await engine.generate(request())).text == "4"


async def test_redirect_of_the_list_of_models_is_no_wrong_address(endpoint: Endpoint, start: Starts) -> None:
    times = 0

    def models(handler: BaseHTTPRequestHandler) -> None:
        nonlocal times
        times += 1
        (ELSEWHERE if times < REDIRECTED_TRIES else answer({"object": "list", "data": [{"id": "teacher"}]}))(handler)

    endpoint.models = models
    assert (await (await start()).generate(request())).text == "4"
    assert times == REDIRECTED_TRIES


async def test_list_of_models_that_is_always_elsewhere_is_explained(endpoint: Endpoint, start: Starts) -> None:
    endpoint.models = ELSEWHERE
    with pytest.raises(EngineRefusedError, match="set base_url"):
        await start()
    assert len(endpoint.paths) == REDIRECTED_TRIES


async def test_redirect_of_an_endpoint_that_serves_others_is_tried_again(endpoint: Endpoint, start: Starts) -> None:
    """A balancer that sends one request elsewhere says nothing of `base_url`."""
    engine = await start()
    endpoint.replies = [ELSEWHERE]
    assert (await engine.generate(request())).text == "4"
    assert len(endpoint.bodies) == 2


# Outages


async def test_endpoint_that_comes_back_in_time_costs_no_request(start: Starts, clock: VirtualTime) -> None:
    """Being unreachable is no attempt: a server that restarts for minutes must not turn rollouts into errors."""
    async with limited_endpoint() as first:
        engine = await start(base_url=first.url, max_attempts=2, give_up_after_s=1e9)
    waited = asyncio.create_task(engine.generate(request()))
    while clock.now < 100:
        await asyncio.sleep(0.001)
    async with limited_endpoint(port=yarl.URL(first.url).port):
        assert (await waited).text == "4"


async def test_endpoint_that_only_fails_is_rested_and_then_put_on_trial(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    endpoint.replies = [fails(500)] * 60  # more than can be under way when the rest begins
    engine = await start(max_in_flight=20, max_attempts=30, give_up_after_s=1e9)
    await asyncio.gather(*(engine.generate(request(str(number))) for number in range(20)))
    assert len(endpoint.bodies) == 81  # each asked again, and a trial passed
    assert clock.now >= 60 * 20  # of the 60, at least 20 were trials, nearly all after a minute of rest
    assert sum(body["messages"][-1]["content"] == "Say yes." for body in endpoint.bodies) > 20


async def test_one_that_fails_for_too_long_is_dead_and_not_a_pile_of_failed_rollouts(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    endpoint.replies = [fails(502, "bad gateway")] * 1000
    engine = await start(max_attempts=1000, give_up_after_s=100)
    with pytest.raises(EngineDeadError, match=r"502: bad gateway.*down for 1"):
        await engine.generate(request())
    assert 100 <= clock.now < 300


async def test_cancelled_request_leaves_room_for_the_next(endpoint: Endpoint, start: Starts) -> None:
    engine = await start(max_in_flight=1)
    endpoint.replies = [lambda handler: handler.rfile.read(1)]
    stuck = asyncio.create_task(engine.generate(request()))
    while not endpoint.bodies:
        await asyncio.sleep(0.001)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert (await engine.generate(request())).text == "4"


@pytest.mark.parametrize("reply", [fails(500, KEY), fails(400, KEY), answer({"error": {"message": KEY}}), cut])
async def test_key_that_a_reply_repeats_is_in_no_error(endpoint: Endpoint, start: Starts, reply: Any) -> None:
    endpoint.replies = [reply] * 3
    engine = await start()
    with pytest.raises(EngineError) as caught:
        await engine.generate(request())
    assert KEY not in everything_said(caught.value)
    assert KEY not in repr(engine) and KEY not in str(engine._config)


async def test_key_is_not_logged(endpoint: Endpoint, start: Starts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    endpoint.replies = [fails(429, KEY, headers={"Retry-After": "90"}), fails(401, KEY), good()]
    with pytest.raises(EngineRefusedError):
        await (await start()).generate(request())
    assert "asks for a pause of 90 s" in caplog.text and KEY not in caplog.text
