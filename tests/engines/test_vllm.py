"""vLLM itself, on the CPU, with the embedded teacher."""

import asyncio
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from hipo_data.engines.base import Begun, Completion, EngineDeadError, EngineError
from hipo_data.engines.vllm import Vllm
from hipo_data.engines.vllm_on_cpu import FEW_CORES
from hipo_data.prompts.families.reading import read
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.records import FinishReason
from tests.engines.asking import OFF, ON, many, request
from tests.engines.vllm_engines import ARGS, CONTEXT, Shared, config, workers

OPEN, CLOSE = "<think>", "</think>"
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


async def test_chat_template_switches_the_mode(vllm: Vllm) -> None:
    on, off = await asyncio.gather(many(vllm, 16), many(vllm, 16, chat_template_kwargs=OFF))
    assert sum(CLOSE in completion.text for completion in on) >= 12
    assert not any(CLOSE in completion.text or OPEN in completion.text for completion in off)
    for completion in on:
        parts = read(completion.text, opened=True)
        reasoning, answer = parts.reasoning, parts.answer
        assert reasoning and (answer is None) == (CLOSE not in completion.text)


async def test_seed_makes_a_response(vllm: Vllm) -> None:
    product = "What is 777 times 984?"
    first, second = [await vllm.generate(request(product, seed=7)) for _ in range(2)]
    assert first == second
    assert len({completion.text for completion in await many(vllm, 16, question=product)}) > 4


async def test_a_response_in_pieces_goes_on_from_its_tokens(vllm: Vllm) -> None:
    greedy = request("Compute 735 + 577 + 70.").sampling.model_copy(update={"temperature": 0.0})
    whole = await vllm.generate(replace(request("Compute 735 + 577 + 70."), sampling=greedy))
    assert whole.ids is None
    begun: list[Begun] = []
    ended = FinishReason.LENGTH
    while ended is FinishReason.LENGTH:
        text = "".join(piece.text for piece in begun)
        piece = greedy.model_copy(update={"max_tokens": 3})
        asked = replace(request("Compute 735 + 577 + 70."), sampling=piece, response_prefix=text, begun=tuple(begun))
        done = await vllm.generate(asked)
        assert done.ids is not None and len(done.ids) == done.completion_tokens <= 3
        begun.append(Begun(done.text.removeprefix(text), done.ids))
        ended = done.finish_reason
    assert "".join(piece.text for piece in begun) == whole.text
    assert sum(len(piece.ids or ()) for piece in begun) == whole.completion_tokens


async def test_a_piece_ends_with_a_whole_character(vllm: Vllm) -> None:
    tokenizer = vllm._tokenizer
    whole = tokenizer.encode("12 \U0001f9ee", add_special_tokens=False)
    cut = next(n for n in range(1, len(whole)) if tokenizer.decode(whole[:n]).endswith("\ufffd"))
    ids, text = vllm._whole_characters(whole[:cut], tokenizer.decode(whole[:cut]))
    assert "\ufffd" not in text and ids == whole[: len(ids)] and len(ids) < cut
    only = whole[cut - 1 : cut]
    assert vllm._whole_characters(only, tokenizer.decode(only))[0] == only


async def test_response_ends_by_itself_or_at_the_token_limit(vllm: Vllm) -> None:
    cut, ended = await asyncio.gather(many(vllm, 8, max_tokens=5), many(vllm, 8, chat_template_kwargs=OFF))
    assert {(completion.finish_reason, completion.completion_tokens) for completion in cut} == {
        (FinishReason.LENGTH, 5)
    }
    assert all(completion.reasoning_tokens == 0 for completion in cut)  # none closed
    assert {completion.finish_reason for completion in ended} == {FinishReason.STOP}
    assert not any("<|im_end|>" in completion.text for completion in ended)


async def test_tokens_are_counted(vllm: Vllm, repo_root: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(repo_root / "models" / "tiny-hybrid")
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Compute 12 + 34."}], add_generation_prompt=True, return_dict=True, **ON
    )
    for completion in await many(vllm, 16):
        assert completion.prompt_tokens == len(prompt["input_ids"])
        if CLOSE not in completion.text:
            assert completion.reasoning_tokens == 0
            continue
        reasoning, answer = completion.text.rsplit(CLOSE, 1)
        end = completion.finish_reason is FinishReason.STOP
        assert completion.reasoning_tokens is not None
        assert abs(completion.reasoning_tokens - len(tokenizer.encode(reasoning))) <= 2  # sampled, not encoded
        rest = completion.completion_tokens - completion.reasoning_tokens
        assert abs(rest - (1 + len(tokenizer.encode(answer)) + end)) <= 2


async def test_prefix_is_continued(vllm: Vllm) -> None:
    prefix = f"12 + 34 = 46\n{CLOSE}\n\nThe answer"
    plain, continued = await asyncio.gather(vllm.generate(request()), vllm.generate(request(response_prefix=prefix)))
    assert continued.text.startswith(prefix) and len(continued.text) > len(prefix)
    assert continued.prompt_tokens > plain.prompt_tokens
    assert continued.completion_tokens < CONTEXT - continued.prompt_tokens


async def test_prompt_that_fills_the_context_is_an_error_for_good(vllm: Vllm) -> None:
    with pytest.raises(EngineError, match=r"\d{3,} tokens, which leaves no room .* of 512$") as caught:
        await vllm.generate(request("Compute 1" + " + 1" * CONTEXT))
    assert caught.value.permanent
    assert (await vllm.generate(request())).text


async def test_response_is_limited_by_what_is_left_of_the_context(vllm: Vllm) -> None:
    completion = await vllm.generate(request("Compute 1" + " + 1" * 100, max_tokens=10_000, extra={"ignore_eos": True}))
    assert completion.finish_reason is FinishReason.LENGTH
    assert completion.prompt_tokens + completion.completion_tokens == CONTEXT


async def test_prompt_that_the_template_refuses_is_an_error_for_good(vllm: Vllm) -> None:
    with pytest.raises(EngineError, match="the chat template refuses the prompt") as caught:
        await vllm.generate(request(chat_template_kwargs={"messages": 1}))
    assert caught.value.permanent


async def test_sampling_parameters_go_through(vllm: Vllm) -> None:
    greedy = await many(vllm, 8, extra={"top_k": 1})
    assert len({completion.text for completion in greedy}) == 1


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"topp": 1}, "nexpected keyword argument 'topp'"),
        ({"top_k": -7}, "top_k"),
        ({"n": 4}, "may not set 'n'.*set sample.n"),
    ],
)
async def test_sampling_parameter_that_vllm_does_not_take_refuses(
    vllm: Vllm, extra: dict[str, Any], reason: str
) -> None:
    with pytest.raises(EngineRefusedError, match=reason):
        await vllm.generate(request(extra=extra))


async def test_rollouts_of_one_prompt_share_its_cache(vllm: Vllm) -> None:
    """vLLM's default, without which a long prompt would be computed n times."""
    from vllm import SamplingParams

    long = request("Compute 1" + " + 1" * 150, max_tokens=4)
    await vllm.generate(long)
    prompt = {"prompt_token_ids": vllm._render(long)}
    async for output in vllm._llm.generate(prompt, SamplingParams(max_tokens=4, seed=2), "again"):
        cached = output.num_cached_tokens
    assert cached > len(prompt["prompt_token_ids"]) / 2


async def test_many_seeded_requests_of_all_lengths_at_once(vllm: Vllm) -> None:
    """More prompt tokens at once than one step takes, which kills a CPU engine that splits seeded prompts."""
    requests = [
        request("Compute 1" + " + 1" * (number * 37 % 110), seed=number, max_tokens=1 + number * 53 % 120)
        for number in range(500)
    ]
    completions = await asyncio.gather(*(vllm.generate(each) for each in requests))
    assert all(
        1 <= completion.completion_tokens <= each.sampling.max_tokens
        for completion, each in zip(completions, requests, strict=True)
    )
    assert sum(completion.prompt_tokens for completion in completions) > 50_000


@pytest.mark.skipif(len(os.sched_getaffinity(0)) > FEW_CORES, reason="on many cores a worker computes")
async def test_on_few_cores_no_worker_computes_beside_the_scheduler(shared: Shared) -> None:
    await shared.get()
    assert workers() == set()


async def test_engine_that_is_killed_fails_all_its_requests(shared: Shared) -> None:
    engine = await shared.get()
    endless = [request(seed=seed, max_tokens=400, extra={"ignore_eos": True}) for seed in range(256)]
    pending = [asyncio.create_task(engine.generate(each)) for each in endless]
    await engine.generate(request(max_tokens=1))  # so the engine has them
    core = [child for child in psutil.Process().children() if "EngineCore" in "".join(child.cmdline())]
    (victim,) = core
    victim.kill()
    outcomes = await asyncio.gather(*pending, return_exceptions=True)
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Completion)]
    assert failed and {type(outcome) for outcome in failed} == {EngineDeadError}
    for _ in range(2):
        with pytest.raises(EngineDeadError, match=r"the vLLM engine of '.*tiny-hybrid' died"):
            await engine.generate(request())
    await shared.close()
    assert not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE


# Engines that cannot start


@pytest.fixture
def broken(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of the teacher to take something away from."""
    copy = tmp_path / "broken"
    shutil.copytree(repo_root / "models" / "tiny-hybrid", copy)
    return copy


async def refusal(model: Path | str, tensor_parallel_size: int = 1, **args: Any) -> str:
    engine = Vllm(config(model, args=ARGS | args, tensor_parallel_size=tensor_parallel_size))
    with pytest.raises(EngineRefusedError) as caught:
        await engine.start()
    await engine.close()
    said = str(caught.value)
    assert "\n" not in said and "pydantic" not in said
    return said


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"max_len": 512}, "vLLM has no engine argument 'max_len' .*; did you mean 'max_model_len'?"),
        ({"zzz": 1}, "vLLM has no engine argument 'zzz' (in the engine's args)$"),
        ({"dtype": "float7"}, "dtype: Input should be 'auto', "),
        ({"max_model_len": 5000}, r"max_model_len (5000) is greater than the derived"),
        ({"tensor_parallel_size": 3}, "must be divisible by tensor parallel size (3)"),
    ],
)
async def test_argument_that_vllm_refuses_is_named(repo_root: Path, args: dict[str, Any], reason: str) -> None:
    said = await refusal(repo_root / "models" / "tiny-hybrid", **args)
    pattern = ".*".join(re.escape(part) for part in reason.removesuffix("$").split(".*"))
    assert re.search(pattern + ("$" if reason.endswith("$") else ""), said), said


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("/nowhere/model", "there is no folder '/nowhere/model' (relative paths start at "),
        ("./model", "there is no folder './model' "),
        ("models/nothing", "vLLM cannot start 'models/nothing', which is no folder in "),
    ],
)
async def test_folder_that_is_missing_is_named(model: str, reason: str) -> None:
    assert (await refusal(model)).startswith(reason)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        (["chat_template.jinja"], "has no chat template"),
        (["tokenizer.json", "tokenizer_config.json"], "has no vocabulary; is its tokenizer.json missing?"),
        (["config.json"], "ensure the presence of a 'config.json'"),
    ],
)
async def test_file_that_a_model_lacks_is_named(broken: Path, missing: list[str], reason: str) -> None:
    for name in missing:
        (broken / name).unlink()
    said = await refusal(broken)
    assert str(broken) in said and reason in said


async def test_switch_that_the_template_does_not_know_is_refused_before_it_is_sampled(vllm: Vllm) -> None:
    with pytest.raises(EngineRefusedError, match="does not know 'enable_thinkin'; did you mean 'enable_thinking'"):
        await vllm.generate(request(chat_template_kwargs={"enable_thinkin": False}))
    await vllm.generate(request(chat_template_kwargs={"enable_thinking": False, "tools": None}))


async def test_tokens_of_reasoning_are_counted_by_the_tag_of_the_request(vllm: Vllm) -> None:
    closed = next(each for each in await many(vllm, 8) if CLOSE in each.text)
    assert closed.reasoning_tokens and 0 < closed.reasoning_tokens < closed.completion_tokens
    unknown = await vllm.generate(request(reasoning_ends=("a tag of several tokens",)))
    assert unknown.reasoning_tokens is None
