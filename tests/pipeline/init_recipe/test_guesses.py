"""What init says of data, and what it refuses with one sentence."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.init_recipe.from_data import recipe_from
from hipo_data.pipeline.init_recipe.write import write_recipe
from hipo_data.schemas.errors import UserError
from tests.stages.ingest.ingesting import ii_row, sky_row, write

SUMS = [{"question": f"What is {i} plus {i}?", "answer": str(2 * i)} for i in range(9)]


def said_of(path: Path, rows: list[Any], **engine: Any) -> str:
    return "\n".join(recipe_from(str(write(path, rows)), **engine).said)


def test_two_candidates_are_both_named_with_the_one_that_is_taken(tmp_path: Path) -> None:
    rows = [{**row, "problem": "Other words?", "solution": f"It is \\boxed{{{row['answer']}}}."} for row in SUMS]
    said = said_of(tmp_path / "x.jsonl", rows)
    assert "question: column 'question', told by its name (and not 'problem', which could be it too)" in said
    assert "gold: the answer in column 'answer' (and not 'solution', which could be it too)" in said


def test_what_is_left_out_and_what_will_be_refused_is_counted(tmp_path: Path) -> None:
    rows = [*SUMS, {"question": 3, "answer": "1"}, {"question": "Which?", "answer": None, "note": "later"}]
    said = said_of(tmp_path / "x.jsonl", rows)
    assert "not used: note" in said
    assert "rows: of all 11, 9 can be problems (81.8 %)" in said
    assert "refused: 1 row as bad_column: column 'question' must be text; it is int" in said
    assert "refused: 1 row as no_gold: column 'answer' is missing or null" in said


def test_system_turns_and_several_turns_are_told(tmp_path: Path) -> None:
    turns = [
        [{"role": "system", "content": "s"}, {"role": "user", "content": f"What is {i}+1?"},
         {"role": "assistant", "content": f"\\boxed{{{i + 1}}}"}]
        for i in range(8)
    ]  # fmt: skip
    rows = [{"messages": chat} for chat in turns] + [{"messages": [*turns[0], turns[0][1]]}]
    said = said_of(tmp_path / "x.jsonl", rows)
    assert "question: the user's turn of the chats in 'messages'" in said
    assert "gold: the boxed or announced answer in the last assistant turn of 'messages'" in said
    assert "left out: the system turns of 9 chats" in said
    assert "refused: 1 row as several_turns" in said


def test_a_question_by_its_name_comes_before_chats_that_repeat_it(tmp_path: Path) -> None:
    rows = [{**row, "messages": [{"role": "user", "content": row["question"]}]} for row in SUMS]
    said = said_of(tmp_path / "x.jsonl", rows)
    assert "question: column 'question', told by its name (and not 'messages', which could be it too)" in said


def test_where_most_chats_have_several_turns_the_first_is_taken(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": role, "content": f"What is {i}+{at}?" if role == "user" else f"\\boxed{{{i + at}}}"}
                      for at, role in enumerate(("user", "assistant", "user", "assistant"))]}
        for i in range(8)
    ]  # fmt: skip
    made = recipe_from(str(write(tmp_path / "x.jsonl", rows)))
    assert "    turns: first\n" in made.text and "rows: of all 8, 8 can be problems" in "\n".join(made.said)
    assert any(sentence.startswith("turns: the first user turn of each chat") for sentence in made.said)


def test_a_column_that_says_math_or_code_is_asked(tmp_path: Path) -> None:
    rows = [{**row, "ability": "math"} for row in SUMS] + [{**SUMS[0], "question": "Art?", "ability": "art"}]
    said = said_of(tmp_path / "x.jsonl", rows)
    assert "math or code: as column 'ability' says" in said and "as other_domain" in said


@pytest.mark.parametrize(("rows", "adapter"), [([sky_row("Why?")], "skywork"), ([ii_row("Why?")], "ii_thought")])
def test_rows_in_the_shape_of_a_known_dataset_get_its_adapter(rows: list[Any], adapter: str, tmp_path: Path) -> None:
    made = recipe_from(str(write(tmp_path / "x.jsonl", rows)))
    assert f"- type: {adapter}\n" in made.text


@pytest.mark.parametrize(
    ("given", "adapter"),
    [
        ("AM-Thinking", "am_thinking"), ("nvidia/AceReason-Math", "acereason"), ("ii-thought", "ii_thought"),
        ("Skywork/Skywork-OR1-RL-Data", "skywork"), ("acereason", "acereason"),
    ],
)  # fmt: skip
def test_the_four_datasets_are_known_by_name(given: str, adapter: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_from(given).text)
    (source,) = load_config(path, []).sources
    assert (source.type, source.revision, source.path) == (adapter, "main", None)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no row that can be read"),
        ([{"a": "one", "b": "two"}], "no column of {} looks like a question: it has a, b"),
        ([{"question": "What is it?", "level": 3}], "no column of {} holds a gold"),
        (
            [{"question": "What is it?", "answer": "N/A"}],
            "none of the 1 row of {} would be a problem: gold_without_answer 1",
        ),
        (["PK\x03\x04"], "is a zip archive"),
    ],
)
def test_data_that_cannot_be_used_are_refused(rows: list[Any], said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", rows)
    with pytest.raises(UserError, match=re.escape(said.format(path))):
        recipe_from(str(path))


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    for given, said in (("none.csv", "no file matches"), ("none", "a dataset on the Hub is named ORGANISATION/NAME")):
        with pytest.raises(UserError, match=said):
            recipe_from(str(given))
    with pytest.raises(UserError, match="is a folder without files of rows"):
        recipe_from(str(tmp_path))


def test_a_folder_is_read_by_its_most_frequent_ending(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, SUMS)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    made = recipe_from(str(tmp_path))
    assert "files: 2 that end in .jsonl, and not notes.csv" in made.said
    assert f"path: {tmp_path}/*.jsonl" in made.text


def test_files_within_folders_are_read_too_and_of_splits_that_for_training(tmp_path: Path) -> None:
    folder = tmp_path / "mine [v2]"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    for number, name in enumerate(("a.jsonl", "deep/b.jsonl", ".git/c.jsonl")):
        write(folder / name, SUMS[number::3])
    made = recipe_from(str(folder))
    assert "files: 2 that end in .jsonl" in made.said and "rows: of all 6, 6 can be" in "\n".join(made.said)
    (folder / "a.jsonl").rename(folder / "Train-1.jsonl")
    (folder / "deep/b.jsonl").rename(folder / "deep/test.jsonl")
    made = recipe_from(str(folder))
    assert "files: 1 that end in .jsonl and have train in their names, and not deep/test.jsonl" in made.said
    assert "rows: of all 3, 3 can be" in "\n".join(made.said)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.csv", b"question,answer\nWas ist 1+1 sch\xf6n?,2\n", "not valid Unicode"),
        ("x.jsonl", b'{"question": "a', "JSONDecodeError: "),
        ("x.jsonl", b"", r"holds no row that can be read; a row is"),
    ],
)
def test_why_no_row_can_be_read_is_said(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=said):
        recipe_from(str(tmp_path / name))


def test_a_file_of_data_is_never_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "sums.jsonl", SUMS)
    before = path.read_bytes()
    for force in (False, True):
        with pytest.raises(UserError, match=r"`hipo-data init --from .*sums\.jsonl` makes a recipe for the data in it"):
            write_recipe(Console(), path, None, None, None, None, None, force)
    with pytest.raises(UserError, match="is the name of a file of data"):
        write_recipe(Console(), None, path, str(path), None, None, None, True)
    assert path.read_bytes() == before
    with pytest.raises(UserError, match="--from is empty"):
        recipe_from("")


def test_an_object_around_the_rows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"version": 1, "data": SUMS}))
    with pytest.raises(UserError, match=r"is one object with a list of 9 objects as 'data'; .* as `jq \.data` does"):
        recipe_from(str(path))


@pytest.mark.parametrize(
    ("engine", "keys"),
    [
        ({"engine": "vllm", "model": "Qwen/Qwen3-8B"}, {"type": "vllm", "family": "qwen3"}),
        ({"model": "zai-org/GLM-4.5-Air", "url": "http://h:1/v1"}, {"type": "openai", "base_url": "http://h:1/v1"}),
        ({"engine": "openai", "model": "my-own", "url": "http://h:1/v1"}, {"type": "openai", "family": None}),
        ({}, {"type": "vllm", "model": "models/tiny-hybrid"}),
    ],
)
def test_engines_are_written_as_they_are_asked_for(engine: Any, keys: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_from(str(write(tmp_path / "x.jsonl", SUMS)), **engine).text)
    teacher = load_config(path, []).engines["teacher"]
    assert {name: getattr(teacher, name) for name in keys} == keys


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"engine": "sglang"}, "--engine is one of embedded, vllm, openai, not 'sglang'"),
        ({"engine": "vllm"}, "--engine vllm needs its model"),
        ({"url": "http://h:1/v1"}, "--engine openai needs its model"),
        ({"engine": "vllm", "model": "MiniMaxAI/MiniMax-M2"}, "has no off switch"),
    ],
)
def test_an_engine_that_cannot_be_is_refused(engine: Any, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", SUMS)
    with pytest.raises(UserError, match=re.escape(said)):
        recipe_from(str(path), **engine)


def test_nothing_is_written_over_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = str(write(tmp_path / "x.jsonl", SUMS)), tmp_path / "recipe.yaml"
    out.write_text("mine")
    rest = {"path": None, "engine": None, "model": None, "url": None}
    with pytest.raises(UserError, match="is there already; name another file, or write over it with --force"):
        write_recipe(Console(), out=out, data=data, force=False, **rest)  # type: ignore[arg-type]
    assert out.read_text() == "mine"
    with pytest.raises(UserError, match="no file matches"):
        write_recipe(Console(), out=out, data="none.csv", force=True, **rest)  # type: ignore[arg-type]
    assert out.read_text() == "mine"
    write_recipe(Console(), out=out, data=data, force=True, **rest)  # type: ignore[arg-type]
    assert "name: x\n" in out.read_text()
    assert "gold: the answer in column 'answer'" in capsys.readouterr().out


def test_a_dataset_on_the_hub_is_looked_at_and_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.hub import hub, use_hub

    rows = b"".join(json.dumps(row).encode() + b"\n" for row in SUMS)
    files = {"README.md": b"", "data/train-00000-of-00001.jsonl": rows, "data/test.jsonl": rows}
    with hub({"me/sums": {"main": files}}) as served:
        use_hub(monkeypatch, served, tmp_path / "home")
        made = recipe_from("me/sums")
    assert "name: me/sums\n" in made.text and "files: data/train-00000-of-00001.jsonl\n" in made.text
    assert re.search(r"revision: [0-9a-f]{40}\n", made.text)
