"""What is reached over the network: the Hub's token, and the endpoints of a recipe."""

import asyncio
import os
import re

from hipo_data.engines.clock import Clock
from hipo_data.engines.endpoint_failure import EndpointFailure
from hipo_data.engines.http_endpoint import HttpEndpoint
from hipo_data.engines.model_check import check_model
from hipo_data.pipeline.doctor.finding import Finding, fails, note, ok
from hipo_data.schemas.config import Endpoint, OpenAIEngine
from hipo_data.schemas.errors import EngineRefusedError

ANSWER_S = 10.0
_TOKEN = re.compile(r"(hf|api_org)_[\x21-\x7e]{8,}")


def hub_token() -> list[Finding]:
    """Whether HF_TOKEN has the form of one; the Hub is not asked, and the token is not shown."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        return [note("Hub token", "HF_TOKEN is not set; `hipo-data push` and gated datasets need one")]
    if not _TOKEN.fullmatch(token):
        return [fails("Hub token", "HF_TOKEN is set and no token of the Hub, which begins with hf_; copy it again")]
    return [ok("Hub token", "HF_TOKEN is set, and has the form of one")]


def endpoints(name: str, engine: OpenAIEngine) -> list[Finding]:
    """Of each endpoint of an engine: does it answer, does it serve the model, and is the variable of its key set?

    A model that an endpoint does not list is tried with a request of a few tokens, as a run does.
    """
    return asyncio.run(_all_of(name, engine))


async def _all_of(name: str, engine: OpenAIEngine) -> list[Finding]:
    quick = engine.model_copy(update={"request_timeout_s": min(engine.request_timeout_s, ANSWER_S)})
    every = engine.endpoints or [Endpoint()]
    return [*await asyncio.gather(*(_one_of(f"endpoint of {name}", quick, each) for each in every))]


async def _one_of(what: str, engine: OpenAIEngine, endpoint: Endpoint) -> Finding:
    try:
        http = HttpEndpoint(engine, endpoint, Clock())
    except EngineRefusedError as error:
        return fails(what, str(error))
    try:
        async with asyncio.timeout(ANSWER_S):
            await check_model(http, engine.extra_body, engine.max_tokens_field)
    except EndpointFailure as failure:
        return fails(what, str(failure))
    except TimeoutError:
        return fails(what, f"no answer from {http.address} within {ANSWER_S:g} s")
    finally:
        await http.close()
    return ok(what, f"{http.address} serves {http.model}; {_key(engine, endpoint)}")


def _key(engine: OpenAIEngine, endpoint: Endpoint) -> str:
    variable = endpoint.api_key_env or engine.api_key_env
    if variable is None:
        return "no key is named, and none is sent"
    return f"{variable} is set" if os.environ.get(variable) else f"{variable} is not set, and no key is sent"
