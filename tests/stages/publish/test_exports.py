"""Tables in other libraries' shapes, and chat templates that would change a response."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.records import Example, Mode
from hipo_data.stages.publish.exports import axolotl, llama_factory, trl, verl
from hipo_data.stages.publish.exports.chat_template import Render, objection
from hipo_data.stages.publish.exports.turns import of_format
from tests.conftest import ROOT
from tests.support.published import make_example, make_problems

SYSTEM = {"role": "system", "content": "Be brief."}


class Generation(Extension):
    """`{% generation %}`, by which templates mark what the assistant says."""

    tags: ClassVar[set[str]] = {"generation"}

    def parse(self, parser: Any) -> Any:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def rendering(template: str, **switch: Any) -> Render:
    """As transformers renders."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation])
    compiled = environment.from_string(template)
    return lambda turns, prompt: compiled.render(
        messages=list(turns), add_generation_prompt=prompt, bos_token="", **switch
    )


def shipped(name: str) -> str:
    """A model's template that TRL ships."""
    found = find_spec("trl")
    if found is None or not found.submodule_search_locations:
        pytest.skip("TRL, which ships the models' chat templates, is not installed")
    return (Path(found.submodule_search_locations[0]) / "chat_templates" / f"{name}.jinja").read_text()


def examples(form: str = "hipo", system: bool = False) -> pl.DataFrame:
    made = [make_example(problem, number, form) for number, problem in enumerate(make_problems())]
    frame = pl.DataFrame(to_table(made, Example))
    if not system:
        return frame
    turns = [[SYSTEM, *row] for row in frame["messages"].to_list()]
    return frame.with_columns(messages=pl.Series(turns, dtype=frame.schema["messages"]))


def test_trl_gets_a_prompt_of_all_turns_but_the_last() -> None:
    source = examples(system=True)
    rows = trl.prompt_completion(source).to_dicts()
    assert [row["prompt"] + row["completion"] for row in rows] == source["messages"].to_list()
    assert {len(row["completion"]) for row in rows} == {1}
    assert {row["completion"][0]["role"] for row in rows} == {"assistant"}
    assert rows[0]["prompt"] == [SYSTEM, {"role": "user", "content": source["question"][0]}]


def test_rows_of_a_format_whose_template_chooses_the_mode_say_which() -> None:
    rows = trl.messages(examples("qwen3")).to_dicts()
    asked = [(row["mode"], row["chat_template_kwargs"]) for row in rows[:2]]
    assert asked == [("think_on", {"enable_thinking": True}), ("think_off", {"enable_thinking": False})]
    assert "chat_template_kwargs" not in trl.messages(examples("hipo")).columns


def test_verl_gets_the_mode_as_enable_thinking() -> None:
    rows = verl.sft(examples())
    assert rows["enable_thinking"].to_list() == [mode == "think_on" for mode in rows["mode"]]
    assert set(rows["enable_thinking"]) == {True, False}


def test_llama_factory_gets_its_own_names_of_roles() -> None:
    rows = llama_factory.sharegpt(examples(system=True))["conversations"].to_list()
    assert [[turn["from"] for turn in row] for row in rows] == [["system", "human", "gpt"]] * len(rows)
    assert [row[-1]["value"] for row in rows] == [row[-1]["content"] for row in examples()["messages"]]


def test_llama_factory_gets_think_off_without_what_its_template_writes_into_the_prompt() -> None:
    source = examples("qwen3", system=True)
    rows = llama_factory.sharegpt(source)["conversations"].to_list()
    assert [row[1]["value"] for row in rows] == source["question"].to_list()
    for row, mode, answer in zip(rows, source["mode"], source["messages"], strict=True):
        held = "<think>\n\n</think>\n\n" if mode == "think_off" else ""
        assert held + row[-1]["value"] == answer[-1]["content"]
        assert row[-1]["from"] == "gpt"


@pytest.mark.parametrize("form", FORMATS)
def test_axolotl_trains_on_what_the_prompt_of_the_mode_does_not_hold(form: str) -> None:
    source = examples(form, system=True)
    for row, turns in zip(axolotl.messages(source).to_dicts(), source["messages"].to_list(), strict=True):
        *before, last = row["messages"]
        assert [{name: turn[name] for name in ("role", "content")} for turn in row["messages"]] == turns
        assert all(turn["train_detail"] is None for turn in before)
        given, text = FORMATS[form].given(Mode(row["mode"])), last["content"]
        detail = [{"begin_offset": len(given), "end_offset": len(text) - 1, "train": True}]
        assert last["train_detail"] == (detail if given else None)


def test_a_dataset_of_two_formats_is_refused() -> None:
    with pytest.raises(ValueError, match=r"have one format .*these have \['hipo', 'qwen3'\]"):
        of_format(pl.concat([examples("hipo"), examples("qwen3")]))


@pytest.mark.parametrize("form", FORMATS)
def test_our_chat_template_renders_every_format_whole(form: str) -> None:
    for row in examples(form, system=True).to_dicts():
        switch = FORMATS[form].chat_template_kwargs(row["mode"])
        render = rendering(chat_template(FORMATS[form]), **switch)
        assert objection(row["messages"], render, turn_by_turn=True) is None
        whole, prompt = render(row["messages"], False), render(row["messages"][:-1], True)
        assert whole.endswith(f"<|im_start|>assistant\n{row['messages'][-1]['content']}<|im_end|>\n")
        assert prompt.endswith(f"<|im_start|>assistant\n{FORMATS[form].prompt_suffix}") or switch


def objections(form: str, template: str, **how: Any) -> list[str | None]:
    """One of think-on, one of think-off."""
    return [
        objection(row["messages"], rendering(template, **FORMATS[form].chat_template_kwargs(row["mode"])), **how)
        for row in examples(form).to_dicts()[:2]
    ]


@pytest.mark.parametrize(
    ("form", "template", "on", "off"),
    [
        (
            "hipo",
            "qwen3",
            "drops '<judge>' from the response",
            "puts '<think>\\n\\n</think>\\n\\n' before the response",
        ),
        ("hipo", "deepseek_r1_distill", "drops '<judge>' from", "opens the response with '<think>\\n'"),
        ("thinkless", "qwen3", None, "puts '<think>\\n\\n</think>\\n\\n' before the response"),
        ("qwen3", "qwen3", None, None),
        ("hipo", "qwen2_5", None, None),
    ],
)
def test_templates_of_models_that_change_a_response_are_found_out(
    form: str, template: str, on: str | None, off: str | None
) -> None:
    for found, said in zip(objections(form, shipped(template)), (on, off), strict=True):
        assert (found is None) == (said is None), found
        assert said is None or (found is not None and said in found)


def test_qwen3s_template_drops_reasoning_from_a_turn_that_is_rendered_alone() -> None:
    on, _ = objections("qwen3", shipped("qwen3"), turn_by_turn=True)
    assert on is not None
    assert "from a response that is rendered alone" in on


def test_the_teachers_template_opens_a_thought_that_hipo_does_not_begin_with() -> None:
    found = objections("hipo", (ROOT / "models/tiny-hybrid/chat_template.jinja").read_text())
    assert found == ["opens the response with '<think>\\n', with which it does not begin"] * 2
