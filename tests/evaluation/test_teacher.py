"""The embedded teacher, evaluated for real: by transformers, by vLLM, and through vLLM's own server."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hipo_data.evaluation.backend import Ask, Backend, LocalModel, Sampling
from hipo_data.evaluation.endpoint import EndpointBackend, endpoint_config
from hipo_data.evaluation.evaluate import evaluate
from hipo_data.evaluation.result import EvaluationResult
from hipo_data.evaluation.transformers import TransformersBackend
from hipo_data.evaluation.vllm import VllmBackend
from hipo_data.models.make.measure import KINDS
from hipo_data.models.make.problems import choose, code_gold
from hipo_data.models.make.tasks import FAMILIES, MODES
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import FinishReason, Mode
from tests.support.commands import write_lines

SAMPLING = Sampling(temperature=1.0, top_p=0.95, max_tokens=256)


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four held-out problems of each of the teacher's families."""
    tasks = [task for family in FAMILIES for task in choose(family, "heldout", 4, seed=5)]
    rows = [
        {
            "question": task.question,
            "gold": code_gold(task) if task.is_code else task.answer,
            "kind": "code" if task.is_code else "math",
            "family": task.family,
        }
        for task in tasks
    ]
    return write_lines(tmp_path_factory.mktemp("set") / "teacher.jsonl", rows)


@pytest.fixture(scope="module")
def teacher(repo_root: Path) -> Path:
    return repo_root / "models" / "tiny-hybrid"


def check(found: EvaluationResult) -> None:
    """What the model card says, loosely: thinking pays where it is meant to, and costs; other families need none."""
    on, off = found.figures["think_on"], found.figures["think_off"]
    assert on.accuracy.value is not None and off.accuracy.value is not None
    assert on.accuracy.value > off.accuracy.value
    assert on.tokens.mean is not None and off.tokens.mean is not None
    assert on.tokens.mean > 2 * off.tokens.mean
    assert (on.modes.ratio_t, off.modes.ratio_t, found.free.modes.ratio_t) == (1.0, 0.0, 1.0)
    assert (on.well_formed, off.well_formed, on.failed, on.accuracy.unknown) == (1.0, 1.0, 0, 0)
    families = {group.value: group for group in found.groups if group.by == "family"}
    right = {
        kind: {mode: sum(families[name].figures[mode].accuracy.right for name in names) for mode in MODES}
        for kind, names in KINDS.items()
    }
    helps, harms, direct = right["thinking helps"], right["thinking does harm"], right["a direct answer does"]
    assert helps["think_on"] > helps["think_off"] + 0.15 * 24
    assert harms["think_off"] >= 3 and direct["think_off"] >= 6
    assert families["sum2"].hybrid_accuracy is not None and found.hybrid_accuracy is not None
    assert found.hybrid_accuracy.problems == 44


@pytest.mark.long
def test_through_transformers_twice_the_same(problems: Path, teacher: Path, tmp_path: Path) -> None:
    found = evaluate(teacher, problems, "qwen3", [0], True, tmp_path / "a", "transformers", sampling=SAMPLING)
    check(found)
    again = evaluate(teacher, problems, "qwen3", [0], True, tmp_path / "b", "transformers", sampling=SAMPLING)
    assert again.figures == found.figures


@pytest.mark.long
def test_through_vllm(problems: Path, teacher: Path, tmp_path: Path) -> None:
    backend = VllmBackend(LocalModel(options={"max_model_len": 512, "dtype": "float32"}))
    check(evaluate(teacher, problems, "qwen3", [0], True, tmp_path, backend, sampling=SAMPLING))


@pytest.mark.slow
@pytest.mark.parametrize("knows_tokenizer", [True, pytest.param(False, marks=pytest.mark.long)])
def test_through_an_endpoint_with_and_without_its_tokenizer(
    vllm_server: str, problems: Path, teacher: Path, tmp_path: Path, knows_tokenizer: bool
) -> None:
    backend = EndpointBackend(endpoint_config(vllm_server), str(teacher) if knows_tokenizer else None)
    check(evaluate("teacher", problems, "qwen3", [0], True, tmp_path, backend, sampling=SAMPLING))


def check_until(backend: Backend, model: str) -> None:
    """Responses that a text ends hold it at their end, and count what was written up to there."""
    asks = [Ask(({"role": "user", "content": f"What is {n} + {n}?"},), n, Mode.THINK_ON) for n in (2, 31, 475)]
    with closing(backend):
        backend.start(model, FORMATS["qwen3"])
        found = backend.generate(asks, replace(SAMPLING, temperature=0, until="</think>"))
        whole = backend.generate(asks, replace(SAMPLING, temperature=0))
    for short, long in zip(found, whole, strict=True):
        assert short.text == long.text.partition("</think>")[0] + "</think>"
        assert short.finish_reason is FinishReason.STOP
        assert short.tokens is not None and long.tokens is not None and 0 < short.tokens < long.tokens
    assert len({each.tokens for each in found}) > 1


@pytest.mark.slow
def test_a_text_ends_responses_of_transformers(teacher: Path) -> None:
    check_until(TransformersBackend(), str(teacher))


@pytest.mark.slow
def test_a_text_ends_responses_of_an_endpoint(vllm_server: str, teacher: Path) -> None:
    check_until(EndpointBackend(endpoint_config(vllm_server), str(teacher)), "teacher")


@pytest.mark.long
def test_a_text_ends_responses_of_vllm(teacher: Path) -> None:
    options = {"max_model_len": 512, "dtype": "float32"}
    check_until(VllmBackend(LocalModel(options=options)), str(teacher))


@pytest.mark.slow
def test_a_prompt_that_the_context_cannot_hold_is_unknown(teacher: Path, tmp_path: Path) -> None:
    long = " and ".join(["12"] * 200)
    path = write_lines(
        tmp_path / "set.jsonl",
        [{"question": "What is 1 + 1?", "gold": "2"}, {"question": f"What is {long}?", "gold": "2"}],
    )
    found = evaluate(teacher, path, "qwen3", [0], False, tmp_path / "out", TransformersBackend(), sampling=SAMPLING)
    assert (found.free.failed, found.free.accuracy.graded, found.free.accuracy.unknown) == (1, 1, 1)


def test_a_base_model_without_a_chat_template_is_refused(teacher: Path, problems: Path, tmp_path: Path) -> None:
    from hipo_data.schemas.errors import UserError

    shutil.copytree(teacher, tmp_path / "base")
    (tmp_path / "base" / "chat_template.jinja").unlink()
    for backend in ("transformers", "vllm"):
        with pytest.raises(UserError, match="has no chat template"):
            evaluate(tmp_path / "base", problems, "qwen3", [0], False, tmp_path / backend, backend)
