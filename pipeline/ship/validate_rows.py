"""What every row of a published dataset has to hold: for each part, a check of a file's schema, and one of its rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import pyarrow as pa
from pydantic import ValidationError

from hipo_data.prompts.formats.parts import FormatError, HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.arrow import check_schema
from hipo_data.schemas.gold import CheckGold, ChoiceGold, MathGold, gold_from_json, gold_in_row, kind_of
from hipo_data.schemas.lettered_options import without_options
from hipo_data.schemas.mix_config import PHASES
from hipo_data.schemas.records import Example, GoldSource, Mode
from hipo_data.stages.justify.justify import asked
from hipo_data.stages.publish.pairs import GROUPS_SCHEMA, PREFERENCE_SCHEMA
from hipo_data.stages.publish.rates import RATES_SCHEMA
from hipo_data.stages.publish.tables import PHASE, RL_BUDGET_SCHEMA, RL_SCHEMA, SFT_SCHEMAS
from hipo_data.stages.select.policies.effort import FALLBACK, RULE

Row = dict[str, Any]
Check = Callable[[Row], Iterator[str]]
_BY_CHANCE = 100  # a question may hold a shorter program
_LETTER = 2  # characters of an answer that an instruction may give as an example of one, as in \boxed{A}


@dataclass
class Seen:
    """What rows of several files have to agree in."""

    splits: dict[str, set[str]] = field(default_factory=dict)
    """Problems by split."""
    examples: set[tuple[str, str, int]] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)
    formats: set[str] = field(default_factory=set)

    def in_split(self, split: str, problem_id: str, said: str) -> Iterator[str]:
        """Notes a row of a file of `split`, and objects where the row says another one."""
        self.splits.setdefault(split, set()).add(problem_id)
        if said != split:
            yield f"the split is {said}, the file's is {split}"

    def problems_in_both_splits(self) -> Iterator[str]:
        """A sentence a problem."""
        for key in sorted(self.splits.get("train", set()) & self.splits.get("validation", set())):
            yield f"problem {key} is in train and in validation"


def sft_check(schema: pa.Schema, split: str, seen: Seen) -> Check:
    """Of examples. Raises `ValueError` where they are none of this version."""
    check_schema(schema, Example)
    _same_columns(schema, *SFT_SCHEMAS)
    phased, before = PHASE.name in schema.names, list[int | None]()

    def check(row: Row) -> Iterator[str]:
        try:
            example = Example.model_validate({name: row[name] for name in Example.model_fields})
        except ValidationError as error:
            yield _first(error)
            return
        key = (example.problem_id, example.mode.value, example.rollout_index)
        if key in seen.examples:
            yield f"problem {key[0]} has another example of {key[1]} rollout {key[2]}"
        seen.examples.add(key)
        seen.formats.add(example.format)
        if len(seen.formats) > 1:
            yield f"the format is {example.format}, that of others {', '.join(sorted(seen.formats - {example.format}))}"
        yield from seen.in_split(split, example.problem_id, example.split)
        yield from _turns(example, asked(example.question, row.get("instruction")))
        if phased:
            yield from _phase(example, row[PHASE.name], before)
        for name in ("p_on", "p_off"):
            value = getattr(example, name)
            if value is not None and not 0 <= value <= 1:
                yield f"{name} is {value}, which is no rate"

    return check


def rl_check(schema: pa.Schema, split: str, seen: Seen) -> Check:
    """Of prompts for RL. Raises `ValueError` where they do not have verl's columns."""
    _same_columns(schema, RL_SCHEMA, RL_BUDGET_SCHEMA)

    def check(row: Row) -> Iterator[str]:
        about, turns = row["extra_info"], row["prompt"]
        key = about["problem_id"]
        if about["gold_source"] not in get_args(GoldSource):
            yield f"gold_source is {about['gold_source']}, not one of {', '.join(get_args(GoldSource))}"
        if key in seen.prompts:
            yield f"problem {key} has another prompt"
        seen.prompts.add(key)
        yield from seen.in_split(split, key, about["split"])
        if not turns or turns[-1]["role"] != "user":
            yield "the prompt does not end with the user's turn"
            return
        yield from _gold(row, "\n".join(turn["content"] for turn in turns))

    return check


def preference_check(schema: pa.Schema, split: str, seen: Seen) -> Check:
    """Of pairs. Raises `ValueError` where they do not have the columns of pairs."""
    _same_columns(schema, PREFERENCE_SCHEMA)

    def check(row: Row) -> Iterator[str]:
        yield from seen.in_split(split, row["problem_id"], row["split"])
        if not row["prompt"] or row["prompt"][-1]["role"] != "user":
            yield "the prompt does not end with the user's turn"
        if row["chosen"] == row["rejected"]:
            yield "chosen and rejected are the same"
        for name in ("chosen", "rejected"):
            if [turn["role"] for turn in row[name]] != ["assistant"]:
                yield f"{name} is not one turn of the assistant"
                continue
            parsed = _parsed(row["format"], row[name][0]["content"])
            if isinstance(parsed, str):
                yield f"{name}: {parsed}"
            elif parsed.mode.value != row[f"{name}_mode"]:
                yield f"{name} reads back as {parsed.mode.value}, its mode is {row[f'{name}_mode']}"

    return check


def groups_check(schema: pa.Schema, split: str, seen: Seen) -> Check:
    """Of problems with all their graded responses. Raises `ValueError` where they do not have those columns."""
    _same_columns(schema, GROUPS_SCHEMA)

    def check(row: Row) -> Iterator[str]:
        yield from seen.in_split(split, row["problem_id"], row["split"])
        keys = [(each["mode"], each["index"]) for each in row["responses"]]
        if len(set(keys)) < len(keys):
            yield "two responses have the same mode and index"
        for side, mode in (("on", Mode.THINK_ON), ("off", Mode.THINK_OFF)):
            right = sum(each["correct"] for each in row["responses"] if each["mode"] == mode.value)
            if right > row[f"right_{side}"]:
                yield f"{right} responses of {mode.value} are right, the row says {row[f'right_{side}']}"

    return check


def rates_check(schema: pa.Schema, split: str, seen: Seen) -> Check:
    """Of pass rates by problem. Raises `ValueError` where they do not have those columns."""
    _same_columns(schema, RATES_SCHEMA)

    def check(row: Row) -> Iterator[str]:
        yield from seen.in_split(split, row["problem_id"], row["split"])
        for name in ("p_on", "p_off", "p_on_corrected", "p_off_corrected", "repetition", "wrong_mode"):
            if row[name] is not None and not 0 <= row[name] <= 1:
                yield f"{name} is {row[name]}, which is no probability"

    return check


CHECKS: dict[str, Callable[[pa.Schema, str, Seen], Check]] = {
    "sft": sft_check,
    "rl": rl_check,
    "preference": preference_check,
    "groups": groups_check,
    "rates": rates_check,
}


def key_and_question(part: str, row: Row) -> tuple[str, str] | None:
    """The problem that a row says it is of, and the question that it holds, without a budget's instruction; null where
    rows hold no question."""
    if part == "rates":
        return None
    if part == "sft":
        return row["problem_id"], row["question"]
    about = row["extra_info"] if part == "rl" else row
    question = row["prompt"][-1]["content"] if row["prompt"] else ""
    if about.get("instruction"):
        question = question.removesuffix(asked("", about["instruction"]))
    return about["problem_id"], question


def _phase(example: Example, phase: int | None, before: list[int | None]) -> Iterator[str]:
    """`before` keeps the phase of the file's rows so far."""
    if phase not in (PHASES if example.split == "train" else (None,)):
        yield f"the phase is {phase}, which no row of {example.split} has"
    elif before and before[0] != phase:
        yield f"the phase is {phase}, that of the file's first row is {before[0]}"
    elif phase == 1 and not example.mode.thinks:
        yield f"a {example.mode.value} example is in phase 1, whose rows think"
    if not before:
        before.append(phase)


def _parsed(name: str, text: str) -> HybridResponse | str:
    """The response, or why it does not read back."""
    form = FORMATS.get(name)
    if form is None:
        return f"there is no format '{name}'"
    try:
        return form.parse(text)
    except FormatError as error:
        return f"the answer does not read back: {error}"


_OF_ARMS = (RULE, FALLBACK, "all_right", "shortest")
"""Rules that keep responses of other arms than the two modes."""


def _turns(example: Example, question: str) -> Iterator[str]:
    roles = [turn.role for turn in example.messages]
    if roles[-2:] != ["user", "assistant"] or "assistant" in roles[:-1]:
        yield f"the turns are of {', '.join(roles)}; they have to end with one of user and one of assistant"
        return
    if example.messages[-2].content != question:
        yield "the user's turn is not the question"
    if example.mode not in tuple(Mode) and example.rule not in _OF_ARMS:
        said = f"not {example.mode.value!r}, as the rule {example.rule!r} chooses between no arms"
        yield f"mode: Input should be 'think_on' or 'think_off' and {said}"
    parsed = _parsed(example.format, example.messages[-1].content)
    if isinstance(parsed, str):
        yield parsed
        return
    if parsed.mode is not FORMATS[example.format].written_as(example.mode):
        yield f"the answer reads back as {parsed.mode.value}, the mode is {example.mode.value}"
    if example.mode.thinks != (example.reasoning is not None):
        yield f"a {example.mode.value} example {'lacks' if example.reasoning is None else 'has'} reasoning"
    for name in ("justification", "reasoning", "answer"):
        if name == "justification" and not FORMATS[example.format].justifies:
            continue
        if getattr(parsed, name) != getattr(example, name):
            yield f"the {name} that the answer reads back to is not the row's"


def _gold(row: Row, prompt: str) -> Iterator[str]:
    try:
        gold = gold_from_json(gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"]))
    except ValidationError as error:
        yield f"the ground truth is no gold: {_first(error)}"
        return
    if row["ability"] != kind_of(gold):
        yield f"the ability is {row['ability']}, the gold is one of {kind_of(gold)}"
    if row["reward_model"]["style"] != "rule":
        yield f"the style of the reward is '{row['reward_model']['style']}', not 'rule'"
    if (
        isinstance(gold, MathGold | ChoiceGold)
        and row["solution"] != rf"\boxed{{{row['reward_model']['ground_truth']}}}"
    ):
        yield "the solution is not the ground truth in a box"
    if isinstance(gold, ChoiceGold):
        shown = without_options(prompt.removesuffix(asked("", row["extra_info"].get("instruction"))))
        if shown is None or shown[1] != gold.options:
            yield "the options of the gold are not those that the prompt shows"
    if gold_in_row(row["reward_model"]["ground_truth"], row["extra_info"]) in prompt or any(
        secret in prompt for secret in _secrets(gold)
    ):
        yield "the prompt holds the gold"


def _secrets(gold: Any) -> Iterator[str]:
    """Parts of a gold that no question states. (An answer, an assert or a test case may well stand in one.)"""
    if isinstance(gold, MathGold):
        yield from (rf"\boxed{{{answer}}}" for answer in gold.answers if len(answer) > _LETTER)
        return
    if isinstance(gold, ChoiceGold):  # the question shows every option
        return
    programs = [gold.reference or "", gold.test_code if isinstance(gold, CheckGold) else ""]
    yield from (program.strip() for program in programs if len(program.strip()) > _BY_CHANCE)


_OTHER_VERSION = (
    "if another version of hipo-data published it, `hipo-data run` over its run writes it anew and asks nothing again"
)


def _same_columns(found: pa.Schema, *allowed: pa.Schema) -> None:
    """Raises `ValueError` with the first difference from the first schema, unless one of them fits."""
    differences = [_difference(found, schema) for schema in allowed]
    if None not in differences:
        raise ValueError(f"{differences[0]}; {_OTHER_VERSION}")


def _difference(found: pa.Schema, expected: pa.Schema) -> str | None:
    for column in expected:
        if column.name not in found.names:
            return f"the column {column.name} is missing"
        if found.field(column.name).type != column.type:
            return f"the column {column.name} is {found.field(column.name).type}, not {column.type}"
    extra = [name for name in found.names if name not in expected.names]
    return f"the column {extra[0]} is not one of this version" if extra else None


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
