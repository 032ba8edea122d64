"""How a role is asked: with its own system prompt, suffix, sampling and chat template."""

from hipo_data.engines.base import GenerationRequest
from hipo_data.prompts.families.reading import DEFAULT
from hipo_data.schemas.config import RoleConfig
from hipo_data.schemas.records import Message


def conversation(prompt: str, role: RoleConfig) -> tuple[Message, ...]:
    """`prompt` as the one user turn, with or without a system prompt."""
    turn = Message(role="user", content=prompt + role.question_suffix)
    return (turn,) if role.system_prompt is None else (Message(role="system", content=role.system_prompt), turn)


def role_request(
    role: RoleConfig, messages: tuple[Message, ...], *, question: str, index: int, seed: int
) -> GenerationRequest:
    """The request for one response to `messages`."""
    return GenerationRequest(
        messages=messages,
        sampling=role.sampling,
        seed=seed,
        question=question,
        index=index,
        chat_template_kwargs=role.chat_template_kwargs,
        response_prefix=role.response_prefix,
        reasoning_ends=tuple((role.reading or DEFAULT).close),
    )
