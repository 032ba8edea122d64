"""Rollouts of other tools become problems and responses in the mode that they show, whatever the tool."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hipo_data.schemas.records import FinishReason, Mode, Status
from hipo_data.schemas.source_config import AdapterConfig, SourceConfig
from hipo_data.stages.ingest.origins import files_of
from hipo_data.stages.ingest.sources import own_config
from tests.stages.ingest.elsewhere.files_of_tools import FILES, NEMO_GYM
from tests.stages.ingest.ingesting import Ingested, read, write, write_parquet
from tests.support.elsewhere.sums import MODEL, SUMS, responses

ROW = {"question": "What is 1 + 1?", "answer": "2", "response": "<think>\nso\n</think>\n\n\\boxed{2}"}


def source(path: Path, **changes: Any) -> AdapterConfig:
    return own_config(SourceConfig.model_validate({"type": "rollouts", "path": str(path), **changes}))


def table(path: Path, rows: list[dict[str, Any]], **changes: Any) -> AdapterConfig:
    return source(write(path, list(rows)), format="table", **changes)


def responses_of(done: Ingested) -> set[tuple[str, str, str]]:
    """Question, mode and text of all responses."""
    questions = {problem.problem_id: problem.question for problem in done.problems}
    return {(questions[each.problem_id], each.mode.value, each.text) for each in done.responses}


def expected(without_reasoning: bool = False) -> set[tuple[str, str, str]]:
    found = set()
    for place, (question, _) in enumerate(SUMS):
        for each in responses(place):
            if each.ended == "error":
                continue
            text = each.answer if each.reasoning is None else f"<think>\n{each.reasoning}\n</think>\n\n{each.answer}"
            text = f"<think>\n{each.reasoning}" if each.ended == "length" else text
            found.add((question, "think_on" if each.reasoning else "think_off", text))
    return found


@pytest.mark.parametrize("tool", FILES)
def test_each_tools_file_holds_the_same_rollouts(tool: str) -> None:
    done = read(source(FILES[tool]))
    assert {problem.question for problem in done.problems} == {question for question, _ in SUMS}
    assert [problem.gold.answers for problem in sorted(done.problems, key=lambda each: each.question)] == [  # type: ignore[union-attr]
        [gold] for _, gold in sorted(SUMS)
    ]
    assert responses_of(done) == expected()
    if tool != "lighteval":  # which does not say who wrote them, nor why a response ended
        assert {each.model for each in done.responses} == {MODEL}
        cut = [each.text for each in done.responses if each.finish_reason is FinishReason.LENGTH]
        assert cut == ["<think>\nI count and count"]
    assert all(each.given is None and each.given_by is None for each in done.responses)


@pytest.mark.parametrize(("tool", "reason"), [(tool, "failed_rollout") for tool in FILES if tool != "nemo_gym"])
def test_what_failed_is_refused_and_not_wrong(tool: str, reason: str) -> None:
    done = read(source(FILES[tool]))
    (refused,) = done.rejected
    assert (refused.reason, "hung up" in refused.detail) == (
        ("no_response", False) if tool == "lighteval" else (reason, True)
    )


def test_nemo_gyms_failures_are_no_rollouts() -> None:
    done = read(source(NEMO_GYM.with_name("rollouts_failures.jsonl")))
    assert [(each.reason, "server_error" in each.detail) for each in done.rejected] == [("failed_rollout", True)]


def test_nemo_gyms_golds_come_from_its_materialised_inputs(tmp_path: Path) -> None:
    alone = tmp_path / "rollouts.jsonl"
    alone.write_bytes(NEMO_GYM.read_bytes())
    done = read(source(alone))
    assert {each.reason for each in done.rejected} == {"no_gold"} and not done.problems
    assert "`columns.gold`" in done.rejected[0].detail
    (before,) = files_of(source(alone))
    inputs = tmp_path / "elsewhere.jsonl"
    inputs.write_bytes(NEMO_GYM.with_name("rollouts_materialized_inputs.jsonl").read_bytes())
    config = source(alone, inputs=str(inputs))
    assert responses_of(read(config)) == expected()
    assert files_of(config)[0].identity() != before.identity()  # so that other golds are another source


@pytest.mark.parametrize("tool", [tool for tool in FILES if tool not in ("inspect", "lighteval")])
def test_their_grades_are_trusted_where_asked_and_say_whose_they_are(tool: str) -> None:
    done = read(source(FILES[tool], grades="theirs"))
    assert {each.given_by for each in done.responses} == {tool}
    right = {each.text for each in done.responses if each.given is Status.CORRECT}
    assert right == {f"<think>\nAdding up gives {gold}.\n</think>\n\nIt is \\boxed{{{gold}}}." for _, gold in SUMS} | {
        f"\\boxed{{{gold}}}" for _, gold in SUMS
    }
    assert all(each.given is not None for each in done.responses)


def test_a_reward_counts_as_right_from_where_the_recipe_says(tmp_path: Path) -> None:
    rows = [{**ROW, "reward": reward} for reward in (0.0, 0.4, 0.5, 1.0, True, False)]
    done = read(table(tmp_path / "r.jsonl", rows, columns={"reward": "reward"}, grades="theirs", right_from=0.5))
    assert [each.given is Status.CORRECT for each in done.responses] == [False, False, True, True, True, False]
    without = read(table(tmp_path / "r.jsonl", [ROW, {**ROW, "reward": float("nan")}], grades="theirs"))
    assert [each.reason for each in without.rejected] == ["no_grade", "no_grade"]


def test_a_grade_of_several_responses_together_is_nobodys(tmp_path: Path) -> None:
    done = read(source(FILES["lighteval"], grades="theirs"))
    assert {each.reason for each in done.rejected} == {"no_grade", "no_response"}


def test_a_column_of_modes_wins_over_what_responses_show(tmp_path: Path) -> None:
    rows = [{**ROW, "effort": effort} for effort in ("high", "none", "medium")]
    config = table(tmp_path / "r.jsonl", rows, columns={"mode": "effort"}, modes={"high": "think_on"})
    done = read(config)
    assert [each.mode for each in done.responses] == [Mode.THINK_ON, Mode.THINK_OFF]
    (refused,) = done.rejected
    assert refused.reason == "unknown_mode" and "{medium: think_on}" in refused.detail
    all_off = read(table(tmp_path / "r.jsonl", rows, mode="think_off"))
    assert {each.mode for each in all_off.responses} == {Mode.THINK_OFF}


def test_rows_of_any_shape_by_their_columns(tmp_path: Path) -> None:
    rows = [
        {
            "q": {"text": "What is 2 + 2?"}, "gold": 4, "uid": "a", "rewards": [1, 0], "why": ["stop", "length"],
            "thoughts": ["two and two", "two and"], "outs": ["\\boxed{4}", ""], "who": "m/1",
        }
    ]  # fmt: skip
    columns = {
        "question": "q.text", "gold": "gold", "id": "uid", "reward": "rewards", "ended": "why", "model": "who",
        "reasoning": "thoughts", "response": "outs",
    }  # fmt: skip
    done = read(table(tmp_path / "r.jsonl", rows, columns=columns, grades="theirs"))
    assert [(each.text, each.model, each.finish_reason, each.given) for each in done.responses] == [
        ("<think>\ntwo and two\n</think>\n\n\\boxed{4}", "m/1", FinishReason.STOP, Status.CORRECT),
        ("<think>\ntwo and", "m/1", FinishReason.LENGTH, Status.INCORRECT),
    ]
    assert [source.id for source in done.problems[0].sources] == ["a", "a"]
    chat = {"messages": [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "\\boxed{2}"}]}
    chats = write_parquet(tmp_path / "c.parquet", [{**chat, "answer": "2"}])
    turns = read(source(chats, format="table", columns={"question": "messages", "response": "messages"}))
    assert [(each.text, each.mode) for each in turns.responses] == [("\\boxed{2}", Mode.THINK_OFF)]


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"response": ""}, "no_response", "empty"),
        ({"response": None}, "bad_column", "'response' is missing or null; the row has question, answer"),
        ({"answer": None}, "no_gold", "say in `columns.gold`"),
        ({"question": "  "}, "empty_question", "empty"),
        (
            {"response": [{"role": "assistant", "content": "a", "tool_calls": [{}]}, {"role": "tool", "content": "b"}]},
            "tool_calls",
            "no single text",
        ),
        (
            {"response": [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "several_turns",
            "2 assistant turns",
        ),
    ],
)
def test_what_is_no_rollout_is_quarantined_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str, words: str
) -> None:
    done = read(table(tmp_path / "r.jsonl", [{**ROW, **changes}, {**ROW, "question": "What is 3 + 4?"}]))
    (refused,) = done.rejected
    assert (refused.reason, words in refused.detail) == (reason, True), refused.detail
    assert len(done.responses) == 1 and refused.row


def test_a_rollout_that_comes_twice_counts_once(tmp_path: Path) -> None:
    twice = tmp_path / "rollouts.jsonl"
    twice.write_bytes(NEMO_GYM.read_bytes() + NEMO_GYM.read_bytes().splitlines(keepends=True)[0])
    done = read(source(twice, inputs=str(NEMO_GYM.with_name("rollouts_materialized_inputs.jsonl"))))
    assert [(each.reason, each.detail) for each in done.rejected] == [
        ("duplicate_rollout", "the file has rollout 0-0 already")
    ]
    rows = [{**ROW, "n": n} for n in (1, 2, 1)]
    named = read(table(tmp_path / "r.jsonl", rows, columns={"rollout": "n"}))
    assert (len(named.responses), [each.reason for each in named.rejected]) == (2, ["duplicate_rollout"])


def test_reasoning_that_is_hidden_is_of_neither_mode(tmp_path: Path) -> None:
    row = json.loads(NEMO_GYM.read_text().splitlines()[2])
    usage = {"input_tokens": 1, "output_tokens": 90, "output_tokens_details": {"reasoning_tokens": 88}}
    row["response"]["usage"], row["expected_answer"] = usage, "5"
    done = read(source(write(tmp_path / "rollouts.jsonl", [row])))
    assert [(each.reason, "88 tokens" in each.detail) for each in done.rejected] == [("hidden_reasoning", True)]


def test_files_of_another_version_or_of_nobody_are_named(tmp_path: Path) -> None:
    trace = json.loads(FILES["verifiers"].read_text().splitlines()[0])
    trace["traces"][0]["version"] = 2
    log = {"version": 3, "status": "success", "eval": {}, "samples": []}
    old = {"predictions": ["4"], "gold": ["4"], "example": "2 + 2?"}
    said = []
    for name, rows in (("a", [trace]), ("b", [log]), ("c", [old]), ("d", [{"foo": 1, "bar": 2}]), ("e", ["[1, 2"])):
        (refused,) = read(source(write(tmp_path / f"{name}.jsonl", rows))).rejected
        said.append((refused.reason, refused.detail))
    assert said[0] == ("other_version", "the trace is of version 2; version 1 can be read")
    assert said[1][0] == "unreadable_file" and "inspect log of version 3; versions 1 and 2" in said[1][1]
    assert said[2] == ("other_version", "the details are of lighteval 0.9 or before; 0.10 and later can be read")
    assert said[3][0] == "unreadable_file" and "its first object has foo, bar; set the source's format" in said[3][1]
    assert said[4][0] == "unreadable_file" and "neither JSON Lines nor one JSON document" in said[4][1]


def test_a_broken_line_and_a_foreign_row_cost_themselves_alone(tmp_path: Path) -> None:
    lines: list[Any] = FILES["verifiers"].read_text().splitlines()
    rows = [lines[0], '{"traces": ', {"traces": [{"nodes": 3}]}, *lines[1:]]
    done = read(source(write(tmp_path / "traces.jsonl", rows)))
    assert responses_of(done) == expected()
    assert [each.reason for each in done.rejected] == ["unreadable", "bad_column", "failed_rollout"]


def test_an_inspect_log_as_json_and_one_that_is_cut_off(tmp_path: Path) -> None:
    data = FILES["inspect"].read_bytes()
    cut = tmp_path / "cut.eval"
    cut.write_bytes(data[: len(data) // 2])
    (refused,) = read(source(cut)).rejected
    assert (refused.reason, "damaged log of inspect" in refused.detail) == ("unreadable_file", True)
    assistant = {"role": "assistant", "content": "attachment://x"}
    sample = {
        "id": 1, "epoch": 1, "input": "attachment://q", "target": ["2"], "scores": {"s": {"value": "P"}},
        "output": {"model": "m", "choices": [{"message": assistant, "stop_reason": "stop"}]}, "messages": [assistant],
        "attachments": {"q": "What is 1 + 1?", "x": "\\boxed{2}"},
    }  # fmt: skip
    log = {"version": 2, "status": "success", "eval": {}, "samples": [sample]}
    (tmp_path / "log.json").write_text(json.dumps(log, indent=2))
    done = read(source(tmp_path / "log.json", grades="theirs", right_from=0.5))
    assert [(each.text, each.given) for each in done.responses] == [("\\boxed{2}", Status.CORRECT)]
    assert done.problems[0].question == "What is 1 + 1?"


def test_results_of_earlier_verifiers_say_their_mode_only_in_tags(tmp_path: Path) -> None:
    turns = [{"role": "assistant", "content": "<think>\none and one\n</think>\n\n\\boxed{2}"}]
    row = {"example_id": 7, "prompt": [{"role": "user", "content": "What is 1 + 1?"}], "answer": "2", "reward": 1.0}
    plain = [{"role": "assistant", "content": "\\boxed{2}"}]
    rows = [{**row, "completion": turns}, {**row, "completion": plain}, {**row, "completion": [], "error": "Timeout"}]
    path = write(tmp_path / "results.jsonl", rows)
    done = read(source(path, model="m/2"))
    assert [(each.text, each.mode, each.model) for each in done.responses] == [
        (turns[0]["content"], Mode.THINK_ON, "m/2")
    ]
    assert {each.reason for each in done.rejected} == {"unknown_mode", "failed_rollout"}
    assert {each.text: each.mode for each in read(source(path, mode="think_off")).responses} == {
        turns[0]["content"]: Mode.THINK_OFF, plain[0]["content"]: Mode.THINK_OFF,
    }  # fmt: skip


def test_a_wrong_key_is_named() -> None:
    with pytest.raises(ValidationError, match="format"):
        source(Path("x"), format="nemo")
