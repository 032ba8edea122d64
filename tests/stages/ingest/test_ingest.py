"""Rows become problems, each question once; every other row is rejected with its reason, and none is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hipo_data.schemas.config import SourceConfig
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, Gold, MathGold, StdinGold
from hipo_data.schemas.keys import problem_id, shard_of
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest.shard_count import shard_bits
from hipo_data.stages.ingest.sources.table import ColumnMapping
from tests.stages.ingest.ingesting import acereason, read, reasons, sky_row, skywork, table, write, write_parquet


def test_acereason_rows_become_problems_that_name_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "math.jsonl", [{"problem": " What is 6 × 7?\n", "answer": "42"}])
    found = read(acereason(path, revision="a5cc41c", licence="CC-BY-4.0"), validation_fraction=0)
    (problem,) = found.problems
    assert (problem.question, problem.kind, problem.gold) == ("What is 6 × 7?", Kind.MATH, MathGold(answers=["42"]))
    assert (problem.licence, problem.split, problem.problem_id) == ("CC-BY-4.0", "train", problem_id("What is 6 × 7?"))
    (source,) = problem.sources
    assert source.model_dump() == {
        "dataset": "nvidia/AceReason-Math",
        "revision": "a5cc41c",
        "split": "train",
        "file": "math.jsonl",
        "row": 0,
        "licence": "CC-BY-4.0",
        "id": None,
    }


@pytest.mark.parametrize(
    ("ability", "raw", "gold"),
    [
        ("math", '["42"]', MathGold(answers=["42"])),
        ("math", '["1/2", "0.5"]', MathGold(answers=["1/2", "0.5"])),
        ("math", "['\\\\frac{1}{2}', '0.5']", MathGold(answers=["\\frac{1}{2}", "0.5"])),
        ("math", "42", MathGold(answers=["42"])),
        ("math", "[0, 1]", MathGold(answers=["[0, 1]"])),
        (
            "code",
            json.dumps({"inputs": ["1 2\n"], "outputs": ["3\n"]}),
            StdinGold(inputs=["1 2\n"], outputs=["3\n"]),
        ),
        (
            "code",
            json.dumps({"fn_name": "add", "inputs": ["1\n2"], "outputs": ["3"]}),
            CallGold(fn_name="add", inputs=["1\n2"], outputs=["3"]),
        ),
        (
            "code",
            json.dumps(
                {"import_prefix": "import math\n", "test_code": "def check(c): assert c(1)", "entry_point": "f"}
            ),
            CheckGold(import_prefix="import math\n", test_code="def check(c): assert c(1)", entry_point="f"),
        ),
        ("code", json.dumps({"assert_case": ["assert f(1) == 2"]}), AssertGold(asserts=["assert f(1) == 2"])),
    ],
)
def test_skywork_golds_keep_all_they_say(tmp_path: Path, ability: str, raw: str, gold: Gold) -> None:
    (problem,) = read(skywork(write(tmp_path / "x.jsonl", [sky_row("Do it.", raw, ability)]))).problems
    assert (problem.gold, problem.kind) == (gold, Kind(ability))
    assert (problem.domain, problem.difficulty) == ("train-math-deepscaler", 0.5)


def test_an_optional_column_of_another_type_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    (problem,) = read(skywork(write(tmp_path / "x.jsonl", [sky_row("Do it.", "1", data_source=3)]))).problems
    assert problem.domain is None


def test_skywork_reads_the_same_from_parquet(tmp_path: Path) -> None:
    rows: list[dict[str, Any] | str | bytes] = [
        sky_row("One?", '["1"]'),
        sky_row("Two?", json.dumps({"assert_case": ["assert f()"]}), "code"),
    ]
    lines = read(skywork(write(tmp_path / "x.jsonl", rows))).problems
    parquet = read(skywork(write_parquet(tmp_path / "x.parquet", rows))).problems
    for one, other in zip(lines, parquet, strict=True):
        assert one.model_dump(exclude={"sources"}) == other.model_dump(exclude={"sources"})


@pytest.mark.parametrize(
    ("failures", "difficulty"),
    [
        (None, None),
        ({}, None),
        ("hard", None),
        ({"1.5B": 4, "7B": None}, 0.25),
        ({"1.5B": 4.0, "7B": 12}, 0.5),
        ({"1.5B": True, "7B": 99, "32B": 0}, 0.0),
        ({"1.5B": -1, "7B": "7", "32B": 16}, 1.0),
    ],
)
def test_skywork_difficulty_is_a_failure_rate_or_unknown(
    tmp_path: Path, failures: Any, difficulty: float | None
) -> None:
    if isinstance(failures, dict):
        failures = {f"DeepSeek-R1-Distill-Qwen-{size}": count for size, count in failures.items()}
    row = sky_row("Do it.", "1", extra_info={"model_difficulty": failures})
    assert read(skywork(write(tmp_path / "x.jsonl", [row]))).problems[0].difficulty == difficulty


def test_a_column_mapping_reaches_into_objects_and_takes_the_gold_by_pattern(tmp_path: Path) -> None:
    columns = ColumnMapping(
        question="item.text",
        gold="item.solution",
        kind="meta.kind",
        difficulty="meta.fails",
        domain="tag",
        licence="lic",
    )
    rows: list[dict[str, Any] | str | bytes] = [
        {
            "item": {"text": "Sum?", "solution": "A: 3\nno, A: 4\nbye"},
            "meta": {"kind": "math", "fails": 1},
            "tag": 7,
            "lic": "MIT",
        },
        {"item": {"text": "Other?", "solution": "A: 5"}, "meta": {"kind": "math"}},
    ]
    found = read(table(write(tmp_path / "x.jsonl", rows), columns=columns, gold_pattern="A: (.*)$", licence="CC0"))
    by_question = {problem.question: problem for problem in found.problems}
    first, second = by_question["Sum?"], by_question["Other?"]
    assert (first.gold, first.difficulty, first.domain, first.licence) == (MathGold(answers=["4"]), 1.0, "7", "MIT")
    assert (second.difficulty, second.domain, second.licence) == (None, None, "CC0")


@pytest.mark.parametrize(
    ("value", "pattern", "answers"),
    [
        (42, None, ["42"]),
        (0.5, None, ["0.5"]),
        (["1", "2"], None, ["1", "2"]),
        ("so #### 1,000", r"#### ([\d,]+)", ["1,000"]),
        ("x=1 x=2", r"x=\d", ["x=2"]),
        ("unit 3 kg", r"(\w+) (\d)", ["3"]),
    ],
)
def test_table_golds_may_be_numbers_lists_or_matched_text(
    tmp_path: Path, value: Any, pattern: str | None, answers: list[str]
) -> None:
    path = write(tmp_path / "x.jsonl", [{"question": "q", "answer": value}])
    assert read(table(path, gold_pattern=pattern)).problems[0].gold == MathGold(answers=answers)


NO_ROWS: list[tuple[str, dict[str, Any] | str | bytes, str, str]] = [
    ("acereason", "{broken", "unreadable", "JSONDecodeError"),
    ("acereason", b'{"problem": "\xff"}', "unreadable", "UnicodeDecodeError"),
    ("acereason", "[1]", "unreadable", "a JSON object is expected, this is list"),
    ("acereason", '{"problem": ' + "9" * 5000 + "}", "unreadable", "4300 digits"),
    ("acereason", {"answer": "1"}, "bad_column", "column 'problem' must be text; it is missing or null"),
    ("acereason", {"problem": 7, "answer": "1"}, "bad_column", "column 'problem' must be text; it is int"),
    ("acereason", {"problem": "q"}, "bad_column", "column 'answer' must be text; it is missing or null"),
    (
        "acereason",
        {"problem": "q", "answer": None},
        "bad_column",
        "column 'answer' must be text; it is missing or null",
    ),
    ("acereason", {"problem": " \n", "answer": "1"}, "empty_question", "the question is empty"),
    ("acereason", {"problem": "q", "answer": "  "}, "empty_gold", "no answer"),
    ("acereason", '{"problem": "q \\ud800", "answer": "1"}', "bad_text", "not valid Unicode"),
    ("acereason", '{"problem": "q", "answer": "\\udc00"}', "bad_text", "not valid Unicode"),
    ("skywork", sky_row("q", "1", "essay"), "other_domain", "ability is 'essay', none of math, code and choice"),
    ("skywork", sky_row("q", "1", "\ud800"), "bad_text", "not valid Unicode"),
    ("skywork", sky_row("q", "1", data_source="\ud800"), "bad_text", "not valid Unicode"),
    ("skywork", sky_row("q", None), "bad_column", "'reward_model.ground_truth' must be text; it is missing"),
    (
        "skywork",
        sky_row("q", "1", reward_model="1"),
        "bad_column",
        "'reward_model.ground_truth' must be text; it is missing",
    ),
    ("skywork", sky_row("q", "1", prompt="q"), "bad_column", "'prompt' must hold one user turn"),
    ("skywork", sky_row("q", "1", prompt=[]), "bad_column", "'prompt' must hold one user turn"),
    (
        "skywork",
        sky_row("q", "1", prompt=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]),
        "bad_column",
        "'prompt' must hold one user turn",
    ),
    ("skywork", sky_row("q", "[]"), "empty_gold", "no answer"),
    ("skywork", sky_row("q", json.dumps({"inputs": [], "outputs": []}), "code"), "empty_gold", "no tests"),
    ("skywork", sky_row("q", json.dumps({"assert_case": []}), "code"), "empty_gold", "no asserts"),
    (
        "skywork",
        sky_row("q", json.dumps({"inputs": ["1"], "outputs": ["1", "2"]}), "code"),
        "bad_gold",
        "1 inputs but 2 outputs",
    ),
    ("skywork", sky_row("q", "print(1)", "code"), "bad_gold", "not JSON"),
    ("table", {"question": None, "answer": "1"}, "bad_column", "column 'question' must be text; it is missing or null"),
    ("table", {"question": "q"}, "no_gold", "column 'answer' is missing or null"),
    (
        "table",
        {"question": "q", "answer": "1", "level": 3},
        "bad_column",
        "'level' must be a failure rate from 0 to 1; it is 3",
    ),
    ("table", '{"question": "q", "answer": "1", "level": NaN}', "bad_column", "failure rate from 0 to 1; it is NaN"),
]


@pytest.mark.parametrize(("kind", "row", "reason", "detail"), NO_ROWS)
def test_a_bad_row_is_rejected_with_its_reason_and_the_next_goes_on(
    tmp_path: Path, kind: str, row: dict[str, Any] | str | bytes, reason: str, detail: str
) -> None:
    good: dict[str, dict[str, Any]] = {
        "acereason": {"problem": "fine", "answer": "1"},
        "skywork": sky_row("fine", "1"),
        "table": {"question": "fine", "answer": "1"},
    }
    path = write(tmp_path / "x.jsonl", [row, good[kind]])
    columns = ColumnMapping(difficulty="level")
    sources: dict[str, SourceConfig] = {
        "acereason": acereason(path),
        "skywork": skywork(path),
        "table": table(path, columns=columns),
    }
    found = read(sources[kind], max_question_chars=100)
    assert [problem.question for problem in found.problems] == ["fine"]
    (rejected,) = found.rejected
    assert (rejected.stage, rejected.reason, rejected.key) == ("ingest", reason, "x.jsonl:0")
    assert detail in rejected.detail
    assert rejected.sources[0].row == 0
    assert rejected.row


def test_a_pattern_that_matches_nothing_and_a_foreign_kind_are_rejected(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl",
        [{"question": "q", "answer": "B: 1", "kind": "math"}, {"question": "q", "answer": "1", "kind": "law"}],
    )
    found = read(table(path, gold_pattern="A: (.*)", columns=ColumnMapping(kind="kind")))
    assert [(row.reason, row.detail) for row in found.rejected] == [
        ("gold_not_found", "'A: (.*)' matches nothing in column 'answer'"),
        ("other_domain", "column 'kind' is 'law', none of math, code and choice"),
    ]


def test_what_is_kept_of_a_huge_bad_row_is_bounded(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", ["x" * 1_000_000, {"answer": "y" * 1_000_000}])
    assert all(len(row.row) == 2_000 and len(row.detail) <= 2_000 for row in read(acereason(path)).rejected)


@pytest.mark.parametrize("depth", [900, 970, 990])
def test_a_row_nested_as_deeply_as_can_be_read_is_rejected_and_not_fatal(tmp_path: Path, depth: int) -> None:
    path = write(tmp_path / "x.jsonl", ['{"problem": ' + "[" * depth + "]" * depth + "}"])
    assert sum(reasons(read(acereason(path))).values()) == 1


def test_the_same_question_from_many_rows_is_one_problem_with_all_sources(tmp_path: Path) -> None:
    ace = write(
        tmp_path / "ace.jsonl",
        [{"problem": "What is 6 x 7?", "answer": "42"}, {"problem": "what is  6 X 7? ", "answer": "42"}],
    )
    sky = write(tmp_path / "sky.jsonl", [sky_row("WHAT IS 6 x 7?", "['42']")])
    found = read(acereason(ace), skywork(sky))
    (problem,) = found.problems
    assert problem.question == "What is 6 x 7?"
    assert [(source.dataset, source.file, source.row) for source in problem.sources] == [
        ("nvidia/AceReason-Math", "ace.jsonl", 0),
        ("nvidia/AceReason-Math", "ace.jsonl", 1),
        ("Skywork/Skywork-OR1-RL-Data", "sky.jsonl", 0),
    ]
    assert [(a.read, a.kept, a.merged) for a in found.accounts.datasets.values()] == [(2, 2, 1), (1, 1, 1)]
    assert found.accounts.overlaps["nvidia/AceReason-Math"] == {
        "nvidia/AceReason-Math": 1,
        "Skywork/Skywork-OR1-RL-Data": 1,
    }


def test_rows_that_disagree_on_the_gold_are_all_rejected_and_name_each_other(tmp_path: Path) -> None:
    rows = [{"problem": "q", "answer": answer} for answer in ("1", "1", "2")] + [{"problem": "other", "answer": "3"}]
    found = read(acereason(write(tmp_path / "x.jsonl", rows)))
    assert [problem.question for problem in found.problems] == ["other"]
    assert [(row.reason, row.key, row.row) for row in found.rejected] == [
        ("gold_conflict", f"x.jsonl:{n}", "q") for n in range(3)
    ]
    assert "x.jsonl:0, nvidia/AceReason-Math x.jsonl:1, nvidia/AceReason-Math x.jsonl:2" in found.rejected[0].detail


def test_conflicts_come_in_one_order_in_every_process(tmp_path: Path) -> None:
    rows = [{"problem": f"q{number}", "answer": answer} for number in range(30) for answer in ("1", "2")]
    found = read(acereason(write(tmp_path / "x.jsonl", rows)))
    ids = [problem_id(row.row) for row in found.rejected]
    assert ids == sorted(ids)


def test_ids_and_splits_are_the_same_whatever_source_and_order(tmp_path: Path) -> None:
    questions = [f"What is {number} + 1?" for number in range(60)]
    ace = write(tmp_path / "ace.jsonl", [{"problem": question, "answer": "1"} for question in questions])
    sky = write(tmp_path / "sky.jsonl", [sky_row(question.upper(), "1") for question in reversed(questions)])
    one = {p.problem_id: p.split for p in read(acereason(ace), validation_fraction=0.3).problems}
    other = {p.problem_id: p.split for p in read(skywork(sky), validation_fraction=0.3).problems}
    assert one == other
    assert {"train", "validation"} == set(one.values())
    assert one != {p.problem_id: p.split for p in read(acereason(ace), validation_fraction=0.3, seed=1).problems}


def test_the_validation_share_is_about_what_is_asked_for_and_only_grows(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [{"problem": f"q{number}", "answer": "1"} for number in range(1_000)])
    held_out: set[str] = set()
    for fraction in (0.0, 0.05, 0.3):
        now = {
            p.problem_id
            for p in read(acereason(path), validation_fraction=fraction).problems
            if p.split == "validation"
        }
        assert held_out <= now
        assert abs(len(now) - 1_000 * fraction) <= 60
        held_out = now
    assert held_out


def test_a_limit_keeps_the_same_problems_whatever_the_order_of_rows_and_more_with_a_higher_one(tmp_path: Path) -> None:
    rows = [{"problem": f"q{number % 40}", "answer": "1"} for number in range(100)]
    forward = read(acereason(write(tmp_path / "a.jsonl", rows)), limit=10)
    backward = read(acereason(write(tmp_path / "b.jsonl", rows[::-1])), limit=10)
    kept = {problem.problem_id for problem in forward.problems}
    assert kept == {problem.problem_id for problem in backward.problems}
    assert len(kept) == 10
    assert forward.accounts.datasets["nvidia/AceReason-Math"].left_out == 100 - sum(
        len(problem.sources) for problem in forward.problems
    )
    assert kept < {problem.problem_id for problem in read(acereason(tmp_path / "a.jsonl"), limit=20).problems}


def test_files_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / "data" / folder / "train.jsonl", [{"problem": f"in {folder}", "answer": "1"}, "broken"])
    found = read(acereason(tmp_path / "data" / "*" / "train.jsonl"))
    assert {p.question: p.sources[0].file for p in found.problems} == {"in a": "a/train.jsonl", "in b": "b/train.jsonl"}
    assert [row.key for row in found.rejected] == ["a/train.jsonl:1", "b/train.jsonl:1"]
    assert read(acereason(tmp_path / "data/a/*.jsonl")).problems[0].sources[0].file == "train.jsonl"


def test_a_source_without_files_stops_ingest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.jsonl"):
        read(acereason(tmp_path / "nothing.jsonl"))


def test_an_empty_source_gives_no_problem_and_no_error(tmp_path: Path) -> None:
    found = read(acereason(write(tmp_path / "x.jsonl", [])))
    assert (found.problems, found.rejected, found.accounts.rows_read) == ([], [], 0)


values = st.one_of(
    st.none(), st.text(max_size=3), st.integers(), st.floats(), st.lists(st.text(max_size=2), max_size=2)
)
broken_lines = st.one_of(
    st.fixed_dictionaries({}, optional={"problem": values, "answer": values}),
    st.fixed_dictionaries({"problem": st.sampled_from(["a", "A ", "b", "c"]), "answer": st.sampled_from(["1", "2"])}),
    st.sampled_from(["{", "[]", "null", "1", '"x"', '{"problem": "a"', '{"problem": "\\ud800", "answer": "1"}']),
    st.binary(max_size=8).filter(lambda line: line.strip(b" \t\r\x0b\x0c\xef\xbb\xbf") and b"\n" not in line),
)


@settings(max_examples=60)
@example(lines=[b'\x04"M\x18', {}], limit=None)
@given(lines=st.lists(broken_lines, max_size=25), limit=st.none() | st.integers(1, 3))
def test_no_row_is_ever_lost_or_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any] | str | bytes], limit: int | None
) -> None:
    lines = [{}, *lines]  # whose first bytes tell that it is no archive and no Parquet
    path = write(tmp_path_factory.getbasetemp() / "mutated.jsonl", lines)
    found = read(acereason(path), limit=limit)
    assert found.accounts.rows_read == len(lines)
    places = [row.sources[0].row for row in found.rejected]
    places += [source.row for problem in found.problems for source in problem.sources]
    assert len(set(places)) == len(places) == len(lines) - found.accounts.datasets["nvidia/AceReason-Math"].left_out


@pytest.mark.parametrize(
    ("problems", "size", "bits"),
    [(0, 256, 0), (1, 256, 0), (256, 256, 0), (257, 256, 1), (512, 256, 1), (513, 256, 2), (1_890_000, 256, 13)],
)
def test_shards_come_near_the_size_asked_for(problems: int, size: int, bits: int) -> None:
    assert shard_bits(problems, size) == bits


def test_shards_hold_every_problem_once_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [{"problem": f"q{number}", "answer": "1"} for number in range(50)])
    found = read(acereason(path), shard_size=8)
    assert len({bits for bits, _ in found.shards}) == 1
    assert list(found.shards) == sorted(found.shards)
    for (bits, index), problems in found.shards.items():
        assert all(shard_of(problem.problem_id, bits) == index for problem in problems)


def test_a_rejected_row_shows_its_own_columns_whatever_their_names(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [{"question": "q", "licence": "MIT", "text": "own"}])
    source = table(path, columns=ColumnMapping(licence="licence", domain="text"), licence="CC0")
    (rejected,) = read(source).rejected
    assert json.loads(rejected.row) == {"question": "q", "answer": None, "licence": "MIT", "text": "own"}
