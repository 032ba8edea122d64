"""Data of one's own become a recipe that runs as it is."""

import json
from pathlib import Path

import pytest

from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.init_recipe.from_data import Made, recipe_from
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.records import Kind
from tests.pipeline.init_recipe.own_files import FILES, OwnFile
from tests.stages.ingest.elsewhere.files_of_tools import FILES as ROLLOUTS
from tests.stages.ingest.ingesting import Ingested, read


def ingested(made: Made, folder: Path) -> Ingested:
    """What ingest makes by a recipe as it was written."""
    path = folder / "recipe.yaml"
    path.write_text(made.text)
    return read(*load_config(path, []).sources)


@pytest.mark.parametrize("own", FILES, ids=lambda own: own.name)
def test_a_file_needs_no_edit(own: OwnFile, tmp_path: Path) -> None:
    own.write(tmp_path / own.name)
    found = ingested(recipe_from(str(tmp_path / own.name)), tmp_path)
    assert len(found.problems) == own.kept and not found.rejected
    golds = {each.gold.answers[0] if isinstance(each.gold, MathGold) else each.gold.type for each in found.problems}
    assert golds == own.golds
    if own.name == "alpaca.json":
        assert all(" plus " in each.question for each in found.problems)  # what the instruction is about, too
    if own.ids is not None:
        assert {each.source_id for each in found.problems} == own.ids
    if own.domains is not None:
        assert {each.domain for each in found.problems} == own.domains


@pytest.mark.parametrize("tool", ROLLOUTS)
def test_rollouts_of_a_tool_are_known_and_nothing_is_sampled(tool: str, tmp_path: Path) -> None:
    made = recipe_from(str(ROLLOUTS[tool]))
    assert any("5 think-on, 6 think-off) of 3 problems" in sentence for sentence in made.said), made.said
    (tmp_path / "recipe.yaml").write_text(made.text)
    config = load_config(tmp_path / "recipe.yaml", [])
    assert (config.sources[0].type, config.engines["came"].type, config.sample.n) == ("rollouts", "rollouts", 2)


REAL = [
    ("gsm8k_model_solutions", Kind.MATH, 600, lambda row: row["ground_truth"].rpartition("A: ")[2]),
    ("math_train", Kind.MATH, 2_200, lambda row: row["answer"]),
    pytest.param("aime_train", Kind.MATH, 330, lambda row: row["answer"], marks=pytest.mark.long),
    ("leetcode", Kind.CODE, 290, None),
    pytest.param("code_contests", Kind.CODE, 55, None, marks=pytest.mark.long),
    pytest.param("codeforces", Kind.CODE, 190, None, marks=pytest.mark.long),
    pytest.param("humaneval", Kind.CODE, 80, None, marks=pytest.mark.long),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "least", "answer"), REAL, ids=lambda value: value if isinstance(value, str) else None
)
def test_a_real_file_needs_no_edit(name, kind, least, answer, shared_data: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = shared_data / f"real/{name}.jsonl"
    found = ingested(recipe_from(str(path)), tmp_path)
    assert len(found.problems) >= least
    assert {each.kind for each in found.problems} == {kind}
    if answer is not None:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for problem in found.problems:
            assert isinstance(problem.gold, MathGold)
            wanted = {answer(rows[source.row]).strip() for source in problem.sources}
            assert problem.gold.answers[0] in wanted
