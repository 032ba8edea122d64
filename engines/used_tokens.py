"""How long a response is by the usage that an endpoint reports, in the several ways in which makers count."""

from dataclasses import dataclass

from hipo_data.engines.endpoint_failure import EndpointFailure, Kind
from hipo_data.engines.reply_shape import Usage


@dataclass(frozen=True)
class Used:
    """Tokens. `completion` is of the whole response, hidden reasoning included; `reasoning` is null where unknown."""

    prompt: int
    completion: int
    reasoning: int | None


def used(usage: Usage, chars: int) -> Used:
    """What a response of `chars` characters took. Raises `EndpointFailure` where that cannot be known.

    xAI and Gemini leave the reasoning out of `completion_tokens`, the latter without any other word than the total. A
    total may also be larger for prompt tokens that came from a cache: those are no reasoning.
    """
    details = usage.completion_tokens_details
    reasoning = details.reasoning_tokens if details is not None else usage.reasoning_tokens
    prompt, counted, rest = usage.prompt_tokens or 0, usage.completion_tokens, _rest(usage)
    if not counted and chars:
        if rest <= (reasoning or 0):
            said = f"the endpoint's usage has completion_tokens 0 beside a response of {chars} characters"
            raise EndpointFailure(Kind.BROKEN, f"{said}, so its length in tokens is unknown")
        return Used(prompt, rest, reasoning)
    if reasoning is None:
        return Used(prompt, counted + rest, rest or None)
    apart = reasoning > counted or rest == reasoning
    return Used(prompt, counted + reasoning if apart else counted, reasoning)


def _rest(usage: Usage) -> int:
    """Tokens of the total that are neither of the prompt nor of the completion as counted, nor of a cache."""
    prompt = usage.prompt_tokens or 0
    rest = max(0, (usage.total_tokens or 0) - prompt - usage.completion_tokens) if prompt else 0
    read, written = usage.cached()
    if rest in (read, written, read + written):
        return 0
    # Where the prompt's count has room for them, they are part of it.
    return max(0, rest - read - written) if read + written > prompt else rest
