"""A response whose thinking is made piece by piece, each piece a request that goes on with the text so far.

What is asked when depends on seeds, texts and the config alone: each request has a seed of its own, from the rollout's
seed and how many requests of its kind came before.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from hipo_data.engines.base import Begun, Completion, EngineError, GenerationRequest
from hipo_data.prompts.families.reading import DEFAULT
from hipo_data.schemas.control_config import ControlConfig
from hipo_data.schemas.family import Reading
from hipo_data.schemas.keys import seed_of
from hipo_data.schemas.records import Control, FinishReason
from hipo_data.schemas.role_config import RoleConfig
from hipo_data.schemas.sampling_config import SamplingConfig
from hipo_data.stages.sample.control.controller import Controller, said
from hipo_data.stages.sample.control.piece import GO_ON, Action, Piece, Who
from hipo_data.stages.sample.control.rules import by_agreement, by_repetition
from hipo_data.stages.sample.control.trial import trial_answer

Ask = Callable[[GenerationRequest], Awaitable[Completion]]

_CLOSING_TOKENS = 1
"""What the tag that ends the thinking counts, where it is not the model that writes it."""
_SEAM = 1
"""Tokens by which a prompt may be longer than its parts, as texts are cut into tokens anew, which makes fewer of them
rather than more. The empty block of thinking that Qwen3's templates put before thinking that is continued has four."""
_CLOSING_SEAM = 2
"""Further ones where the thinking was closed: the tag is counted as one, with its lines it has up to three."""
_CUT_CHARACTER = "\ufffd"


async def controlled(
    request: GenerationRequest, role: RoleConfig, reopens: bool, ask: Ask
) -> tuple[Completion, Control]:
    """The response as if it came of one request, and what its control did and took beside.

    Args:
        request: for the whole response; its limit on tokens is that of what the response holds.
        role: with `control`.
        reopens: as `engines.base.ContinuesTurns` has it.
        ask: sends a request. What it raises goes through.

    Raises `EngineError` where the server answers anew instead of going on.
    """
    assert role.control is not None
    return await _Response(request, role, role.control, role.reading or DEFAULT, reopens, ask).made()


@dataclass
class _Response:
    request: GenerationRequest
    role: RoleConfig
    control: ControlConfig
    reading: Reading
    reopens: bool
    ask: Ask
    pieces: list[Piece] = field(default_factory=list)
    """Of the response so far, thinking first."""
    asked: int = 0
    """Requests for pieces."""
    trials: int = 0
    returns: int = 0
    unread: int = 0
    repeated: bool = False
    """Whether a piece in the place of the next one was taken back for repeating what stood before."""
    checked: bool = False
    """Whether the server was seen to go on."""
    prompts: list[int] = field(default_factory=list)
    """Prompt tokens of each request."""
    generated: int = 0
    """Completion tokens of all requests."""

    async def made(self) -> tuple[Completion, Control]:
        controller = Controller(self.control.controller) if self.control.controller is not None else None
        while True:
            most = min(self.control.chunk, self._room)
            done = await self._piece(most)
            thought = len(self.pieces)
            if done.finish_reason is FinishReason.STOP:
                return self._whole(done.finish_reason, thought, "model")
            full = done.completion_tokens < most and not self.reopens  # the model's context
            if self._room < 1 or full or not self.pieces[-1].text:  # what writes nothing would do so for ever
                return self._whole(done.finish_reason, thought, "limit" if self._thinks() else "model")
            if not self._thinks():
                return await self._rest(thought, "model")
            action = await self._action(controller) if not self._within_tag() else GO_ON
            self.repeated = action.what == "take back" and action.by == "repetition"
            if action.what == "take back":
                self.returns += 1
                del self.pieces[action.keep :]
            if action.what == "stop":
                assert action.by is not None
                self.pieces.append(Piece(self._closing, _CLOSING_TOKENS))
                return await self._rest(thought, action.by)

    async def _action(self, controller: Controller | None) -> Action:
        may_return = self.returns < self.control.returns
        if self.control.repeats is not None:
            action = by_repetition(self.pieces, self.control.repeats, self.repeated or not may_return)
            if action is not GO_ON:
                return action
        if self.control.agree is not None:
            await self._trial()
            action = by_agreement(self.pieces, self.control.agree)
            if action is not GO_ON:
                return action
        if controller is None:
            return GO_ON
        seed = seed_of(self.request.seed, "controller", len(self.prompts))
        reply = await self._send(controller.request(self.request.question, self.pieces, self.request.index, seed))
        read = said(reply.text, len(self.pieces))
        self.unread += read is None
        return GO_ON if read is None or (read.what == "take back" and not may_return) else read

    async def _piece(self, most: int) -> Completion:
        """Adds what the model writes next, of at most so many tokens."""
        seed = seed_of(self.request.seed, "piece", self.asked)
        self.asked += 1
        done, text = await self._further("", self.request.sampling, most, seed)
        if self.reopens and self.pieces and not self.checked:
            self._check_continued(done)
        tokens = done.completion_tokens if done.ids is None else len(done.ids)
        self.pieces.append(Piece(self._to_keep(text, done), tokens, done.ids, done.reasoning_tokens))
        return done

    async def _trial(self) -> None:
        """Puts a trial answer, the most likely one, behind the last piece."""
        behind = f"{self._closing}{self.control.trial_opening}"
        greedy = self.request.sampling.model_copy(update={"temperature": 0.0})
        seed = seed_of(self.request.seed, "trial", self.trials)
        self.trials += 1
        done, text = await self._further(behind, greedy, self.control.trial_tokens, seed)
        cut = done.finish_reason is FinishReason.LENGTH
        answer = trial_answer(self.control.trial_opening + text, cut)
        self.pieces[-1] = replace(self.pieces[-1], trial=answer)

    async def _rest(self, thought: int, by: "Who | Literal['model']") -> tuple[Completion, Control]:
        """The answer, to its end."""
        if self._room < 1:
            return self._whole(FinishReason.LENGTH, thought, by)
        done = await self._piece(self._room)
        return self._whole(done.finish_reason, thought, by)

    async def _further(self, behind: str, sampling: SamplingConfig, most: int, seed: int) -> tuple[Completion, str]:
        """What the model writes after the text so far and `behind`."""
        prefix = self.request.response_prefix
        if self.pieces or behind:
            opened = self.reopens and self.role.starts_in_reasoning and self.reading.open
            prefix = (f"{self.reading.open[0]}\n" if opened else "") + prefix + self._text + behind
        limited = sampling.model_copy(update={"max_tokens": most})
        begun = [Begun(piece.text, piece.ids) for piece in (*self.pieces, Piece(behind, 0)) if piece.text]
        wanted = replace(self.request, sampling=limited, seed=seed, response_prefix=prefix, begun=tuple(begun))
        done = await self._send(wanted)
        return done, _after(prefix, self._in_line(done))

    def _to_keep(self, text: str, done: Completion) -> str:
        """Where only text goes on, a space at its end is left to the next piece: it mostly is of one token with the
        word behind it. So is a character of which not all bytes were written."""
        is_cut = done.ids is None and done.finish_reason is FinishReason.LENGTH
        return text.rstrip(_CUT_CHARACTER).rstrip() or text if is_cut else text

    async def _send(self, request: GenerationRequest) -> Completion:
        done = await self.ask(request)
        self.prompts.append(done.prompt_tokens)
        self.generated += done.completion_tokens
        return done

    @property
    def _text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def _kept(self) -> int:
        return sum(piece.tokens for piece in self.pieces)

    @property
    def _room(self) -> int:
        return self.request.sampling.max_tokens - self._kept

    @property
    def _closing(self) -> str:
        return f"\n{self.reading.close[0]}\n\n"

    def _thinks(self) -> bool:
        """Whether the text so far is within its reasoning; one that never opens any is an answer."""
        text = self._text
        if any(tag in text for tag in self.reading.close):
            return False
        begun = (self.request.response_prefix + text).lstrip()
        is_open = any(begun.startswith(tag) or tag.startswith(begun) for tag in self.reading.open)
        return self.role.starts_in_reasoning or is_open

    def _within_tag(self) -> bool:
        """Whether the text so far ends inside of a tag that ends reasoning."""
        text = self._text
        return any(text.endswith(tag[:size]) for tag in self.reading.close for size in range(2, len(tag)))

    def _in_line(self, done: Completion) -> str:
        """The text with what the server keeps apart as reasoning."""
        if done.reasoning is None:
            return done.text
        opening = "" if self.role.starts_in_reasoning or not self.reading.open else f"{self.reading.open[0]}\n"
        return opening + done.reasoning + (self._closing + done.text if done.text else "")

    def _check_continued(self, done: Completion) -> None:
        """Servers that do not know how to go on with a turn begin another one, or drop its reasoning, or put an empty
        block of it first."""
        self.checked = True
        grown, kept = done.prompt_tokens - self.prompts[0], self._kept
        seam = _SEAM + (_CLOSING_SEAM if self.pieces[-1].text == self._closing else 0)
        if not self.prompts[0] or not done.prompt_tokens or kept / 2 <= grown <= kept + seam:
            return
        raise EngineError(
            f"the server does not go on with a response that was begun: with {kept} tokens of it the prompt is {grown} "
            "longer; control needs one that knows continue_final_message and a chat template that leaves the last turn "
            "as it is (Qwen3's put an empty block of thinking first), or an engine of type vllm",
            permanent=True,
            malformed=True,
        )

    def _whole(
        self, finish_reason: FinishReason, thought: int, by: "Who | Literal['model', 'limit']"
    ) -> tuple[Completion, Control]:
        inserted = _CLOSING_TOKENS if by not in ("model", "limit") else 0
        response = Completion(
            text=self.request.response_prefix + self._text,
            finish_reason=finish_reason,
            prompt_tokens=self.prompts[0],
            completion_tokens=self._kept,
            reasoning_tokens=self._reasoning_tokens(),
        )
        return response, Control(
            pieces=thought,
            trials=self.trials,
            returns=self.returns,
            unread=self.unread,
            ended_by=by,
            prompt_tokens=sum(self.prompts[1:]),
            completion_tokens=self.generated - (self._kept - inserted),
        )

    def _reasoning_tokens(self) -> int | None:
        """Tokens before the last tag that ends reasoning; null without one."""
        places = [at for at, piece in enumerate(self.pieces) if any(tag in piece.text for tag in self.reading.close)]
        if not places:
            return None
        closing = self.pieces[places[-1]]
        end = max(closing.text.rfind(tag) for tag in self.reading.close)
        own = closing.reasoning_tokens
        if own is None:
            own = round(closing.tokens * end / len(closing.text))
        return sum(piece.tokens for piece in self.pieces[: places[-1]]) + own


def _after(prefix: str, text: str) -> str:
    """What stands behind the prefix, of whose end a server that repeats it may have dropped white space."""
    return text.removeprefix(prefix) if text.startswith(prefix) else text.removeprefix(prefix.rstrip())
