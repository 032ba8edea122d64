"""The OpenAI client against a real server that misbehaves: what is retried, what refused, what goes over the wire."""

import asyncio
import pickle
import re
from typing import Any

import pytest

from hipo_data.engines.base import EngineDeadError, EngineError, PromptRequest
from hipo_data.engines.openai import OpenAIEndpoint
from hipo_data.schemas.config import OpenAIEngine, SamplingConfig
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import FinishReason
from tests.engines.misbehaving import Endpoint, Reply, answer, cut, endless, fails, good, serve
from tests.engines.odd_replies import ODD
from tests.engines.openai_engines import KEY, Starts, everything_said, request
from tests.support.virtual_time import VirtualTime


@pytest.fixture(autouse=True)
def every_test_has_a_key(key: str) -> None:
    """Of its own, whatever the environment holds."""


# A response and the request for it


async def test_response_carries_text_counts_and_finish_reason(start: Starts) -> None:
    completion = await (await start()).generate(request())
    assert (completion.text, completion.finish_reason) == ("4", FinishReason.STOP)
    assert (completion.prompt_tokens, completion.completion_tokens) == (7, 3)
    assert completion.reasoning is None and completion.reasoning_tokens is None


async def test_what_goes_over_the_wire(endpoint: Endpoint, start: Starts) -> None:
    engine = await start(extra_body={"top_k": 20, "chat_template_kwargs": {"tools": False}})
    await engine.generate(request(chat_template_kwargs={"enable_thinking": False}, extra={"min_p": 0.1}))
    assert endpoint.bodies == [
        {
            "model": "teacher",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}],
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 32,
            "seed": 2**31 - 1,
            "top_k": 20,
            "min_p": 0.1,
            "chat_template_kwargs": {"tools": False, "enable_thinking": False},
        }
    ]
    assert endpoint.paths == ["/v1/models", "/v1/chat/completions"]
    assert endpoint.keys == [f"Bearer {KEY}"] * 2


async def test_prompt_of_tokens_is_completed_under_the_same_rules(
    endpoint: Endpoint, start: Starts, clock: VirtualTime
) -> None:
    engine = await start(extra_body={"top_k": 20})
    used = {"prompt_tokens": 3, "completion_tokens": 2}
    endpoint.replies = [
        fails(429, headers={"Retry-After": "7"}),
        answer({"model": "teacher", "choices": [{"finish_reason": "length", "text": " 4"}], "usage": used}),
    ]
    sampling = SamplingConfig(temperature=0.5, top_p=0.9, max_tokens=32, extra={"min_p": 0.1})
    found = await engine.complete(PromptRequest((5, 6, 7), sampling, seed=3))
    assert (found.text, found.finish_reason, found.completion_tokens) == (" 4", FinishReason.LENGTH, 2)
    assert clock.now == pytest.approx(7)
    assert endpoint.paths[1:] == ["/v1/completions"] * 2
    assert endpoint.bodies[-1] == {
        "model": "teacher",
        "prompt": [5, 6, 7],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 32,
        "seed": 3,
        "top_k": 20,
        "min_p": 0.1,
    }


@pytest.mark.parametrize(
    ("reply", "malformed"),
    [
        (fails(400, "unknown field min_p"), True),
        (fails(422, "extra inputs are not permitted"), True),
        (fails(400, "this model's maximum context length is 512 tokens"), False),
        (good(finish="content_filter"), False),
    ],
)
async def test_rejection_says_whether_it_is_for_how_requests_ask(
    endpoint: Endpoint, start: Starts, reply: Reply, malformed: bool
) -> None:
    endpoint.replies = [reply]
    with pytest.raises(EngineError) as caught:
        await (await start()).generate(request())
    assert caught.value.permanent and caught.value.malformed is malformed


async def test_no_key_is_sent_where_none_is_named(endpoint: Endpoint, start: Starts) -> None:
    await (await start(api_key_env=None)).generate(request())
    assert endpoint.keys == ["Bearer none"] * 2
    with pytest.raises(EngineRefusedError, match="takes no request without a key; set api_key_env"):
        await start(api_key_env=None, base_url=None)


@pytest.mark.parametrize("extra", [{"n": 8}, {"seed": 1}, {"stream": True}])
async def test_field_that_would_make_it_no_rollout_is_refused(
    endpoint: Endpoint, start: Starts, extra: dict[str, Any]
) -> None:
    """Eight choices share one usage, and one seed makes all rollouts of a problem the same."""
    (name,) = extra
    for engine, asked in ((await start(), extra), (await start(extra_body=extra), {})):
        with pytest.raises(EngineRefusedError, match=f"may not set '{name}' in sampling.extra or extra_body"):
            await engine.generate(request(extra=asked))
    assert endpoint.bodies == []
    await (await start()).generate(request(extra={"seed": None}))  # for endpoints that take no seed


async def test_prefix_is_sent_as_a_message_to_continue_and_is_part_of_the_text(
    endpoint: Endpoint, start: Starts
) -> None:
    endpoint.replies = [good(" so 4.")]
    completion = await (await start()).generate(request(response_prefix="<think>\nAdd:"))
    (body,) = endpoint.bodies
    assert body["messages"][-1] == {"role": "assistant", "content": "<think>\nAdd:"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert completion.text == "<think>\nAdd: so 4."


async def test_token_limit_has_the_name_that_the_endpoint_wants(endpoint: Endpoint, start: Starts) -> None:
    await (await start(max_tokens_field="max_completion_tokens")).generate(request())
    (body,) = endpoint.bodies
    assert body["max_completion_tokens"] == 32 and "max_tokens" not in body


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_that_the_endpoint_keeps_apart(endpoint: Endpoint, start: Starts, field: str) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}
    endpoint.replies = [good(usage=usage, **{field: "two and two"})]
    completion = await (await start()).generate(request())
    assert (completion.reasoning, completion.text, completion.reasoning_tokens) == ("two and two", "4", 5)


async def test_reasoning_cut_before_the_answer_leaves_an_empty_text(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [good(None, "length", reasoning="so long")]
    completion = await (await start()).generate(request())
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("", "so long", FinishReason.LENGTH)


async def test_text_of_any_script_comes_back_as_it_was_sent(endpoint: Endpoint, start: Starts) -> None:
    text = "Grüße, 数学 𝔽₂ 🙂 \u2028 end"
    endpoint.replies = [good(text)]
    assert (await (await start()).generate(request("δ ≥ 0.15? 数"))).text == text
    assert endpoint.bodies[0]["messages"][1]["content"] == "δ ≥ 0.15? 数"


async def test_lone_surrogate_in_a_reply_does_not_fail_the_request(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [good("a\ud800b")]  # json.dumps writes it as an escape
    assert (await (await start()).generate(request())).text == "a\ud800b"


async def test_lone_surrogate_in_a_prompt_fails_its_request_only(endpoint: Endpoint, start: Starts) -> None:
    engine = await start()
    with pytest.raises(EngineError, match="not valid Unicode") as caught:
        await engine.generate(request("a\ud800b"))
    assert caught.value.permanent
    assert (await engine.generate(request())).text == "4"


async def test_many_requests_at_once_each_get_their_own_response(endpoint: Endpoint, start: Starts) -> None:
    engine = await start()

    def echo(handler: Any) -> None:
        good(str(endpoint.bodies[-1]["seed"]))(handler)

    endpoint.replies = [echo] * 200
    completions = await asyncio.gather(*(engine.generate(request(str(number))) for number in range(200)))
    assert [completion.completion_tokens for completion in completions] == [3] * 200
    assert sorted(body["messages"][1]["content"] for body in endpoint.bodies) == sorted(map(str, range(200)))


# Failures that pass


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
async def test_failure_that_passes_is_tried_again(endpoint: Endpoint, start: Starts, status: int) -> None:
    endpoint.replies = [fails(status), fails(status)]
    assert (await (await start()).generate(request())).text == "4"
    assert len(endpoint.bodies) == 3 and endpoint.bodies[0] == endpoint.bodies[2]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failure_that_stays_is_an_error_worth_another_try_later(
    endpoint: Endpoint, start: Starts, status: int
) -> None:
    endpoint.replies = [fails(status, "busy")] * 3
    engine = await start()
    with pytest.raises(EngineError, match=f"{endpoint.url} answered {status}: busy$") as caught:
        await engine.generate(request())
    assert not caught.value.permanent
    assert len(endpoint.bodies) == 3
    assert (await engine.generate(request())).text == "4"


UNUSABLE: dict[str, tuple[Reply, str]] = {
    "cut": (cut, "no whole answer from"),
    "broken JSON": (answer('{"choices": [{"mess'), "not JSON"),
    "a proxy's page": (answer("<html>Bad gateway</html>"), "is not JSON but begins with '<html>Bad gateway"),
    "JSON that is no object": (answer([]), "no choices"),
    "no choices": (answer({"choices": [], "usage": {}}), "no choices"),
    "an error under 200": (answer({"error": {"message": "upstream overloaded"}}), "upstream overloaded"),
    "choices that nobody asked for": (
        answer({"choices": [{"message": {"content": "4"}}] * 2, "usage": {"completion_tokens": 6}}),
        "has 2 choices instead of one",
    ),
    "no message": (answer({"choices": [{"index": 0, "finish_reason": "stop"}]}), "no choices"),
    "no usage": (good(usage={}), "no usage"),
    "null usage": (answer({"choices": [{"index": 0, "message": {"content": "4"}}], "usage": None}), "no usage"),
    "broken off": (good("4 is", "insufficient_system_resource"), "broke the response off"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_reply_that_cannot_be_used_is_tried_again(endpoint: Endpoint, start: Starts, name: str) -> None:
    endpoint.replies = [UNUSABLE[name][0]] * 2
    assert (await (await start()).generate(request())).text == "4"
    assert len(endpoint.bodies) == 3


@pytest.mark.parametrize("name", UNUSABLE)
async def test_reply_that_stays_unusable_is_an_error_that_says_why(
    endpoint: Endpoint, start: Starts, name: str
) -> None:
    reply, reason = UNUSABLE[name]
    endpoint.replies = [reply] * 3
    engine = await start()
    with pytest.raises(EngineError, match=reason) as caught:
        await engine.generate(request())
    assert not caught.value.permanent
    assert len(endpoint.bodies) == 3


async def test_each_odd_shape_fails_its_own_request_and_no_other(endpoint: Endpoint, start: Starts) -> None:
    engine = await start(max_attempts=1)
    for body, said in ODD.values():
        endpoint.replies = [answer(body)]
        with pytest.raises(EngineError, match=re.escape(said)) as caught:
            await engine.generate(request())
        assert not caught.value.permanent
        assert (await engine.generate(request())).text == "4"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (endless, "the reply of http://.* is larger than 0.5 MB; see max_reply_mb"),
        (answer("[" * 100_000 + "]" * 100_000), r"is JSON of more than 100 levels but begins with '\[\[\["),
        (answer('{"a":' * 200 + "1" + "}" * 200, 400), r'answered 400: {"a":{"a":'),
    ],
)
async def test_body_without_end_or_bottom_fails_its_own_request(
    endpoint: Endpoint, start: Starts, reply: Reply, said: str
) -> None:
    engine = await start(max_attempts=1, max_reply_mb=0.5)
    endpoint.replies = [reply]
    with pytest.raises(EngineError, match=said) as caught:
        await engine.generate(request())
    assert len(str(caught.value)) < 1200
    assert (await engine.generate(request())).text == "4"


@pytest.mark.parametrize("models", [7, True, {"data": 7}, {"data": [7, {"id": []}]}, [[]]])
async def test_listing_of_another_shape_says_nothing_of_the_model(
    endpoint: Endpoint, start: Starts, models: Any
) -> None:
    endpoint.models = answer(models)
    assert (await (await start()).generate(request())).text == "4"


@pytest.mark.parametrize(("text", "finish"), [(None, "stop"), ("4", None)])
async def test_reply_that_tells_nothing_is_asked_for_once_more(
    endpoint: Endpoint, start: Starts, text: str | None, finish: str | None
) -> None:
    engine = await start(max_attempts=6)
    endpoint.replies = [good(text, finish)]
    assert (await engine.generate(request())).text == "4" and len(endpoint.bodies) == 2
    endpoint.replies = [good(text, finish)] * 6
    with pytest.raises(EngineError, match=r"holds nothing|has no finish_reason") as caught:
        await engine.generate(request())
    assert len(endpoint.bodies) == 4
    assert not caught.value.permanent and caught.value.empty == (text is None)


async def test_response_that_takes_too_long_is_an_error_worth_another_try(endpoint: Endpoint, start: Starts) -> None:
    def silent(handler: Any) -> None:
        handler.rfile.read(1)  # until the client gives up
        handler.close_connection = True

    endpoint.replies = [silent]
    engine = await start(request_timeout_s=0.2, max_attempts=1)
    with pytest.raises(EngineError, match=f"no whole answer from {endpoint.url} within 0.2 s") as caught:
        await engine.generate(request())
    assert not caught.value.permanent


# Failures that stay


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_request_that_the_endpoint_rejects_is_not_tried_again(
    endpoint: Endpoint, start: Starts, status: int
) -> None:
    endpoint.replies = [fails(status, "maximum context length is 512 tokens")]
    engine = await start()
    with pytest.raises(EngineError, match=f"{status}: maximum context length is 512 tokens$") as caught:
        await engine.generate(request())
    assert caught.value.permanent
    assert len(endpoint.bodies) == 1
    assert (await engine.generate(request())).text == "4"


async def test_permanence_survives_pickling(endpoint: Endpoint, start: Starts) -> None:
    """Ray hands errors from process to process that way."""
    endpoint.replies = [fails(400)]
    with pytest.raises(EngineError) as caught:
        await (await start()).generate(request())
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.permanent and str(copy) == str(caught.value)


async def test_filtered_response_is_an_error_for_good(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [good("4 i", "content_filter")]
    with pytest.raises(EngineError, match="content filter") as caught:
        await (await start()).generate(request())
    assert caught.value.permanent


async def test_long_error_page_is_shortened(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [answer("<html>" + "x" * 100_000, 400)]
    with pytest.raises(EngineError) as caught:
        await (await start()).generate(request())
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_wrong_key_empty_account_or_unknown_model_refuses_at_once(
    endpoint: Endpoint, start: Starts, status: int
) -> None:
    endpoint.replies = [fails(status, f"{KEY} is no good")]
    engine = await start()
    with pytest.raises(EngineRefusedError, match=f"{status}: .* is no good") as caught:
        await engine.generate(request())
    assert len(endpoint.bodies) == 1
    assert KEY not in everything_said(caught.value)


async def test_exhausted_quota_refuses(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [fails(429, "You exceeded your current quota", code="insufficient_quota")] * 3
    with pytest.raises(EngineRefusedError, match="exceeded your current quota"):
        await (await start()).generate(request())


async def test_token_limit_under_the_wrong_name_refuses_and_names_the_config_key(
    endpoint: Endpoint, start: Starts
) -> None:
    endpoint.replies = [fails(400, "Unsupported parameter", code="unsupported_parameter", param="max_tokens")]
    with pytest.raises(EngineRefusedError, match="set max_tokens_field: max_completion_tokens"):
        await (await start()).generate(request())


async def test_server_that_stays_away_is_dead_in_the_end(start: Starts, clock: VirtualTime) -> None:
    with serve() as other:
        engine = await start(base_url=other.url, max_attempts=2, give_up_after_s=300)
    with pytest.raises(EngineDeadError, match=f"no answer from {other.url}: Cannot connect.*down for 3"):
        await engine.generate(request())
    assert clock.now >= 300


# Starting


async def test_key_refused_at_the_start(endpoint: Endpoint, start: Starts) -> None:
    endpoint.models = fails(401, f"Incorrect API key provided: {KEY}")
    with pytest.raises(EngineRefusedError, match=r"401: Incorrect API key provided: \*\*\*$") as caught:
        await start()
    assert endpoint.paths == ["/v1/models"]
    assert KEY not in everything_said(caught.value)


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_endpoint_without_a_model_list_is_believed(endpoint: Endpoint, start: Starts, status: int) -> None:
    """403 too: a key may be allowed to chat and nothing else."""
    endpoint.models = fails(status)
    assert (await (await start(model="any")).generate(request())).text == "4"


@pytest.mark.parametrize("listed", [answer({}), answer("<html>"), answer('{"da'), answer({"data": None})])
async def test_endpoint_with_something_else_as_model_list_is_believed(
    endpoint: Endpoint, start: Starts, listed: Reply
) -> None:
    endpoint.models = listed
    assert (await (await start(model="any")).generate(request())).text == "4"


async def test_endpoint_that_serves_another_model_says_which(endpoint: Endpoint, start: Starts) -> None:
    endpoint.replies = [fails(404, "The model `Qwen3-8B` does not exist.")]
    with pytest.raises(EngineRefusedError, match=r"does not serve 'Qwen3-8B'; it serves teacher$"):
        await start(model="Qwen3-8B")


async def test_endpoint_that_stays_busy_at_the_start_is_dead_and_not_refused(endpoint: Endpoint, start: Starts) -> None:
    endpoint.models = fails(503, "loading")
    with pytest.raises(EngineDeadError, match="503: loading"):
        await start()


async def test_server_that_is_down_is_dead(start: Starts) -> None:
    with serve() as gone:
        url = gone.url
    with pytest.raises(EngineDeadError, match=f"no answer from {url}: Cannot connect") as caught:
        await start(base_url=url)
    assert KEY not in everything_said(caught.value)


async def test_password_in_the_address_is_in_no_error(endpoint: Endpoint, start: Starts) -> None:
    url = endpoint.url.replace("http://", "http://user:hunter2@")
    endpoint.replies = [fails(404)]
    with pytest.raises(EngineRefusedError, match="does not serve") as caught:
        await start(base_url=url, model="other")
    assert "hunter2" not in everything_said(caught.value)


async def test_address_without_a_scheme_refuses(start: Starts) -> None:
    with pytest.raises(EngineRefusedError, match="'localhost:8000/v1' does not begin with http:// or https://"):
        await start(base_url="localhost:8000/v1")


async def test_key_that_is_missing_where_the_engine_runs_is_said_to_be(
    endpoint: Endpoint, start: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as on a node of a cluster, when it is set on the user's machine."""
    endpoint.models = fails(401, "Incorrect API key")
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(EngineRefusedError, match="no key was sent, since OPENAI_API_KEY is not set where"):
        await start()


async def test_local_server_needs_no_key(endpoint: Endpoint, start: Starts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert (await (await start()).generate(request())).text == "4"
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    assert (await (await start(base_url=None)).generate(request())).text == "4"


@pytest.mark.parametrize("value", [None, "", " \n"])
async def test_public_endpoint_needs_a_key(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("OPENAI_API_KEY")
    else:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(EngineRefusedError, match="OPENAI_API_KEY, which holds the key, is not set or empty"):
        await OpenAIEndpoint(OpenAIEngine(type="openai", model="gpt")).start()


async def test_key_may_end_in_a_line_break(endpoint: Endpoint, start: Starts, monkeypatch: pytest.MonkeyPatch) -> None:
    """As keys read from files do; the client's error on such a header would print the key."""
    monkeypatch.setenv("TEACHER_KEY", f"{KEY}\n")
    assert (await (await start(api_key_env="TEACHER_KEY")).generate(request())).text == "4"
    assert endpoint.keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize("value", [f"{KEY}\nx", f"{KEY}…"])
async def test_key_that_no_header_can_carry_refuses_without_showing_it(
    start: Starts, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(EngineRefusedError, match="the key in OPENAI_API_KEY holds") as caught:
        await start()
    assert KEY not in everything_said(caught.value)
