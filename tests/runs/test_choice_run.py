"""A whole run over multiple choice in GPQA's columns, recorded: from shuffled options to a dataset that validates."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.evaluation.problems import read_problems
from hipo_data.pipeline.ship.validate_rows import Seen, rl_check
from hipo_data.schemas.gold import ChoiceGold
from hipo_data.schemas.keys import problem_id
from hipo_data.schemas.lettered_options import LETTERS, in_one_order, with_options, without_options
from hipo_data.schemas.option_order import shuffled
from hipo_data.stages.publish.tables import RL_SCHEMA
from hipo_data.trainer.verl.reward import compute_score
from tests.support.commands import JUSTIFICATION, recorded_recipe, succeed, write_lines

pytestmark = pytest.mark.slow

SEED = 5
RIGHT = ((4, 4), (4, 1), (1, 1), (0, 0))
"""Right think-on and think-off responses of four, by problem modulo 4."""
PROBLEMS = 16


def asked(stem: str, options: list[str]) -> tuple[str, str]:
    """The question as the run shows it, and the letter of the first option."""
    key = problem_id(with_options(stem, in_one_order(options)))
    gold = shuffled(ChoiceGold(options=options, answer="A"), SEED, key)
    return with_options(stem, gold.options), gold.answer


def recipe(folder: Path) -> None:
    recorded_recipe(folder)
    rows, responses, reasons = [], [], []
    for i in range(PROBLEMS):
        stem = f"A body of mass {i + 2} kg falls freely from a tower; which force in newtons pulls it, with g = 10?"
        options = [f"{10 * (i + 2)}", f"{i + 2}", f"{5 * (i + 2)}", f"{100 * (i + 2)}"]
        question, right = asked(stem, options)
        wrong = next(letter for letter in "ABCD" if letter != right)
        rows.append(
            {"Question": stem, "Correct Answer": options[0]}
            | {f"Incorrect Answer {number}": options[number] for number in (1, 2, 3)}
        )
        on, off = RIGHT[i % 4]
        said = [
            rf"\boxed{{{options[0]}}}",
            rf"\boxed{{\text{{{right}}}}}",
            f"The answer is ({right}).",
            f"Answer: {right}",
        ]
        responses.append(
            {
                "question": question,
                "on": [
                    f"<think>\n{'so ' * (j + 2)}it is that\n</think>\n\n\\boxed{{{right if j < on else wrong}}}"
                    for j in range(4)
                ],
                "off": [said[j] if j < off else rf"\boxed{{{wrong}}}" for j in range(4)],
            }
        )
        reasons.append({"question": question, "responses": [JUSTIFICATION.format("abcdefgh"[i % 8] * 3)]})
    for name, lines in (("problems", rows), ("responses", responses), ("reasons", reasons)):
        write_lines(folder / f"{name}.jsonl", lines)
    made: dict[str, Any] = yaml.safe_load((folder / "recipe.yaml").read_text())
    columns = {"question": "Question", "gold": "Correct Answer", "wrong": [f"Incorrect Answer {n}" for n in (1, 2, 3)]}
    made["sources"] = [
        {"type": "table", "path": "problems.jsonl", "name": "tower", "kind": "choice", "columns": columns}
    ]
    made |= {"seed": SEED}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("choice")
    recipe(made)
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=made)
    return made


def decisions(folder: Path) -> list[dict[str, Any]]:
    problems = pl.read_parquet(str(folder / "run/ingest/??-????.parquet")).select("problem_id", "question", "gold")
    rows = pl.read_parquet(str(folder / "run/select/??-????.parquet")).join(problems, on="problem_id").to_dicts()
    mass = {row["problem_id"]: int(row["question"].split("mass ")[1].split()[0]) - 2 for row in rows}
    return sorted((row | {"i": mass[row["problem_id"]]} for row in rows), key=lambda row: int(row["i"]))


def test_counts_stay_and_luck_is_dropped(folder: Path) -> None:
    rows = decisions(folder)
    assert len(rows) == PROBLEMS
    for row in rows:
        assert (row["right_on"], row["right_off"]) == RIGHT[row["i"] % 4]
        assert (row["n_on"], row["n_off"], row["unknown_off"]) == (4, 4, 0)
        wanted = [
            ("think_off", "default_off", None),
            ("think_on", "margin", None),
            (None, "none", "no_better_than_guessing"),
            (None, "none", "no_right_response"),
        ][row["i"] % 4]
        assert (row["mode"], row["rule"], row["drop_reason"]) == wanted


def test_what_is_published_is_what_was_asked(folder: Path) -> None:
    succeed("validate", "run", cwd=folder)
    rl = [row for path in folder.glob("run/dataset/rl/*.parquet") for row in pl.read_parquet(path).to_dicts()]
    assert len(rl) == PROBLEMS // 2
    recorded = {json.loads(line)["question"] for line in (folder / "responses.jsonl").read_text().splitlines()}
    for row in rl:
        gold = json.loads(row["extra_info"]["gold"])
        question = row["prompt"][-1]["content"]
        assert question in recorded
        assert without_options(question) == (question.split("\n")[0], gold["options"])
        assert row["ability"] == "choice"
        assert row["solution"] == rf"\boxed{{{gold['answer']}}}"
        response = "<judge>\nIt is simple.\n</judge>\n<think_off>\n<answer>\n\\boxed{%s}\n</answer>"
        for letter in LETTERS[:4]:
            score = compute_score(
                row["data_source"], response % letter, row["reward_model"]["ground_truth"], row["extra_info"]
            )
            assert score["acc"] == float(letter == gold["answer"])
    turned = json.loads(rl[0]["extra_info"]["gold"])
    turned["options"].reverse()
    check = rl_check(RL_SCHEMA, rl[0]["extra_info"]["split"], Seen())
    rl[0]["extra_info"]["gold"] = json.dumps(turned)
    assert "the options of the gold are not those that the prompt shows" in list(check(rl[0]))
    sft = [row for path in folder.glob("run/dataset/sft/*.parquet") for row in pl.read_parquet(path).to_dicts()]
    assert {row["kind"] for row in sft} == {"choice"}
    assert {row["question"] for row in sft} <= recorded


def test_rates_are_there_with_luck_and_without(folder: Path) -> None:
    rates = pl.concat([pl.read_parquet(path) for path in folder.glob("run/dataset/rates/*.parquet")]).to_dicts()
    assert {row["options"] for row in rates} == {4}
    assert {(row["p_off"], row["p_off_without_luck"]) for row in rates} == {(1.0, 1.0), (0.25, 0.0)}


def test_explain_says_what_luck_explains(folder: Path) -> None:
    lucky = next(row for row in decisions(folder) if row["i"] == 2)
    said = " ".join(succeed("explain", "run", lucky["problem_id"], cwd=folder).split())
    assert "without luck 0.00" in said
    assert "right more often than somebody who guesses" in said
    assert f"{json.loads(lucky['gold'])['answer']} of 4 options" in said


@pytest.mark.long
def test_stopping_early_decides_the_same(folder: Path, tmp_path: Path) -> None:
    recipe(tmp_path)
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--set", "sample.stop=decided", cwd=tmp_path)
    told = ("problem_id", "mode", "rule", "drop_reason", "index")
    assert [[row[name] for name in told] for row in decisions(tmp_path)] == [
        [row[name] for name in told] for row in decisions(folder)
    ]


def test_a_trained_model_can_be_asked_the_dataset(folder: Path) -> None:
    published = read_problems(folder / "run/dataset", "train")
    assert {problem.kind.value for problem in published} == {"choice"}
    raw = read_problems(folder / "problems.jsonl")
    assert len(raw) == PROBLEMS
    assert {problem.problem_id for problem in published} <= {problem.problem_id for problem in raw}
    for problem in raw:
        assert isinstance(problem.gold, ChoiceGold)
        assert problem.question == with_options(problem.question.split("\n")[0], problem.gold.options)
