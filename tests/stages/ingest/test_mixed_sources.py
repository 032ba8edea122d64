"""Real rows in all four shapes with planted ones among them: every planted row is found, and no other is touched."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from hipo_data.schemas.config import EvaluationSet
from hipo_data.schemas.records import Problem
from tests.stages.ingest.ingesting import Ingested, Place, ace_row, acereason, read, write
from tests.stages.ingest.mixture import A_KIND, Mixture, Planted, Planter, originals, real_items

EVALUATION = {
    "math": "problem",
    "amc": "problem",
    "aime": "problem",
    "minerva": "problem",
    "humaneval_prompts": "prompt",
}


@pytest.fixture(scope="module")
def evaluation(shared_data: Path) -> list[EvaluationSet]:
    return [
        EvaluationSet(name=name, path=str(shared_data / "eval" / f"{name}.jsonl"), question=column)
        for name, column in EVALUATION.items()
    ]


def evaluation_questions(evaluation: Iterable[EvaluationSet], folder: Path) -> dict[str, list[tuple[int, str]]]:
    """Of each set some questions that no filter refuses, and that no other set has."""
    found: dict[str, list[tuple[int, str]]] = {}
    for each in evaluation:
        rows = [json.loads(line)[each.question] for line in Path(str(each.path)).read_text().splitlines()]
        passing = read(acereason(write(folder / f"{each.name}.jsonl", [ace_row(row) for row in rows])), filters={})
        numbers = sorted(p.sources[0].row for p in passing.problems if len(p.sources) == 1)
        found[each.name] = [(number, rows[number]) for number in numbers if len(rows[number].split()) > 25][:A_KIND]
        assert len(found[each.name]) == A_KIND
    return found


@dataclass
class Runs:
    base: Ingested
    mixed: Ingested
    planted: Planted
    mixture: Mixture


@pytest.fixture(scope="module")
def runs(shared_data: Path, evaluation: list[EvaluationSet], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("mixed")
    items = real_items(shared_data)
    base = Mixture(items).ingest(folder / "base", evaluation)
    random = Random(1)
    mixture = Mixture(items)
    planter = Planter(mixture, originals(mixture, base, random), random)
    planter.copies()
    planter.near_duplicates()
    planter.conflicts()
    planter.contaminated(evaluation_questions(evaluation, folder / "evaluation"))
    planter.broken()
    return Runs(base, mixture.ingest(folder / "mixed", evaluation), planter.planted, mixture)


def sentences(found: Ingested) -> dict[Place, str]:
    return {(s.dataset, s.file, s.row): row.detail for row in found.rejected for s in row.sources}


def problems_by_place(found: Ingested) -> dict[Place, Problem]:
    return {(s.dataset, s.file, s.row): problem for problem in found.problems for s in problem.sources}


@pytest.mark.slow
def test_every_planted_row_is_found_under_its_reason(runs: Runs) -> None:
    outcomes, said = runs.mixed.outcomes, sentences(runs.mixed)
    print("\n" + table_of_planted(runs))
    for what, wanted in runs.planted.reasons.items():
        assert {place: outcomes[place] for place in wanted} == wanted, what
        for place in wanted:
            assert all(text in said[place] for text in runs.planted.shown[place]), (what, said[place])


@pytest.mark.slow
def test_planted_copies_are_of_the_problem_that_they_copy(runs: Runs) -> None:
    problems = problems_by_place(runs.mixed)
    for copy, original in runs.planted.copies.items():
        assert problems[copy] == problems[original]
        assert problems[original].problem_id == problems_by_place(runs.base)[original].problem_id


@pytest.mark.slow
def test_what_a_planted_row_contradicts_is_refused_with_it(runs: Runs) -> None:
    outcomes, said = runs.mixed.outcomes, sentences(runs.mixed)
    for place in runs.planted.conflicting:
        assert outcomes[place] == "gold_conflict"
        assert all(text in said[place] for text in runs.planted.shown[place])


@pytest.mark.slow
def test_no_other_row_is_touched(runs: Runs) -> None:
    before, after = runs.base.outcomes, runs.mixed.outcomes
    planted = {place for wanted in runs.planted.reasons.values() for place in wanted}
    assert set(after) == set(before) | planted
    others = set(before) - runs.planted.conflicting
    assert {place: after[place] for place in others} == {place: before[place] for place in others}
    was, is_now = sentences(runs.base), sentences(runs.mixed)
    assert {place: is_now[place] for place in was} == was
    copied = set(runs.planted.copies.values())
    was_problem, is_problem = problems_by_place(runs.base), problems_by_place(runs.mixed)
    for place in others & set(was_problem) - copied:
        assert is_problem[place] == was_problem[place]


@pytest.mark.slow
def test_the_accounts_differ_by_what_was_planted(runs: Runs) -> None:
    wanted: Counter[str] = Counter(outcome for rows in runs.planted.reasons.values() for outcome in rows.values())
    wanted["gold_conflict"] += len(runs.planted.conflicting)
    del wanted["problem"]
    assert runs.mixed.accounts.refused == runs.base.accounts.refused + wanted
    assert runs.mixed.accounts.problems == runs.base.accounts.problems - len(runs.planted.conflicting)
    print("\n" + table_of_accounts(runs))


def table_of_planted(runs: Runs) -> str:
    outcomes = runs.mixed.outcomes
    lines = [f"{'planted':<36} rows  found"]
    for what, wanted in runs.planted.reasons.items():
        found = sum(outcomes[place] == outcome for place, outcome in wanted.items())
        lines.append(f"{what:<36} {len(wanted):>4} {found:>6}")
    return "\n".join(lines)


def table_of_accounts(runs: Runs) -> str:
    """Each number as it is, and in parentheses as it is without the planted rows."""
    base, mixed = runs.base.accounts, runs.mixed.accounts
    reasons = list(mixed.refused)
    lines = [f"{'':<24}" + "".join(f"{name.split('/')[1][:14]:>18}" for name in mixed.datasets)]
    for name in ("read", "kept", "merged"):
        pairs = [(getattr(mixed.datasets[each], name), getattr(base.datasets[each], name)) for each in mixed.datasets]
        lines.append(f"{name:<24}" + "".join(f"{f'{now} ({was})':>18}" for now, was in pairs))
    for reason in reasons:
        pairs = [
            (mixed.datasets[x].refused.get(reason, 0), base.datasets[x].refused.get(reason, 0)) for x in mixed.datasets
        ]
        lines.append(f"{reason:<24}" + "".join(f"{f'{now} ({was})':>18}" for now, was in pairs))
    return "\n".join(lines)
