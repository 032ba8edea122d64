"""The comparison of methods runs end to end, goes on where it stopped, and says what it found."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.reproduce import charts
from hipo_data.reproduce.config import ReproduceConfig, Room
from hipo_data.reproduce.kept import fingerprint_of, keep, outdated
from hipo_data.reproduce.outcomes import OUTCOMES
from hipo_data.reproduce.page import BY_HAND, write_page
from hipo_data.reproduce.plan import rounds, starts_of, trainings
from hipo_data.reproduce.run import page_of, reproduce, too_small
from hipo_data.reproduce.writing import spread
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from tests.support.commands import JUSTIFICATION, write_lines
from tests.trainer.conftest import TEACHER


def test_a_step_is_done_once_for_the_same_settings(tmp_path: Path) -> None:
    done = []

    def make() -> list[int]:
        done.append(len(done))
        return list(done)

    one, two = fingerprint_of({"seed": 1}), fingerprint_of({"seed": 2})
    assert keep(tmp_path, "train", one, make) == keep(tmp_path, "train", one, make) == [0]
    assert outdated(tmp_path, "train", two) and not outdated(tmp_path, "train", one)
    assert keep(tmp_path, "train", two, make) == [0, 1]
    assert not outdated(tmp_path, "other", two)
    assert keep(tmp_path, "other", two, make) == [0, 1, 2]


def test_a_step_that_fails_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        keep(tmp_path, "train", "f", lambda: (_ for _ in ()).throw(RuntimeError("no")))
    assert keep(tmp_path, "train", "f", lambda: 5) == 5


def test_means_and_spreads_over_seeds() -> None:
    assert spread([0.1, 0.2, 0.3]) == "0.200 ± 0.100"
    assert spread([0.25]) == "0.250" and spread([None, None]) == "–"
    assert spread([40.0, None, 42.0], 1) == "41.0 ± 1.4"


def config_in(folder: Path, **changes: Any) -> ReproduceConfig:
    recipe = yaml.safe_load((Path(__file__).parents[2] / "recipes/reproduce-tiny.yaml").read_text())
    recipe |= {"output": str(folder / "out"), "page": str(folder / "docs/page.md"), "model": str(TEACHER), **changes}
    path = folder / "reproduce.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return read_config(ReproduceConfig, path, [])


def model(folder: Path, right: str, tokens: int, think: str, justification: int = 10) -> dict[str, Any]:
    """What is kept of a model, made from its answers to so many problems: `1` is right, or thinks."""
    count = len(right)
    rows = {
        "problem_id": [f"p{i}" for i in range(count)],
        "family": ["pick"] * count,
        "mode": ["think_on" if each == "1" else "think_off" for each in think],
        "right": [each == "1" for each in right],
        "tokens": [tokens] * count,
        "justification_tokens": [justification] * count,
    }
    path = folder / f"{len(list(folder.glob('*.parquet')))}.parquet"
    pl.DataFrame(rows, schema=OUTCOMES).write_parquet(path)
    figures = {
        "accuracy": right.count("1") / count, "tokens": float(tokens), "think_on": think.count("1") / count,
        "well_formed": 1.0, "truncated": 0.0,
    }  # fmt: skip
    return {
        "outcomes": str(path),
        "all": {**figures, "hybrid_accuracy": 0.7, "of_perfect": 0.8, "hybrid_problems": 40},
        "families": {family: {**figures, "accuracy_on": 0.6, "accuracy_off": 0.9} for family in ("pick", "sum_long")},
        "steps": [{"step": 1, "think_on": figures["think_on"]}],
    }


def test_the_page_compares_with_the_first_cold_start(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    first = config.starts["a"].title
    every = "1" * 10
    results = {
        first: {seed: model(tmp_path, right, 40, every) for seed, right in ((1, "1111110000"), (2, "1111111000"))},
        "GRPO from b": {1: model(tmp_path, "1111110000", 40, "1111111100")},
        "HiPO from b": {seed: model(tmp_path, "1111111100", 30, "1111110000") for seed in (1, 2)},
        "HGPO from b": {1: model(tmp_path, "1111111100", 20, every)},
        "HiPO without the global term": {1: model(tmp_path, "1111110000", 30, "1111111110")},
    }
    text = write_page(config, results).read_text()
    of_first = "0.650 ± 0.071 | 40.0 ± 0.0 | 1.000 ± 0.000 | 0.700 ± 0.000 | 0.800 ± 0.000 | 1.000 ± 0.000 |"
    assert f"| {first} | {of_first}" in text
    assert "right on 0.900 with those of cold start a (always thinking)." in text
    assert "What training adds" not in text  # the cold start that the arms began from is not there
    assert "| HiPO from b | +15.0 [" in text and "| −25.0 % [−25.0, −25.0] | −40.0 % [" in text
    # Of HGPO there is seed 1 alone, in which the cold start is worse.
    assert "| HGPO from b | +20.0 [" in text and "| −50.0 % [−50.0, −50.0] | +0.0 % [+0.0, +0.0] |" in text
    assert "| GRPO from b (1 of 2 seeds) |" in text and "| HiPO from b against GRPO from b | +20.0 [" in text
    assert "| HiPO (article) | | +6.3 % | −30 % | −37 % |" in text
    # The ablation has seed 1 alone, and is compared with the same seed.
    assert "| HiPO without the global term | 0.600 | 30.0 | 0.900 | 0.700 | 0.800 | 1.000 |" in text
    assert "| HiPO without the global term | −20.0 [" in text and "| +0.0 % [+0.0, +0.0] | +50.0 % [" in text
    missing = "cold start b (HiPO's rule); HiPO without justification"
    assert f"Not trained when this page was made: {missing}." in text
    for name in ("trade", "families", "training"):
        assert (tmp_path / f"docs/images/reproduction-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_says_what_training_adds_to_the_cold_start(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    first, own = (config.starts[name].title for name in ("a", "b"))
    results = {
        first: {1: model(tmp_path, "1100", 40, "1111"), 2: model(tmp_path, "1100", 40, "1111")},
        own: {1: model(tmp_path, "1110", 20, "1100")},
        "HiPO from b": {1: model(tmp_path, "1110", 30, "1110")},
    }
    text = write_page(config, results).read_text()
    added = text.partition("What training adds, each against its own cold start:")[2].partition("\n\n![")[0]
    assert "| HiPO from b | +0.0 [+0.0, +0.0] | +0.0 % [+0.0, +0.0] | +50.0 % [+50.0, +50.0] | +50.0 % [" in added
    assert f"| {own} (1 of 2 seeds) |" in text and f"| {first} |" in text


def test_every_row_of_the_recipe_has_a_colour(repo_root: Path) -> None:
    config = read_config(ReproduceConfig, repo_root / "recipes/reproduce.yaml", [])
    rows = [config.starts[name].title for name in starts_of(config, config.methods)] + list(config.methods)
    figures = {"accuracy": 0.5, "tokens": 40, "think_on": 1.0}
    drawn = charts.trade({name: {1: {"all": figures}} for name in rows}).to_dict()
    assert len(set(drawn["encoding"]["color"]["scale"]["range"])) == len(rows) >= 10


def test_the_page_tells_justifications_from_the_rest(tmp_path: Path) -> None:
    first = {1: model(tmp_path, "1111", 40, "1110", justification=15), 2: model(tmp_path, "1111", 60, "1111")}
    config = config_in(tmp_path)
    text = write_page(config, {config.starts["a"].title: first}).read_text()
    # All: 12.5 of 50 tokens; thinking: three of 15 and 40, four of 10 and 60; not thinking: one.
    assert f"| {config.starts['a'].title} | 12.5 | 37.5 | 12.1 | 39.3 | 15.0 | 25.0 |" in text


def test_the_page_says_how_alpha_is_scaled(tmp_path: Path) -> None:
    arm = {"start": "a", "algorithm": {"type": "thinkless", "alpha": 0.05}}
    config = config_in(tmp_path, more={"Thinkless": arm})
    text = write_page(config, {config.starts["a"].title: {1: model(tmp_path, "11", 80, "11")}}).read_text()
    assert "Thinkless has α = 0.05" in text and "4.0 times\n  at the 80 of its cold start" in text
    assert "5 times at 5,000 tokens and would weigh it 0.08 times here" in text


def test_a_file_of_outcomes_that_is_gone_is_named(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    lost = model(tmp_path, "11", 80, "11")
    Path(lost["outcomes"]).unlink()
    with pytest.raises(UserError, match=r"0\.parquet is missing"):
        write_page(config, {config.starts["a"].title: {1: lost}})


def test_what_a_reader_wrote_below_the_line_stays(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    results = {config.starts["a"].title: {1: model(tmp_path, "10", 40, "11")}}
    page = write_page(config, results)
    page.write_text(page.read_text() + "\n## Why\n\nBecause.\n")
    written = write_page(config, results).read_text()
    assert written.endswith(f"{BY_HAND}\n\n## Why\n\nBecause.\n")
    assert write_page(config, results).read_text() == written


def test_a_cold_start_has_the_seeds_of_all_arms_that_need_it(tmp_path: Path) -> None:
    hipo = {"type": "hipo"}
    config = config_in(
        tmp_path,
        seeds=[1, 2],
        arms={"one": {"start": "b", "algorithm": hipo, "seeds": [1, 3]}},
        more={"two": {"start": "b", "algorithm": hipo}, "three": {"start": "plain", "algorithm": hipo, "seeds": [4]}},
        against={},
        ablations={"of": "one", "seeds": [3], "arms": {"four": {"start": "plain", "algorithm": hipo}}},
    )
    first, second = ({(each.name, each.seed) for each in trainings(config, arms)} for arms in rounds(config, more=True))
    a, b, plain = (config.starts[name].title for name in ("a", "b", "plain"))
    assert first == {(a, 1), (a, 3), (b, 1), (b, 3), ("one", 1), ("one", 3)}
    cold = {(a, seed) for seed in (1, 2, 3, 4)} | {(b, 1), (b, 2), (plain, 3), (plain, 4)}
    assert second == cold | {("two", 1), ("two", 2), ("three", 4), ("four", 3)}
    assert rounds(config, more=False) == [config.arms]


def test_other_settings_have_folders_of_their_own(tmp_path: Path) -> None:
    def folders(**changes: Any) -> dict[str, Path]:
        config = config_in(tmp_path, **changes)
        return {each.step: each.folder for arms in rounds(config) for each in trainings(config, arms)}

    before = folders()
    assert len(set(before.values())) == len(before) and folders(hybrid={"share": 1, "samples": 9}) == before
    recipe = yaml.safe_load((Path(__file__).parents[2] / "recipes/reproduce-tiny.yaml").read_text())
    longer = folders(rl=recipe["rl"] | {"steps": 3})
    assert {step for step in before if before[step] == longer[step]} == {each for each in before if "start-" in each}
    hotter = folders(cold_start=recipe["cold_start"] | {"epochs": 7})
    assert not set(before.values()) & set(hotter.values())
    # The teacher's weights are part of what all is made from.
    teacher = tmp_path / "teacher"
    shutil.copytree(TEACHER, teacher)
    same = folders(model=str(teacher))
    (teacher / "config.json").write_text((teacher / "config.json").read_text() + " ")
    assert not set(same.values()) & set(folders(model=str(teacher)).values())


def test_a_machine_with_too_little_is_told_so() -> None:
    said = too_small(10_000)
    assert "jobs is 10000" in said[-1] and f"--set jobs={len(os.sched_getaffinity(0))}" in said[-1]
    assert not any("jobs is" in line for line in too_small(1))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arms": {"HiPO from c": {"start": "c", "algorithm": {"type": "hipo"}}}, "ablations": None, "against": {}},
         "HiPO from c names the start 'c'; there is a, b, plain"),
        ({"against": {"HiPO from b": "nobody"}}, "against names 'nobody'"),
        ({"more": {"HiPO from b": {"start": "b", "algorithm": {"type": "hipo"}}}}, "two arms are called 'HiPO from b'"),
        ({"seeds": [2]}, r"has the seeds \[1\]; they have to be among those of HiPO from b, which are \[2\]"),
        ({"seeds": [2, 2]}, "each has to differ"),
        ({"room": {"tokens": 0.3, "accuracy": 0}}, "less than 0"),
        ({"problems": {"seed": 1, "train": {"pick": 4}, "evaluation": {"chain": 4}}}, "name the same in both"),
        ({"problems": {"seed": 1, "train": {"pick": 0}, "evaluation": {"pick": 1}}}, "greater than or equal to 1"),
        ({"problems": {"seed": 1, "train": {"pik": 1}, "evaluation": {"pik": 1}}}, "there is no family 'pik'"),
        ({"more": {"grpo from-b": {"start": "b", "algorithm": {"type": "grpo"}}}}, "differ in signs alone"),
        ({"more": {"Cold start a (always thinking)": {"start": "b", "algorithm": {"type": "grpo"}}}}, "signs alone"),
        ({"more": {"none": {"start": "b"}}}, "none has no algorithm"),
        ({"against": {"HiPO from b": "HiPO from b"}}, "name another arm that shares seeds"),
        ({"against": {"GRPO from b": "other"},
          "more": {"other": {"start": "b", "algorithm": {"type": "grpo"}, "seeds": [8]}}}, "that shares seeds"),
    ],
)  # fmt: skip
def test_a_comparison_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        config_in(tmp_path, **changes)


def test_arms_that_could_not_be_trained_are_refused_before_anything_is(tmp_path: Path) -> None:
    recipe = yaml.safe_load((Path(__file__).parents[2] / "recipes/reproduce-tiny.yaml").read_text())
    with pytest.raises(UserError, match="HGPO from b forces half of each group into each mode, and rl"):
        config_in(tmp_path, rl=recipe["rl"] | {"group": 3})
    starts = recipe["starts"] | {"b": {"title": "b", "format": "qwen3"}}
    with pytest.raises(UserError, match="HiPO from b: hipo trains the model's choice"):
        config_in(tmp_path, starts=starts)


def test_a_start_that_the_pipeline_would_refuse_is_named_before_anything_is_sampled(tmp_path: Path) -> None:
    recipe = yaml.safe_load((Path(__file__).parents[2] / "recipes/reproduce-tiny.yaml").read_text())
    starts = recipe["starts"] | {"b": {"title": "b", "overrides": ["select.polcy=hipo"]}}
    with pytest.raises(UserError, match=r"select\.polcy"):
        reproduce(config_in(tmp_path, starts=starts), lambda line: None)
    with pytest.raises(UserError, match=r"nope\.yaml"):
        reproduce(config_in(tmp_path, data="nope.yaml"), lambda line: None)
    assert not (tmp_path / "out").exists()


def recorded_teacher(folder: Path, counts: dict[str, int]) -> Path:
    """A recipe whose teacher has written everything down: always right with thinking, now and then without."""
    arguments = ["--out", folder / "fresh", "--pool", "train", "--counts", json.dumps(counts), "--seed", "1"]
    subprocess.run([sys.executable, "-m", "hipo_data.models.make.fresh", *map(str, arguments)], check=True)
    rows = [json.loads(line) for name in counts for line in (folder / f"fresh/{name}.jsonl").read_text().splitlines()]
    responses, reasons = [], []
    for i, row in enumerate(rows):
        on = [f"<think>\n{'so ' * (j + 1)}\n</think>\n\n\\boxed{{{row['answer']}}}" for j in range(2)]
        off = [f"\\boxed{{{row['answer'] if i % 2 else -1}}}" for _ in range(2)]
        responses.append({"question": row["problem"], "on": on, "off": off})
        reasons.append({"question": row["problem"], "responses": [JUSTIFICATION.format("abcdefgh"[i % 8] * 3)]})
    write_lines(folder / "responses.jsonl", responses)
    write_lines(folder / "reasons.jsonl", reasons)
    replay = {"type": "replay", "path": str(folder / "responses.jsonl")}
    recipe = {
        "name": "recorded",
        "sources": [{"type": "acereason", "path": "filled-in", "name": "x"}],
        "ingest": {"validation_fraction": 0.0, "near_duplicates": None},
        "engines": {
            "on": {**replay, "responses": ["on"]},
            "off": {**replay, "responses": ["off"]},
            "reasons": {"type": "replay", "path": str(folder / "reasons.jsonl")},
        },
        "roles": {"think_on": {"engine": "on"}, "think_off": {"engine": "off"}, "justifier": {"engine": "reasons"}},
        "sample": {"n": 2},
        "select": {"random_fraction": 0.0},
    }
    path = folder / "data.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.mark.long
def test_a_comparison_runs_through_and_is_not_done_twice(tmp_path: Path) -> None:
    counts = {"pick": 8, "sum_long": 8}
    config = config_in(
        tmp_path,
        data=str(recorded_teacher(tmp_path, counts)),
        problems={"seed": 1, "train": counts, "evaluation": {"pick": 4, "sum_long": 4}},
        seeds=[1],
    )
    said: list[str] = []
    wide = config.model_copy(update={"room": Room(tokens=-0.99, accuracy=0.063)})
    with pytest.raises(UserError, match=r"the mix leaves too little room: .* room asks for −99\.0 % and \+6\.3 %"):
        reproduce(wide, said.append)
    assert any("the better mode of each problem: accuracy" in line for line in said)
    assert not (tmp_path / "out/models").exists()
    # By the command, whose workers import what they do from elsewhere than the tests.
    recipe, room = tmp_path / "reproduce.yaml", "room={tokens: -0.99, accuracy: 0.063}"
    command = [
        sys.executable,
        "-m",
        "hipo_data.reproduce",
        "--config",
        str(recipe),
        "--set",
        room,
        "--anyway",
        "--more",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = Path(config.page).read_text()
    # Off is right every other time, and never costs as much.
    assert "| always think | 1.000 |" in text and "| HiPO (article) | | | | +6.3 % | | −30 % | −37 % |" in text
    assert config.ablations is not None
    titles = [start.title for start in config.starts.values()]
    for name in (*titles, *config.methods, *config.ablations.arms):
        assert f"| {name} |" in text
    assert "Not trained" not in text and "HiPO from b against GRPO from b" in text

    modes = {
        start: set(pl.read_parquet(tmp_path / f"out/data-{start}/sft", columns=["mode"])["mode"])
        for start in config.starts
    }
    assert modes == {"a": {"think_on"}, "b": {"think_on", "think_off"}, "plain": {"think_on", "think_off"}}
    for outcomes in (tmp_path / "out/models").glob("start-b-*/outcomes.parquet"):
        rows = pl.read_parquet(outcomes)
        assert rows.height == 8 and rows["justification_tokens"].min() >= 1
        assert (rows["justification_tokens"] <= rows["tokens"]).all()
    written = weights(tmp_path)
    assert len(written) == 8
    reproduce(config, said.append, more=True)
    assert weights(tmp_path) == written and not any("made again" in line for line in said)
    assert page_of(config).read_text() == text


def weights(folder: Path) -> dict[Path, int]:
    """When each model was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("model/*.safetensors")}
