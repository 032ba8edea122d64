"""Nine ways in which a switch, a parser or a server went wrong without a word: each is refused, or seen as read."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.base import Completion
from hipo_data.prompts.families.loading import families
from hipo_data.prompts.families.reading import Parts
from hipo_data.prompts.families.roles import with_families
from hipo_data.schemas.config import RoleConfig, RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import FinishReason, Mode
from hipo_data.stages.asking.responses import read_completion
from tests.conftest import ROOT

ON, OFF = Mode.THINK_ON, Mode.THINK_OFF
SUM = "113+64=177"


def recipe(folder: Path, engine: dict[str, Any], switch: str) -> RunConfig:
    """A recipe for a model in `folder`, whose roles switch by an argument of that name."""
    roles = {name: {"engine": "teacher", "chat_template_kwargs": {switch: name == "think_on"}} for name in ROLES}
    sources = [{"type": "table", "path": "problems.jsonl"}]
    engines = {"teacher": {"type": "vllm", "model": str(folder), **engine}}
    return RunConfig.model_validate({"name": "a", "sources": sources, "engines": engines, "roles": roles})


ROLES = ("think_on", "think_off", "justifier")


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """The embedded teacher, to be changed."""
    return Path(shutil.copytree(ROOT / "models" / "tiny-hybrid", tmp_path / "teacher"))


def rename(folder: Path, *pairs: tuple[str, str]) -> None:
    path = folder / "chat_template.jinja"
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def back(text: str, mode: Mode, role: dict[str, Any] | None = None, **changes: Any) -> Parts:
    """What is read of a completion."""
    fields = {"finish_reason": FinishReason.STOP, "prompt_tokens": 1, "completion_tokens": 9, **changes}
    return read_completion(Completion(text=text, **fields), RoleConfig(engine="teacher", **(role or {})), mode)


def by(family: str) -> dict[str, Any]:
    return {"reading": families()[family].reading}


def test_argument_by_another_name_so_that_both_modes_think_is_refused(teacher: Path) -> None:
    with pytest.raises(UserError, match=r"roles\.think_on\..*does not know 'thinking'; did you mean 'enable_thinking'"):
        with_families(recipe(teacher, {}, "thinking"))


def test_argument_by_another_name_so_that_neither_mode_thinks_is_refused(teacher: Path) -> None:
    rename(teacher, ("enable_thinking is defined and enable_thinking is false", "not thinking"))
    with pytest.raises(UserError, match="does not know 'enable_thinking'; did you mean 'thinking'"):
        with_families(recipe(teacher, {}, "enable_thinking"))


def test_tags_of_another_name_are_read_by_their_family_and_reasoning_without_a_switch_is_seen(teacher: Path) -> None:
    rename(teacher, ("<think>", "<seed:think>"), ("</think>", "</seed:think>"), ("enable_thinking", "thinking_budget"))
    with pytest.raises(UserError, match="does not know 'enable_thinking'; did you mean 'thinking_budget'"):
        with_families(recipe(teacher, {}, "enable_thinking"))
    raw = f"<seed:think>\n{SUM}\n</seed:think>\n\n\\boxed{{177}}"
    assert back(raw, OFF, by("seed_oss")) == Parts(SUM, "\\boxed{177}")


def test_reasoning_parser_without_effect_is_refused_in_favour_of_the_family(teacher: Path) -> None:
    engine = {"args": {"reasoning_parser": "seed_oss"}}
    with pytest.raises(UserError, match=r"acts in vLLM's server alone.*say family: seed_oss in its place"):
        with_families(recipe(teacher, engine, "enable_thinking"))


@pytest.mark.parametrize("reply", [{"text": f"<think>{SUM}</think>177"}, {"text": "177", "reasoning": SUM}], ids=str)
def test_endpoint_that_reasons_in_both_modes_is_seen_in_either(reply: dict[str, Any]) -> None:
    for mode in (ON, OFF):
        assert back(mode=mode, **reply) == Parts(SUM, "177")


@pytest.mark.parametrize("mode", [ON, OFF])
def test_mode_that_an_endpoint_refuses_has_nothing_to_read(mode: Mode) -> None:
    assert back("", mode, finish_reason=FinishReason.ERROR) == Parts(None, None)


@pytest.mark.parametrize("mode", [ON, OFF])
def test_harmony_that_no_server_parsed_is_read_by_its_family(mode: Mode) -> None:
    assert back(f"analysis{SUM}assistantfinal177", mode, by("gpt_oss")) == Parts(SUM, "177")
    raw = f"<|channel|>analysis<|message|>{SUM}<|end|><|start|>assistant<|channel|>final<|message|>177<|return|>"
    assert back(raw, mode, by("gpt_oss")) == Parts(SUM, "177")


@pytest.mark.parametrize(
    ("family", "wrapper"), [("granite_3_3", "response"), ("hunyuan_a13b", "answer"), (None, "answer")]
)
def test_wrapper_around_an_answer_is_no_part_of_it(family: str | None, wrapper: str) -> None:
    role = by(family) if family else {}
    assert back(f"<{wrapper}>\n177\n</{wrapper}>", OFF, role) == Parts(None, "177")
    assert back(f"<think>{SUM}</think>\n<{wrapper}>177</{wrapper}>", ON, role) == Parts(SUM, "177")
