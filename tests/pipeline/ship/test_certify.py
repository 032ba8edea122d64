"""The certificate says what a chat template trains of each row, and what is wrong with that."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hipo_data.pipeline.cli import app
from hipo_data.pipeline.ship.certify import certify, page
from hipo_data.pipeline.ship.published import Published, published
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.stages.publish.certificate.certificate import Certificate
from tests.pipeline.ship.test_export_levels import with_arms
from tests.support.published import Rows, make_published

QWEN = """{%- for m in messages -%}<|im_start|>{{ m.role }}
{% if m.role == "assistant" %}{% generation %}BEFORE{{ m.content }}AFTER{% endgeneration %}{% else %}{{ m.content }}
{%- endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@pytest.fixture
def hipo(tmp_path: Path) -> Published:
    return published(str(make_published(tmp_path / "hipo")))


@pytest.fixture
def qwen3(tmp_path: Path) -> Published:
    return published(str(make_published(tmp_path / "qwen3", "qwen3")))


def failed(certificate: Certificate) -> dict[str, int]:
    return {name: check.failed for name, check in certificate.checks.items() if check.failed}


def template(folder: Path, text: str) -> str:
    path = folder / "own.jinja"
    path.write_text(text)
    return str(path)


def own(folder: Path, before: str = "", after: str = "<|im_end|>") -> str:
    """A template that trains responses with something around them; the prompt of hipo and ours ends in the head."""
    text = QWEN.replace("<|im_end|>\n{% endfor %}", "\n{% endfor %}").replace("BEFORE", before).replace("AFTER", after)
    return template(folder, text)


@pytest.mark.parametrize("form", FORMATS)
def test_the_template_of_the_exports_holds_for_every_format(tmp_path: Path, form: str) -> None:
    found, shown = certify(published(str(make_published(tmp_path, form))), "ours")
    assert found.ok and found.rows == 8 and not failed(found)
    assert {name for name, check in found.checks.items() if not check.looked_at} == {"cut", "earlier_turns"}
    assert {mode: of.rows for mode, of in found.modes.items()} == {"think_on": 4, "think_off": 4}
    assert found.earlier is not None and (found.earlier.response, found.earlier.trained) == ("whole", True)
    assert {row.mode.value for row in shown} == {"think_on", "think_off"}


def test_arms_have_figures_of_their_own(tmp_path: Path) -> None:
    found, shown = certify(published(str(make_published(tmp_path, spoil=with_arms))), "ours")
    assert found.ok and not failed(found)
    assert sum(of.rows for of in found.modes.values()) == 8
    assert found.modes["short"].rows and found.modes["short"].trained_characters
    assert {row.mode.value for row in shown} == {"think_on", "think_off", "short"}
    assert ">short<" in page(found, shown)


TRL = [
    ("hipo", "qwen3_training", None, {"response_changed": 4, "added_text": 4, "judge_lost": 4}),
    ("hipo", "deepseek_r1_distill_training", None, {"prompt_differs": 8}),
    ("hipo", "gptoss_training", None, {}),
    ("hipo", "qwen3_8_training", None, {"added_text": 8, "empty_think_under_on": 4}),
    ("hipo", "nemotron_3_super_training", None, {"added_text": 4, "prompt_differs": 8}),
    ("qwen3", "qwen3_training", None, {"other_mode_taught": 4}),
    ("qwen3", "qwen3_5_think_training", None, {"other_mode_taught": 4}),
    ("qwen3", "qwen3_6_training", None, {"other_mode_taught": 4}),
    ("qwen3", "qwen3", None, {}),
    ("qwen3", "qwen3_5_think", None, {}),
    ("qwen3", "qwen3_6", None, {}),
    ("qwen3", "qwen3_8_training", None, {"added_text": 8, "empty_think_under_on": 4}),
    ("qwen3", "qwen3_8_training", "reasoning_content", {}),
    ("qwen3", "deepseek_r1_distill_training", None, {"modes_alike": 8}),
    ("qwen3", "glm4moe_training", None, {"response_changed": 8}),
    ("qwen3", "glm4moe_training", "reasoning_content", {}),
    ("qwen3", "gptoss_training", "thinking", {"modes_alike": 8}),
    ("qwen3", "nemotron_3_super_training", None, {"prompt_differs": 4}),
    ("qwen3", "nemotron_3_super_training", "reasoning_content", {}),
    ("qwen3", "nemotron_3_nano_training", "reasoning_content", {}),
]


@pytest.mark.parametrize(("form", "name", "reasoning_field", "says"), TRL)
def test_trls_own_templates_hold_or_not_as_the_page_says(
    request: pytest.FixtureRequest, form: str, name: str, reasoning_field: str | None, says: dict[str, int]
) -> None:
    found, _ = certify(request.getfixturevalue(form), f"trl/{name}", reasoning_field=reasoning_field)
    assert failed(found) == says
    assert found.ok is not bool(says)
    assert found.trained == ("marked by the template" if "training" in name else "the completion after the prompt")


def test_qwen3s_empty_block_is_taught_after_the_prompt_that_asks_for_thinking(qwen3: Published) -> None:
    found, _ = certify(qwen3, "trl/qwen3_training")
    first = found.checks["other_mode_taught"].first
    assert first is not None and first.startswith("sft/train-0000")
    assert first.endswith(r"'<think>\n\n</think>\n\n' is trained after the prompt of think_on")
    assert (found.modes["think_off"].empty_think, found.modes["think_on"].empty_think) == (4, 0)
    assert found.modes["think_off"].prompt_trained == 4


@pytest.mark.parametrize(
    ("before", "after", "code", "words"),
    [
        ("", "", "end_untrained", "nothing is trained"),
        ("<think>\nso\n</think>\n", "<|im_end|>", "reasoning_under_off", "'\\nso\\n' as reasoning"),
        ("<think> </think>", "<|im_end|>", "empty_think_under_on", "an empty <think> block"),
        ("Well: ", "<|im_end|>", "added_text", "'Well: ' is trained in front of it"),
        ("<think>", "<|im_end|>", "unbalanced_think", "2 <think> and 1 </think>"),
    ],
)
def test_what_a_template_adds_or_leaves_out_is_found(
    hipo: Published, tmp_path: Path, before: str, after: str, code: str, words: str
) -> None:
    found, _ = certify(hipo, own(tmp_path, before, after))
    first = found.checks[code].first
    assert first is not None and words in first and not found.ok
    assert certify(hipo, own(tmp_path))[0].ok


def test_rows_of_which_nothing_is_trained_or_that_are_refused(hipo: Published, tmp_path: Path) -> None:
    nothing = template(
        tmp_path, "{% generation %}{% endgeneration %}{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    assert failed(certify(hipo, nothing)[0])["nothing_trained"] == 8
    refused = template(tmp_path, "{% if messages | length > 1 %}{{ raise_exception('no answers') }}{% endif %}")
    found, _ = certify(hipo, refused)
    assert failed(found)["template_error"] == 8
    assert (found.checks["template_error"].first or "").endswith("no answers")


def test_a_spoilt_row_fails_by_itself(tmp_path: Path) -> None:
    def spoil(part: str, split: str, rows: Rows) -> None:
        if (part, split) == ("sft", "train"):
            row = next(row for row in rows if row["mode"] == "think_off")
            row["messages"][-1]["content"] = "<judge>\nno\n</judge>\n\n<think_off>\n<answer>\n7\n</answer>"

    found, _ = certify(published(str(make_published(tmp_path, spoil=spoil))), "ours")
    assert failed(found) == {"judge_lost": 1, "answer_lost": 1} and found.failed == 1


def test_what_thinks_aloud_is_counted_before_and_after(tmp_path: Path) -> None:
    def aloud(part: str, _split: str, rows: Rows) -> None:
        for row in rows if part == "sft" else ():
            if row["mode"] == "think_off":
                text = row["answer"] + "\nWait, let me double-check. Hmm, wait, that is wrong."
                row["messages"][-1]["content"] = row["messages"][-1]["content"].replace(row["answer"], text)
                row["answer"] = text

    found, _ = certify(published(str(make_published(tmp_path, spoil=aloud))), "ours")
    off = found.modes["think_off"]
    assert (off.aloud_before, off.aloud_after, found.modes["think_on"].aloud_after) == (4, 4, 0)


def test_tokens_that_are_cut_are_counted_by_a_tokenizer(hipo: Published) -> None:
    found, _ = certify(hipo, "ours", tokenizer="models/tiny-hybrid", max_length=60)
    on = found.modes["think_on"]
    assert on.longest_tokens is not None and on.longest_tokens > 60 and on.trained_tokens
    assert found.checks["cut"].failed == sum(of.cut or 0 for of in found.modes.values()) > 0
    assert certify(hipo, "ours", tokenizer="models/tiny-hybrid", max_length=10_000)[0].ok
    with pytest.raises(UserError, match="--max-length counts tokens: name a --tokenizer"):
        certify(hipo, "ours", max_length=60)


def test_a_tokenizers_own_template_is_used_with_its_tokens(tmp_path: Path, hipo: Published) -> None:
    found, _ = certify(hipo, "models/tiny-hybrid")
    assert found.tokenizer == "models/tiny-hybrid" and found.modes["think_on"].trained_tokens


def test_earlier_turns_are_as_wanted(qwen3: Published) -> None:
    kept, _ = certify(qwen3, "ours", earlier="kept")
    assert kept.ok and kept.earlier is not None and kept.earlier.reasoning == "kept"
    other, _ = certify(qwen3, "ours", earlier="dropped")
    assert other.checks["earlier_turns"].first == "the reasoning of an earlier turn is kept, and is to be dropped"
    assert certify(qwen3, "trl/qwen3", earlier="dropped")[0].ok


def test_the_page_escapes_what_rows_say_and_marks_what_is_trained(tmp_path: Path) -> None:
    def hostile(part: str, _split: str, rows: Rows) -> None:
        for row in rows if part == "sft" else ():
            row["messages"][0]["content"] = "<script>alert(1)</script>"

    text = page(*certify(published(str(make_published(tmp_path, spoil=hostile))), "ours"))
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text
    assert "<mark>" in text and "Read and signed by" in text and text.count("<h3>") == 6
    assert text.count("not looked at") == 2


def test_the_command_writes_json_for_ci_and_a_page_for_people(tmp_path: Path) -> None:
    folder = str(make_published(tmp_path / "data", "qwen3"))
    run = CliRunner()
    fine = run.invoke(app, ["validate", folder, "--template", "ours", "--page", str(tmp_path / "page.html"), "--json"])
    assert fine.exit_code == 0 and json.loads(fine.stdout)["ok"] is True
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    said = run.invoke(app, ["validate", folder, "--template", "trl/qwen3_training"])
    assert said.exit_code == 1
    assert "FAILS  other_mode_taught: 4 of 8 rows" in said.stdout and "think_on: 4 rows" in said.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--json"], "are for --template"),
        (["--template", "trl/qwen9"], "has no template 'qwen9'; those for training are cohere2_training"),
        (["--template", "no/such/folder"], "give ours, trl/NAME, a file of Jinja, or a tokenizer"),
        (["--template", "ours", "--earlier", "gone"], "--earlier is kept or dropped"),
    ],
)
def test_a_template_that_there_is_not_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = CliRunner().invoke(app, ["validate", str(make_published(tmp_path)), *options])
    assert isinstance(done.exception, UserError | SystemExit) and words in str(done.exception) + done.output
