"""Starting with a model that the endpoint does not list: a short request decides, not the listing."""

import pytest

from hipo_data.schemas.errors import EngineRefusedError
from tests.engines.misbehaving import Endpoint, answer, cut, fails, good
from tests.engines.openai_engines import Starts, request


async def test_listed_model_is_not_probed(endpoint: Endpoint, start: Starts) -> None:
    await start()
    assert endpoint.bodies == []


async def test_variant_that_is_not_listed_works_if_it_answers(
    endpoint: Endpoint, start: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    engine = await start(model="teacher:nitro", extra_body={"provider": {"sort": "price"}})
    (probe,) = endpoint.bodies
    assert (probe["model"], probe["max_tokens"], probe["provider"]) == ("teacher:nitro", 16, {"sort": "price"})
    assert "does not list 'teacher:nitro', but answers" in caplog.text
    assert (await engine.generate(request())).text == "4"


@pytest.mark.parametrize(
    "reply",
    [
        fails(404, "The model `teachr` does not exist."),
        fails(400, "teachr is not a valid model ID"),
        fails(400, "no", code="model_not_found"),
    ],
)
async def test_model_that_is_neither_listed_nor_answers_refuses_and_shows_the_nearest(
    endpoint: Endpoint, start: Starts, reply: object
) -> None:
    names = ["aaa", "bbb", "ccc", "ddd", "eee", "teacher"]
    endpoint.models = answer({"data": [{"id": name} for name in names]})
    endpoint.replies = [reply]  # type: ignore[list-item]
    with pytest.raises(EngineRefusedError, match="does not serve 'teachr'; it serves teacher"):
        await start(model="teachr")
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize("reply", [fails(429), fails(500), fails(400, "max_tokens too small"), cut, good(usage={})])
async def test_probe_that_decides_nothing_lets_the_engine_start(
    endpoint: Endpoint, start: Starts, reply: object, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.replies = [reply]  # type: ignore[list-item]
    await start(model="alias")
    assert "a trial did not decide it" in caplog.text


@pytest.mark.parametrize(
    ("name", "warnings"), [("other-7b", 1), ("teacher-2027-01-15", 0), ("org/Teacher", 0), ("", 0)]
)
async def test_reply_of_another_model_is_warned_of_once(
    endpoint: Endpoint, start: Starts, caplog: pytest.LogCaptureFixture, name: str, warnings: int
) -> None:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    endpoint.replies = [answer({"model": name, "choices": [choice], "usage": usage})] * 3
    engine = await start()
    for _ in range(3):
        assert (await engine.generate(request())).text == "4"
    assert caplog.text.count(f"asked for 'teacher' and answers as '{name}'") == warnings
