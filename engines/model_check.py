"""Does an endpoint serve the model? Its listing says yes; where it does not, a request of a few tokens decides."""

import difflib
import logging
from typing import Any

from hipo_data.engines.chat_reply import completion
from hipo_data.engines.chat_request import TRIAL, TRIAL_TOKENS
from hipo_data.engines.endpoint_failure import EndpointFailure, Kind
from hipo_data.engines.http_endpoint import HttpEndpoint

_LOG = logging.getLogger(__name__)
_NO_LISTING = {403, 404, 405, 501}
"""403 as well: a key may be allowed to chat and nothing else."""
_SHOWN = 5
_LONGEST_NAME = 200


async def check_model(http: HttpEndpoint, extra: dict[str, Any], max_tokens_field: str) -> None:
    """Raises `EndpointFailure`, of kind `REFUSED` where the model is not served.

    Names that no listing has may work all the same, such as variants (`model:nitro`) and aliases.

    Args:
        http: the endpoint.
        extra: further fields of every request.
        max_tokens_field: what the endpoint calls the token limit.
    """
    listed = await _listed(http)
    if not listed or http.model in listed:
        return
    probe = {
        **extra,
        "model": http.model,
        "messages": [{"role": "user", "content": TRIAL}],
        max_tokens_field: TRIAL_TOKENS,
    }
    try:
        completion(await http.post("chat/completions", probe), "")
    except EndpointFailure as error:
        failure = error
    else:
        _LOG.warning("%s does not list '%s', but answers under that name", http.address, http.model)
        return
    if failure.kind is Kind.REFUSED:
        near = difflib.get_close_matches(http.model, listed, _SHOWN) or listed[:_SHOWN]
        text = f"{http.address} does not serve '{http.model}'; it serves {', '.join(near)}"
        raise EndpointFailure(Kind.REFUSED, text if failure.status == 404 else f"{text} ({failure})")
    if failure.kind is Kind.UNREACHABLE:
        raise failure
    _LOG.warning("%s does not list '%s', and a trial did not decide it: %s", http.address, http.model, failure)


def note_model(http: HttpEndpoint, reply: Any) -> None:
    """Warns, once a name, of replies by a model whose name is neither the one asked for nor a longer or shorter form.

    Providers answer as `gpt-4o-2024-08-06` for `gpt-4o`, so a name alone proves nothing and ends no run.
    """
    name = reply.get("model") if isinstance(reply, dict) else None
    if name == http.model or not isinstance(name, str) or name in http.other_models:
        return
    asked, answered = (_plain(model) for model in (http.model, name))
    if asked not in answered and answered not in asked:
        http.other_models.add(name)
        shown = name[:_LONGEST_NAME]
        _LOG.warning("%s was asked for '%s' and answers as '%s'", http.address, http.model, shown)


def _plain(model: str) -> str:
    return model.rsplit("/", 1)[-1].split(":", maxsplit=1)[0].lower()


async def _listed(http: HttpEndpoint) -> list[str]:
    """Names of models; empty where the endpoint has no such list."""
    try:
        found = await http.get("models")
    except EndpointFailure as failure:
        is_no_list = failure.status is not None and (failure.status in _NO_LISTING or failure.status < 300)
        if is_no_list or failure.kind is Kind.REJECTED:
            return []
        raise
    rows = found.get("data") if isinstance(found, dict) else None
    listed = rows if isinstance(rows, list) else []
    return [row["id"] for row in listed if isinstance(row, dict) and isinstance(row.get("id"), str)]
