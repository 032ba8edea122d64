"""Publish: examples become a dataset folder that `datasets`, TRL and verl read as it is.

README.md                                the dataset card
sft/{train,validation}-*.parquet         `schemas.records.Example`, the chat under `messages`
rl/{train,validation}-*.parquet          verl's data_source, prompt, ability, reward_model, extra_info; and solution
preference/{train,validation}-*.parquet  pairs, under the policy `preference` (`stages.publish.pairs`)
rates/{train,validation}-*.parquet       each problem's pass rates, raw and corrected (`stages.publish.rates`)
groups/{train,validation}-*.parquet      all graded rollouts of a problem, under the policy `groups`

Under the policy `budget`, prompts say a budget: rows of sft/ have the columns `instruction` and `budget` besides, and
so has `extra_info` of rl/. Where training rows come in phases (`stages.publish.mix`), those of sft/ have the column
`phase`, and no file holds rows of two.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from hipo_data.graders.math.plain import plain_answer
from hipo_data.schemas.arrow import arrow_schema
from hipo_data.schemas.gold import AnyGold, ChoiceGold, MathGold, NoGold, gold_to_json
from hipo_data.schemas.records import Decision, Example, Problem
from hipo_data.stages.justify.justify import asked
from hipo_data.stages.select.exclusion import is_left_out
from hipo_data.stages.select.guessing import NO_BETTER

VERSION = "8"

_BUDGET = [pa.field("instruction", pa.string()), pa.field("budget", pa.float64())]
_EXTRA = [
    ("index", pa.int64()),
    ("split", pa.string()),
    ("problem_id", pa.string()),
    ("p_on", pa.float64()),
    ("p_off", pa.float64()),
    ("mode", pa.string()),
    ("gold_source", pa.string()),
    ("source_id", pa.string()),
    ("gold", pa.string()),
    ("gold_text", pa.string()),
]


def _rl_schema(extra: list[pa.Field]) -> pa.Schema:
    return pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            ("ability", pa.string()),
            ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
            ("extra_info", pa.struct(extra)),
            ("solution", pa.string()),
        ]
    )


RL_SCHEMA = _rl_schema([pa.field(name, kind) for name, kind in _EXTRA])
"""verl's RL columns, and `solution`, which TRL's rewards take. `ground_truth` is in the form that other people's reward
code takes: the answer alone for math and the letter for multiple choice, where `extra_info.gold` has the whole gold as
JSON; the tests as JSON for code.

`solution` is that answer in a box, null for code. `extra_info.gold_text` is what the source has in the gold's place,
where the gold is only a part of it, `extra_info.source_id` the source's own id, and `extra_info.gold_source` says
whether the gold is the source's (`source`) or what responses agreed on (`pseudo`).
"""

RL_BUDGET_SCHEMA = _rl_schema([*(pa.field(name, kind) for name, kind in _EXTRA), *_BUDGET])
PHASE = pa.field("phase", pa.int64())


def sft_schema(*, budgets: bool = False, phases: bool = False) -> pa.Schema:
    """The columns of sft/, where prompts say a budget, and where training rows come in phases."""
    own = arrow_schema(Example)
    further = [*(_BUDGET if budgets else []), *([PHASE] if phases else [])]
    return pa.schema([*own, *further], metadata=own.metadata)


SFT_BUDGET_SCHEMA = sft_schema(budgets=True)
SFT_SCHEMAS = [sft_schema(budgets=budgets, phases=phases) for budgets in (False, True) for phases in (False, True)]

Instructions = Mapping[str, tuple[str | None, float | None]]
"""What is added to a question, and the budget that it names, by problem."""


def rl_table(
    problems: Iterable[Problem],
    decisions: dict[str, Decision],
    first_index: int,
    instructions: Instructions | None = None,
) -> pa.Table:
    """RL prompts: every problem that was solved at least once, in either mode; the others teach nothing by reward.

    Nor do those that luck alone solves. Those that `select.exclude` leaves out are no rows either. `extra_info.index`
    counts on from `first_index`. With instructions, one a problem, the columns are those of `RL_BUDGET_SCHEMA`.
    """
    schema = RL_SCHEMA if instructions is None else RL_BUDGET_SCHEMA
    return pa.Table.from_pylist(list(_rl_rows(problems, decisions, first_index, instructions)), schema=schema)


def _rl_rows(
    problems: Iterable[Problem], decisions: dict[str, Decision], first_index: int, instructions: Instructions | None
) -> Iterator[dict[str, Any]]:
    index = first_index
    for problem in problems:
        decision = decisions[problem.problem_id]
        if decision.right_on + decision.right_off == 0 or is_left_out(decision) or decision.drop_reason == NO_BETTER:
            continue
        pseudo = decision.pseudo_gold
        gold = problem.gold if pseudo is None else MathGold(answers=[pseudo])
        answer = _short(gold)
        instruction, budget = instructions[problem.problem_id] if instructions is not None else (None, None)
        yield {
            "data_source": problem.sources[0].dataset,
            "prompt": [{"role": "user", "content": asked(problem.question, instruction)}],
            "ability": problem.kind.value,
            "reward_model": {"style": "rule", "ground_truth": gold_to_json(gold) if answer is None else answer},
            "extra_info": {
                "index": index,
                "split": problem.split,
                "problem_id": problem.problem_id,
                "p_on": decision.p_on,
                "p_off": decision.p_off,
                "mode": decision.mode,
                "gold_source": decision.gold_source,
                "source_id": problem.source_id,
                "gold": None if answer is None else gold_to_json(gold),
                "gold_text": problem.gold_text,
                **({} if instructions is None else {"instruction": instruction, "budget": budget}),
            },
            "solution": None if answer is None else f"\\boxed{{{answer}}}",
        }
        index += 1


def _short(gold: AnyGold | NoGold) -> str | None:
    """The answer as one writes it into a box; null for what is no answer but tests."""
    if isinstance(gold, MathGold):
        return plain_answer(gold.answers[0])
    return gold.answer if isinstance(gold, ChoiceGold) else None
