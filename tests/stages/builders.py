"""Records with sensible defaults, and an engine that answers from a function."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from hipo_data.engines.base import Completion, Generates, GenerationRequest
from hipo_data.schemas.gold import MathGold, ProblemGold
from hipo_data.schemas.keys import problem_id
from hipo_data.schemas.records import Decision, FinishReason, Kind, Mode, Pick, Problem, Record, Rollout, Source, Status
from hipo_data.stages.asking.engine_session import EngineSession

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Record)

SOURCE = Source(dataset="org/data", revision="abc", split="train", file="rows.jsonl", row=3)


def make_problem(question: str = "What is 6 times 7?", gold: ProblemGold | None = None, **changes: Any) -> Problem:
    fields = {
        "problem_id": problem_id(question),
        "kind": Kind.MATH if gold is None or gold.type in ("math", "none") else Kind.CODE,
        "question": question,
        "gold": gold or MathGold(answers=["42"]),
        "sources": [SOURCE],
    }
    return Problem.model_validate(fields | changes)


def make_rollout(problem: Problem, mode: Mode = Mode.THINK_ON, index: int = 0, **changes: Any) -> Rollout:
    fields = {
        "problem_id": problem.problem_id,
        "mode": mode,
        "index": index,
        "seed": 1,
        "model": "teacher",
        "prompt_hash": "p",
        "request_hash": "r",
        "max_tokens": 100,
        "text": "the raw text",
        "reasoning": "Six sevens make it." if mode is Mode.THINK_ON else None,
        "answer": "It is 42.",
        "finish_reason": FinishReason.STOP,
        "prompt_tokens": 5,
        "reasoning_tokens": 4 if mode is Mode.THINK_ON else 0,
        "answer_tokens": 6,
        "completion_tokens": 10,
    }
    return Rollout.model_validate(fields | changes)


def make_decision(problem: Problem, mode: Mode | None = Mode.THINK_ON, **changes: Any) -> Decision:
    sides = {
        f"{name}_{side}": value
        for side in ("on", "off")
        for name, value in {"n": 8, "right": 4, "unknown": 0, "truncated": 0, "p": 0.5, "tokens": 20.0}.items()
    }
    intervals = {f"p_{side}_{end}": at for side in ("on", "off") for end, at in (("low", 0.2), ("high", 0.8))}
    fields = {
        "problem_id": problem.problem_id,
        "kind": problem.kind,
        "margin": 0.0,
        "delta": 0.15,
        "rule": "margin",
        "mode": mode,
        "index": None if mode is None else 0,
        "chosen_tokens": None if mode is None else 10,
        "drop_reason": "no_right_response" if mode is None else None,
    }
    return Decision.model_validate(fields | sides | intervals | changes)


def make_pick(rollout: Rollout, **changes: Any) -> Pick:
    fields = {
        **dict.fromkeys(Pick.model_fields),
        "problem_id": rollout.problem_id,
        "rank": 0,
        "mode": rollout.mode,
        "index": rollout.index,
        "role": "example",
        "status": Status.CORRECT,
        "tokens": rollout.completion_tokens,
    }
    return Pick.model_validate(fields | changes)


def completion(text: str, tokens: int = 7, finish: FinishReason = FinishReason.STOP, **changes: Any) -> Completion:
    return Completion(text=text, finish_reason=finish, prompt_tokens=3, completion_tokens=tokens, **changes)


def make_session(engine: Generates, seen: list[R] | None = None, slots: int = 100, **changes: Any) -> EngineSession[R]:
    """A session that puts what finishes into `seen`."""
    fields: dict[str, Any] = {"model": "teacher", "identity": "weights", "run_seed": 0}
    semaphore = asyncio.Semaphore(slots)

    @asynccontextmanager
    async def slot(prompt: str) -> AsyncIterator[None]:
        async with semaphore:
            yield

    return EngineSession(
        engine=engine,
        slot=slot,
        on_start=lambda: None,
        on_finish=(seen if seen is not None else []).append,
        **fields | changes,
    )


def by_key(records: Iterable[R], key: Callable[[R], K]) -> dict[K, list[R]]:
    """Records of earlier attempts, as the stages take them."""
    found: dict[K, list[R]] = defaultdict(list)
    for record in records:
        found[key(record)].append(record)
    return found


class ScriptedEngine:
    """Answers by a function of the request, after `turns(request)` turns of the event loop; keeps what it was asked."""

    def __init__(
        self,
        answer: Callable[[GenerationRequest], Completion],
        turns: Callable[[GenerationRequest], int] = lambda request: 0,
    ) -> None:
        self._answer, self._turns = answer, turns
        self.requests: list[GenerationRequest] = []
        self.under_way = 0
        self.most_under_way = 0

    async def generate(self, request: GenerationRequest) -> Completion:
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            for _ in range(self._turns(request)):
                await asyncio.sleep(0)
            return self._answer(request)
        finally:
            self.under_way -= 1
