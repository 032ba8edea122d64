"""Figures of a run, against a sum done by hand."""

import re
from typing import get_args

import polars as pl
import pytest
import yaml
from markdown_it import MarkdownIt

from hipo_data.schemas.arrow import to_table
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.gold import AssertGold
from hipo_data.schemas.length_unit import Lengths, Unit
from hipo_data.schemas.records import Decision, Kind, Mode, Problem
from hipo_data.schemas.select_config import PolicyName
from hipo_data.stages.publish.card import card, method
from hipo_data.stages.publish.statistics import Statistics, statistics
from hipo_data.stages.sample.audit import audit
from hipo_data.stages.sample.shown import Shown
from tests.stages.builders import make_decision, make_problem

EASY, HARD = make_problem("easy"), make_problem("hard")
CODE, LOST, DEAD = make_problem("code", AssertGold(asserts=["assert f()"])), make_problem("lost"), make_problem("dead")

DECISIONS = [
    # 8 think-on rollouts of 100 tokens, 8 think-off ones of 20, one of them unknown.
    make_decision(
        EASY, Mode.THINK_OFF, rule="default_off", right_on=8, right_off=7, n_off=7, unknown_off=1, tokens_on=100.0
    ),
    make_decision(HARD, Mode.THINK_ON, right_on=6, right_off=1, tokens_on=200.0, truncated_on=2),
    make_decision(
        CODE, Mode.THINK_ON, right_on=4, right_off=0, n_on=4, unknown_on=4, tokens_on=50.0, tokens_off=None, n_off=0
    ),
    make_decision(LOST, None, right_on=0, right_off=0, tokens_on=300.0, truncated_off=3),
    make_decision(
        DEAD,
        None,
        n_on=0,
        right_on=0,
        unknown_on=0,
        tokens_on=None,
        n_off=0,
        right_off=0,
        tokens_off=None,
        drop_reason="ungraded",
    ),
]
EXAMPLES = [(EASY, "think_off", 18), (HARD, "think_on", 150)]  # the code problem got no justification


def figures(
    decisions: list[Decision] = DECISIONS,
    examples: list[tuple[Problem, str, int]] | None = None,
    given: bool = False,
) -> Statistics:
    rows = [
        {
            "problem_id": problem.problem_id,
            "kind": problem.kind.value,
            "mode": mode,
            "completion_tokens": tokens,
            "justification": f"The {problem.question} one has its own reasons.",
            "gold_source": "given" if given else "source",
        }
        for problem, mode, tokens in (EXAMPLES if examples is None else examples)
    ]
    schema = {"problem_id": pl.String, "kind": pl.String, "mode": pl.String, "completion_tokens": pl.Int64}
    schema |= {"justification": pl.String, "gold_source": pl.String}
    frame = pl.DataFrame(to_table(decisions, Decision))
    return statistics(frame.lazy(), pl.DataFrame(rows, schema=schema).lazy())


def test_counts_are_those_counted_by_hand() -> None:
    found = figures()
    assert (found.problems, found.examples) == (5, 2)
    assert found.modes == {"think_on": 1, "think_off": 1}
    assert found.rules == {"margin": 2, "default_off": 1}
    assert found.drops == {"no_right_response": 1, "ungraded": 1}
    assert found.by_kind == {"math": {"think_on": 1, "think_off": 1}}


def test_figures_of_a_mode_are_over_all_problems_and_unknown_is_not_graded() -> None:
    found = figures()
    assert (found.on.rollouts, found.on.graded, found.on.right, found.on.unknown, found.on.truncated) == (
        32,
        28,
        18,
        4,
        2,
    )
    assert (found.off.rollouts, found.off.graded, found.off.right, found.off.unknown, found.off.truncated) == (
        24,
        23,
        8,
        1,
        3,
    )
    assert found.on.pass_rate == 18 / 28
    assert found.off.pass_rate == 8 / 23


def test_mean_lengths_weigh_every_rollout_alike() -> None:
    found = figures()
    assert found.on.mean_tokens == pytest.approx((8 * 100 + 8 * 200 + 8 * 50 + 8 * 300) / 32)
    assert found.off.mean_tokens == pytest.approx(20.0)
    assert found.example_tokens == (18 + 150) / 2
    assert found.always_on_tokens == (100 + 200) / 2  # of the problems that became examples


def test_kinds_are_kept_apart() -> None:
    found = figures(examples=[(EASY, "think_off", 1), (CODE, "think_on", 2), (HARD, "think_on", 3)])
    assert found.by_kind == {
        Kind.CODE.value: {"think_on": 1, "think_off": 0},
        Kind.MATH.value: {"think_on": 1, "think_off": 1},
    }


def test_a_run_of_nothing_has_figures_without_dividing_by_zero() -> None:
    found = figures([], [])
    assert (found.problems, found.examples, found.rules, found.drops, found.by_kind) == (0, 0, {}, {}, {})
    assert (found.on.pass_rate, found.on.mean_tokens, found.example_tokens, found.always_on_tokens) == (None,) * 4


def test_figures_survive_their_own_json() -> None:
    assert Statistics.model_validate_json(figures().model_dump_json()) == figures()


def make_card(decisions: list[Decision] = DECISIONS, given: bool = False, **changes: object) -> str:
    values = {
        "title": 'Data: small & "quoted"',
        "name": "run",
        "format": "hipo",
        "policy": "hipo",
        "lengths": Lengths(Unit.TOKENS),
        "method": "HiPO (arXiv 2509.23967)",
        "prompt": "justify, 0123abcd",
        "main": "sft",
        "delta": 0.15,
        "n_on": 8,
        "n_off": 8,
        "adaptive": False,
        "splits": {"sft": {"train": 2}, "rl": {"train": 3, "validation": 1}},
        "data_files": {"train": "sft/train-*.parquet"},
        "sources": {"org/data": 2},
        "licences": ["MIT"],
        "teachers": ["teacher"],
        "versions": [],
        "audit": audit({}, None),
        "phases": {},
    }
    return card(figures(decisions, given=given), **(values | changes))


def test_the_cards_head_is_yaml_whatever_the_title() -> None:
    _, head, body = make_card().split("---\n", 2)
    read = yaml.safe_load(head)
    assert read["pretty_name"] == 'Data: small & "quoted"'
    assert [
        (config["config_name"], [file["split"] for file in config["data_files"]]) for config in read["configs"]
    ] == [
        ("sft", ["train"]),
        ("rl", ["train", "validation"]),
    ]
    assert '# Data: small & "quoted"' in body


def test_the_card_says_what_was_dropped_and_by_which_rule_modes_were_chosen() -> None:
    text = make_card()
    assert "Rules that chose the mode: margin 2, default_off 1." in text
    assert "Problems dropped: no_right_response 1, ungraded 1." in text
    assert "| examples | 2, think-on 1, think-off 1 |" in text
    assert "64.3 % of 28 graded rollouts" in text


def test_fallback_rows_are_counted_with_the_pass_rates_of_both_modes() -> None:
    assert figures().fallbacks is None
    assert "Fallback rows" not in make_card()
    fell = [
        make_decision(EASY, Mode.THINK_ON, rule="fallback_on", p_on=1 / 8, p_off=0.0),
        make_decision(HARD, Mode.THINK_ON, rule="fallback_on", p_on=3 / 8, p_off=2 / 8),
        make_decision(CODE, Mode.THINK_OFF, rule="fallback_off", p_on=1.0, p_off=2 / 8),
    ]
    found = figures([*fell, *DECISIONS[1:2]]).fallbacks
    assert found is not None
    assert (found.examples, found.modes) == (3, {"think_on": 2, "think_off": 1})
    assert found.pass_rate == pytest.approx((1 / 8 + 3 / 8 + 2 / 8) / 3)
    assert found.other_rate == pytest.approx((0 / 8 + 2 / 8 + 8 / 8) / 3)
    assert "3 problems (think-on 2, think-off 1)" in found.in_words
    assert "mean pass rate 25.0 % in their own mode, 41.7 % in the other" in found.in_words
    assert found.in_words in make_card(fell)


def test_the_card_says_how_many_examples_go_by_verdicts_from_elsewhere() -> None:
    assert figures(given=True).given_examples == 2
    assert "2 examples go by verdicts that came with the rollouts" in make_card(given=True)
    assert "`given`" not in make_card()


def test_the_card_says_how_unequal_the_numbers_of_rollouts_are() -> None:
    assert "from up to 8 think-on and 8 think-off rollouts a problem. A verdict" in make_card()
    text = make_card(adaptive=True)
    assert "unequal numbers of rollouts: think-on 0 to 8 (mean 6.4), think-off 0 to 8 (mean 4.8) a problem" in text
    assert "least sure, so that means over rollouts lean towards those problems. A verdict" in text


def test_the_card_says_what_the_modes_show_and_what_was_over_a_limit() -> None:
    assert "What the modes show" not in make_card()
    off = {"failed": 2, "cut": 4, "malformed": 1, "reasoned": 243, "plain": 954, "reasoning": 245, "open": 12}
    by_mode = {
        Mode.THINK_ON: Shown(reasoned=400, reasoning=400, lengths={20: 400}),
        Mode.THINK_OFF: Shown(**off, lengths={28: 940, 50: 14}),
    }
    text = make_card(audit=audit(by_mode, None, refused=257))
    assert (
        """
| | think-on | think-off |
| --- | --- | --- |
| asked | 400 | 1,204 |
| whole, with reasoning | 400 (100.0 %) | 243 (20.2 %) |
| whole, without | 0 | 954 (79.2 %) |
| cut off | 0 | 4 (0.3 %) |
| malformed: no answer | 0 | 1 (0.1 %) |
| failed requests | 0 | 2 (0.2 %) |
| of those without, think aloud | – | 12 (1.0 %) |
| of those without, out of proportion in length | – | 14 (1.2 %) |
| median tokens of an answer | about 35 | about 140 |
"""
        in text
    )
    assert "The selection refused 257 think-off responses" in text
    assert "**Over a limit:** 245 of 1202 think-off responses hold reasoning (at most 20.0 % may).\n" in text
    capped = make_card(audit=audit({Mode.THINK_ON: Shown(reasoned=1, reasoning=4, capped=3)}, None))
    assert "| cut off | 0 |\n| cut off at a cap, once the mode was settled | 3 (75.0 %) |\n" in capped
    clean = make_card(audit=audit({Mode.THINK_ON: Shown(reasoned=4)}, CheckConfig()))
    assert "Over a limit" not in clean and "refused" not in clean


def test_a_part_without_rows_is_left_out_of_the_cards_head() -> None:
    head = make_card(splits={"sft": {"train": 2}, "rl": {}}).split("---\n", 2)[1]
    assert [config["config_name"] for config in yaml.safe_load(head)["configs"]] == ["sft"]


def said(rows: list[tuple[Problem, str, str]]) -> Statistics:
    columns = {
        "problem_id": [problem.problem_id for problem, _, _ in rows],
        "kind": ["math"] * len(rows),
        "mode": [mode for _, mode, _ in rows],
        "completion_tokens": [1] * len(rows),
        "justification": [text for _, _, text in rows],
        "gold_source": ["source"] * len(rows),
    }
    return statistics(pl.DataFrame(to_table(DECISIONS, Decision)).lazy(), pl.DataFrame(columns).lazy())


def test_justifications_are_counted_once_a_problem_and_mode_and_copies_among_them() -> None:
    long = "several partial sums have to be kept in mind here so going through them one by one is the safer way"
    short = "one glance at the list is all that is asked for and nothing has to be worked out before answering it"
    rows = [(EASY, "think_off", short), (EASY, "think_off", short), (HARD, "think_on", long), (CODE, "think_on", long)]
    found = said(rows)
    assert (found.justifications, found.near_copies) == (3, pytest.approx(1 / 3))
    none = said([(EASY, "think_off", "")])
    assert (none.justifications, none.near_copies) == (0, None)


@pytest.mark.parametrize("policy", get_args(PolicyName))
def test_the_card_of_every_policy_says_whose_method_it_is(policy: PolicyName) -> None:
    config = SelectConfig(policy=policy)
    splits = {"groups": {"train": 2}, "rl": {}} if policy == "groups" else {"sft": {"train": 2}, "rl": {"train": 3}}
    main = "groups" if policy == "groups" else "sft"
    text = make_card(policy=policy, method=method(config), splits=splits, main=main)
    head = yaml.safe_load(text.split("---\n", 2)[1])
    assert [each["config_name"] for each in head["configs"] if each.get("default")] == [main]
    assert f"The method is {method(config)}." in text
    assert ("chosen by the policy" in text) == (policy != "hipo")
    assert f"{main} = load_dataset(" in text


def test_a_card_lists_versions_once_there_are_several() -> None:
    first = {"number": 1, "date": "2026-01-02", "examples": 2, "new": 0, "gone": 0, "other": 0, "changes": []}
    second = first | {"number": 2, "examples": 3, "new": 2, "gone": 1, "changes": ["select.delta: 0.1 → 0.2", "a|b"]}
    assert "Versions" not in make_card(versions=[first])
    rows = [line for line in make_card(versions=[first, second]).splitlines() if "2026-01-02" in line]
    assert rows == [
        "| 2 | 2026-01-02 | 3 | 2, 1, 0 | select.delta: 0.1 → 0.2; a\\|b |",
        "| 1 | 2026-01-02 | 2 | 0, 0, 0 |  |",
    ]


HOSTILE = (
    "x\n---\nlicense: evil\n# h\n| a | b |\n<script>alert(1)</script> `c` ``d| **b** _e_ ~~s~~ "
    "[l](http://evil) ![i](//e) &lt; $m$ \\ \x1b[2J\u202e"
)


def test_no_text_of_others_is_obeyed_in_a_card() -> None:
    """Neither as YAML, nor as HTML, nor as Markdown, in no field that rows and configs fill."""
    version = {"number": 1, "date": "2026-01-02", "examples": 2, "new": 0, "gone": 0, "other": 0, "changes": [HOSTILE]}
    fields: dict[str, object] = {
        "title": HOSTILE,
        "name": HOSTILE,
        "prompt": HOSTILE,
        "sources": {HOSTILE: 2},
        "licences": [HOSTILE],
        "teachers": [HOSTILE],
        "versions": [version, version],
    }
    honest = rendered(make_card(**{name: _tame(value) for name, value in fields.items()}))
    for changes in [fields, *({name: value} for name, value in fields.items())]:
        text = make_card(**changes)
        tame = rendered(make_card(**{name: _tame(value) for name, value in changes.items()}))
        head = yaml.safe_load(text.split("---\n", 2)[1])
        assert set(head) == {"pretty_name", "tags", "configs"}
        assert head["pretty_name"].startswith("x --- license: evil # h" if "title" in changes else "Data: ")
        assert rendered(text) == tame
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", text)
    assert "td_open" in honest


def _tame(value: object) -> object:
    """The same with words alone."""
    if isinstance(value, str):
        return "words" if value == HOSTILE else value
    if isinstance(value, dict):
        return {_tame(key): _tame(each) for key, each in value.items()}
    return [_tame(each) for each in value] if isinstance(value, list) else value


def rendered(card_text: str) -> list[str]:
    """The kinds of what a reader of GitHub's Markdown sees of the body, in their order."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = reader.parse(card_text.split("---\n", 2)[2])
    return [kind.type for token in tokens for kind in [token, *(token.children or [])] if kind.type not in _TEXTS]


_TEXTS = ("text", "text_special", "softbreak")


@pytest.mark.parametrize(
    ("lengths", "kept", "rest"),
    [
        (Lengths(Unit.TOKENS), "in the teacher's tokens;", None),
        (Lengths(Unit.CHARACTERS, recorded=True), "in characters;", "all other lengths count characters."),
        (
            Lengths(Unit.TOKENS, ("Qwen3-8B",), recorded=True),
            "in tokens of the tokenizer Qwen3-8B;",
            "all other lengths are in tokens of the tokenizer Qwen3-8B.",
        ),
    ],
)
def test_the_card_says_what_counted_the_lengths(lengths: Lengths, kept: str, rest: str | None) -> None:
    text = make_card(lengths=lengths)
    assert f"the shortest right one of its mode, {kept}" in text
    assert f"| mean {lengths.unit} of the kept responses |" in text
    assert (rest or "") in text
    assert ("all other lengths" in text) == (rest is not None)


def test_of_arms_examples_are_counted_from_cheap_to_dear() -> None:
    problem = make_problem()
    decisions = pl.DataFrame(to_table([make_decision(problem, Mode("short"))], Decision)).lazy()
    examples = pl.LazyFrame(
        {
            "problem_id": [problem.problem_id],
            "kind": ["math"],
            "mode": ["short"],
            "completion_tokens": [9],
            "justification": ["So."],
            "gold_source": ["source"],
        }
    )
    found = statistics(decisions, examples, arms=[Mode.THINK_ON, Mode("short"), Mode.THINK_OFF])
    assert found.modes == {"think_on": 0, "short": 1, "think_off": 0}
    assert (found.is_pair, found.arms_in_words) == (False, "short 1")
    assert found.sides == ("the best dearer arm", "the cheapest arm")
    assert statistics(decisions, examples).is_pair
