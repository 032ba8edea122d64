"""What `hipo-data validate` accepts and what it finds, each failure one sentence with its row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hipo_data.pipeline.cli import app
from hipo_data.pipeline.ship.published import published
from hipo_data.pipeline.ship.validate import validate_dataset
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.gold import CheckGold, gold_to_json
from hipo_data.schemas.records import Problem
from hipo_data.stages.publish.pairs import GROUPS_SCHEMA
from hipo_data.stages.publish.tables import RL_BUDGET_SCHEMA, SFT_BUDGET_SCHEMA, sft_schema
from tests.support.hub import hub, use_hub
from tests.support.published import Rows, card, make_problems, make_published, write_part

FIRST = "sft/train-00000-of-00002.parquet, row 0"
RL_FIRST = "rl/train-00000-of-00002.parquet, row 0"
OTHER_TURN = {"role": "assistant", "content": "no"}


def failures(folder: Path) -> list[str]:
    return validate_dataset(published(str(folder))).failures


@pytest.mark.parametrize("form", FORMATS)
def test_what_publish_writes_is_accepted_with_its_counts(tmp_path: Path, form: str) -> None:
    report = validate_dataset(published(str(make_published(tmp_path, form, preference=True))))
    assert report.failures == []
    assert set(report.counts.values()) == {6, 2}
    assert len(report.counts) == 6


def set_first(**changes: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[0].update(changes)


def set_in(name: str, **changes: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[0][name].update(changes)


def answer(text: str) -> Callable[[Rows], None]:
    return lambda rows: rows[0]["messages"][-1].update(content=text)


def ask(text: str) -> Callable[[Rows], None]:
    return lambda rows: rows[0]["prompt"][-1].update(content=rows[0]["prompt"][-1]["content"] + text)


def same_key(rows: Rows) -> None:
    rows[0].update({name: rows[1][name] for name in ("problem_id", "mode", "rollout_index")})


def swap_mode(rows: Rows) -> None:
    rows[0]["mode"] = "think_off" if rows[0]["mode"] == "think_on" else "think_on"


def state_gold(rows: Rows) -> None:
    ask(rows[0]["extra_info"]["gold"])(rows)


def prefer_neither(rows: Rows) -> None:
    rows[0]["chosen"] = rows[0]["rejected"]


def reveal(rows: Rows) -> None:
    test = CheckGold(test_code=f"def check(f):\n    assert f(1) == 2  # {'x' * 100}", entry_point="f")
    rows[0]["ability"] = "code"
    rows[0]["reward_model"]["ground_truth"] = gold_to_json(test)
    rows[0]["extra_info"]["gold"] = rows[0]["solution"] = None
    ask(test.test_code)(rows)


@pytest.mark.parametrize(
    ("part", "spoil", "said"),
    [
        ("sft", answer("42"), f"{FIRST}: the answer does not read back: the text is not in the hipo format"),
        ("sft", set_first(answer="43"), f"{FIRST}: the answer that the answer reads back to is not the row's"),
        ("sft", set_first(justification="Other words."), f"{FIRST}: the justification that the answer reads back to"),
        ("sft", set_first(reasoning="Other thoughts."), f"{FIRST}: the reasoning that the answer reads back to"),
        ("sft", swap_mode, f"{FIRST}: the answer reads back as think_o"),
        ("sft", set_first(mode="think_maybe"), f"{FIRST}: mode: Input should be 'think_on' or 'think_off'"),
        ("sft", set_first(question="Other?"), f"{FIRST}: the user's turn is not the question"),
        ("sft", set_first(problem_id="0" * 32), f"{FIRST}: the id {'0' * 32} is not that of the question"),
        ("sft", set_first(format="alpaca"), f"{FIRST}: there is no format 'alpaca'"),
        ("sft", set_first(format="qwen3"), "the format is hipo, that of others qwen3"),
        ("sft", set_first(split="validation"), f"{FIRST}: the split is validation, the file's is train"),
        ("sft", set_first(p_on=1.5), f"{FIRST}: p_on is 1.5, which is no rate"),
        ("sft", same_key, "has another example of think_o"),
        ("sft", lambda rows: rows[0]["messages"].append(OTHER_TURN), f"{FIRST}: the turns are of user, assistant, ass"),
        ("sft", lambda rows: rows.pop(), "README.md says 6 rows of sft train; the files hold 5"),
        ("rl", set_in("extra_info", gold="7"), f"{RL_FIRST}: the ground truth is no gold"),
        ("rl", set_in("reward_model", ground_truth="8"), f"{RL_FIRST}: the solution is not the ground truth in a box"),
        ("rl", set_in("reward_model", style="model"), f"{RL_FIRST}: the style of the reward is 'model', not 'rule'"),
        ("rl", set_first(ability="code"), f"{RL_FIRST}: the ability is code, the gold is one of math"),
        ("rl", set_in("extra_info", split="validation"), f"{RL_FIRST}: the split is validation, the file's is train"),
        ("rl", set_in("extra_info", gold_source="none"), f"{RL_FIRST}: gold_source is none, not one of source, pseudo"),
        ("rl", set_in("extra_info", problem_id="0" * 32), f"{RL_FIRST}: the id {'0' * 32} is not that of the question"),
        ("rl", lambda rows: rows.append(rows[0]), "has another prompt"),
        ("rl", state_gold, f"{RL_FIRST}: the prompt holds the gold"),
        ("rl", reveal, f"{RL_FIRST}: the prompt holds the gold"),
        ("rl", lambda rows: rows[0]["prompt"].append(OTHER_TURN), f"{RL_FIRST}: the prompt does not end with the use"),
        ("preference", prefer_neither, "row 0: chosen and rejected are the same"),
        ("preference", set_first(chosen_mode="think_on"), "row 0: chosen reads back as think_off, its mode is"),
        ("preference", set_first(split="validation"), "row 0: the split is validation, the file's is train"),
        ("preference", set_first(problem_id="0" * 32), f"row 0: the id {'0' * 32} is not that of the question"),
        ("preference", set_first(format="alpaca"), "row 0: chosen: there is no format 'alpaca'"),
        ("preference", set_first(chosen=[]), "row 0: chosen is not one turn of the assistant"),
    ],
)  # fmt: skip
def test_a_spoilt_row_is_found(tmp_path: Path, part: str, spoil: Callable[[Rows], None], said: str) -> None:
    def only_there(of: str, split: str, rows: Rows) -> None:
        if (of, split) == (part, "train"):
            spoil(rows)

    found = failures(make_published(tmp_path, preference=True, spoil=only_there))
    assert [sentence for sentence in found if said in sentence], found


def with_phases(folder: Path, phases: list[int | None]) -> Path:
    """A dataset whose six training rows, think-on and think-off in turns, have these phases, in files of three."""
    make_published(folder)
    for path in sorted((folder / "sft").iterdir()):
        rows = pq.read_table(path).to_pylist()
        for row in rows:
            row["phase"] = phases.pop(0) if row["split"] == "train" else None
        pq.write_table(pa.Table.from_pylist(rows, schema=sft_schema(phases=True)), path)
    return folder


def test_a_file_holds_rows_of_one_phase_and_those_of_the_first_think(tmp_path: Path) -> None:
    assert failures(with_phases(tmp_path / "good", [2] * 6)) == []
    early = failures(with_phases(tmp_path / "early", [1] * 6))
    assert early and all("a think_off example is in phase 1, whose rows think" in said for said in early)
    (mixed,) = failures(with_phases(tmp_path / "mixed", [2, 2, 2, 2, 2, 1]))
    assert "row 2: the phase is 1, that of the file's first row is 2" in mixed
    (none,) = failures(with_phases(tmp_path / "none", [2, 2, None, 2, 2, 2]))
    assert "row 2: the phase is None, which no row of train has" in none


BUDGET = "Think for 50 tokens."


def with_budgets(folder: Path, asked_in: str = BUDGET) -> Path:
    """A dataset whose prompts name a budget."""
    make_published(folder)
    for part, schema in (("sft", SFT_BUDGET_SCHEMA), ("rl", RL_BUDGET_SCHEMA)):
        for path in (folder / part).iterdir():
            rows = pq.read_table(path).to_pylist()
            for row in rows:
                (row if part == "sft" else row["extra_info"]).update(instruction=BUDGET, budget=50.0)
                row["messages" if part == "sft" else "prompt"][0]["content"] += f"\n\n{asked_in}"
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return folder


def test_prompts_that_name_a_budget_are_accepted_where_the_row_names_it_too(tmp_path: Path) -> None:
    assert failures(with_budgets(tmp_path / "good")) == []
    found = failures(with_budgets(tmp_path / "bad", asked_in="Think for ever."))
    assert len(found) == 8 + 8
    assert {sentence.partition(": ")[2][:6] for sentence in found} == {"the us", "the id"}


def group(problem: Problem, **changes: Any) -> dict[str, Any]:
    counts = {f"{name}_{side}": 1 for side in ("on", "off") for name in ("n", "right", "p")}
    response = {"mode": "think_on", "index": 0, "reasoning": "r", "answer": "a", "correct": True, "reward": 1.0}
    return {
        "problem_id": problem.problem_id,
        "kind": problem.kind.value,
        "split": problem.split,
        "prompt": [{"role": "user", "content": problem.question}],
        "responses": [{**response, "tokens": 3}],
        **counts,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"split": "validation"}, "the split is validation, the file's is train"),
        ({"problem_id": "0" * 32}, f"the id {'0' * 32} is not that of the question"),
        ({"right_on": 0}, "1 responses of think_on are right, the row says 0"),
    ],
)
def test_groups_are_checked_too(tmp_path: Path, changes: dict[str, Any], said: str | None) -> None:
    make_published(tmp_path)
    write_part(tmp_path, "groups", "train", [group(make_problems()[0], **changes)], GROUPS_SCHEMA)
    (tmp_path / "README.md").write_text(card({(part, s): n for part in ("sft", "rl") for s, n in SIZES} | {GROUPS: 1}))
    expected = [] if said is None else [f"groups/train-00000-of-00001.parquet, row 0: {said}"]
    assert failures(tmp_path) == expected


SIZES = (("train", 6), ("validation", 2))
GROUPS = ("groups", "train")


def test_a_problem_in_both_splits_is_found(tmp_path: Path) -> None:
    moved: Rows = []

    def leak(part: str, split: str, rows: Rows) -> None:
        if (part, split) == ("sft", "train"):
            moved.extend(dict(row, split="validation") for row in rows[:1])
        elif (part, split) == ("sft", "validation"):
            rows.extend(moved)

    found = failures(make_published(tmp_path, spoil=leak))
    assert f"problem {moved[0]['problem_id']} is in train and in validation" in found


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.drop_columns(["rule"]),
            "the column rule is missing; if another version of hipo-data",
        ),
        (lambda t: t.append_column("extra", pa.nulls(t.num_rows)), "the column extra is not one of this version"),
        (lambda t: t.replace_schema_metadata({}), "expected a table of Example records, version"),
        (
            lambda t: t.replace_schema_metadata({**t.schema.metadata, b"hipo_data.version": b"0"}),
            "found Example, version 0",
        ),
    ],
)
def test_a_file_of_another_schema_is_found(tmp_path: Path, change: Callable[[pa.Table], pa.Table], said: str) -> None:
    make_published(tmp_path)
    rewrite(tmp_path / "sft/train-00001-of-00002.parquet", change)
    found = failures(tmp_path)
    assert [each for each in found if each.startswith("sft/train-00001-of-00002.parquet: ") and said in each], found


def test_files_that_readers_would_miss_or_take_along_are_found(tmp_path: Path) -> None:
    make_published(tmp_path)
    train = tmp_path / "sft/train-00000-of-00002.parquet"
    train.with_name("train-00002-of-00003.parquet").write_bytes(train.read_bytes())
    train.with_name("train-old.parquet").write_bytes(train.read_bytes())
    (tmp_path / "rl/train-00001-of-00002.parquet").unlink()
    (tmp_path / "rl/train-00000-of-00002.parquet").write_bytes(b"PAR1 cut off")
    found = failures(tmp_path)
    for said in (
        "sft/ mixes train files of two publications, of 00002 and of 00003",
        "sft/ holds 1 train files of 3",
        "sft/train-old.parquet is not named as publish names files",
        "rl/ holds 1 train files of 2",
        "rl/train-00000-of-00002.parquet cannot be read as Parquet",
    ):
        assert [each for each in found if said in each], (said, found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("| sft | train | 6 |", "| sft | train | 7 |"), "says 7 rows of sft train"),
        (lambda text: text.replace("| rl | train | 6 |\n", ""), "says 0 rows of rl train; the files hold 6"),
        (lambda text: text.replace("- config_name: rl", "- config_name: other"), "does not name rl train"),
        (lambda text: text.replace("configs:", "configs: ["), "the head of README.md cannot be read"),
    ],
)  # fmt: skip
def test_a_card_that_says_something_else_is_found(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    card = make_published(tmp_path) / "README.md"
    card.write_text(change(card.read_text()))
    found = failures(tmp_path)
    assert [each for each in found if said in each], found


def test_the_command_exits_0_with_counts_and_1_with_sentences(tmp_path: Path) -> None:
    make_published(tmp_path)
    done = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert (done.exit_code, done.output) == (
        0, f"{tmp_path} holds: sft train 6, sft validation 2, rl train 6, rl validation 2 rows\n"
    )  # fmt: skip
    (tmp_path / "README.md").unlink()
    done = CliRunner().invoke(app, ["validate", str(tmp_path)])
    assert done.output == "FAILS  there is no README.md\n"
    assert "fails validation in 1 places" in str(done.exception)
    assert getattr(done.exception, "exit_code", None) == 1


def test_a_dataset_on_the_hub_is_read_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_published(tmp_path / "data")
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    spoilt = {**files, "README.md": b"# Sums\n"}
    with hub({"org/sums": {"main": files, "old": spoilt}}) as served:
        use_hub(monkeypatch, served, tmp_path / "home")
        assert validate_dataset(published("org/sums")).failures == []
        assert (
            "README.md says 0 rows of sft train; the files hold 6"
            in validate_dataset(published("org/sums@old")).failures
        )


def test_a_folder_that_is_missing_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with hub({"runs/absent": {"main": {}}}) as served:
        use_hub(monkeypatch, served, tmp_path / "home")
        for where in ("runs/absent", "./absent", f"{tmp_path}/absent"):
            with pytest.raises(UserError, match="there is no"):
                published(where)
        assert served.requests == []
        with pytest.raises(UserError, match="on the Hub"):
            published("runs/absent@other")
        assert served.requests != []
