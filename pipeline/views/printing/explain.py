"""The story of a problem on one screen."""

import json
from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hipo_data.figures.terminal import json_text
from hipo_data.pipeline.views.explain import Row, Story

_COLUMNS = 120
_QUESTION_LINES = 6
_RESPONSE_LINES = 10
_ROLLOUTS = 16
"""A mode with more shows the first half of that, and the kept one."""
_CELL_CHARS = 48


def print_story(console: Console, story: Story, as_json: bool) -> None:
    """Problem, source rows, rollouts, decision, justification, example; as JSON everything in full."""
    if as_json:
        console.print(json_text(story.as_json(), indent=2), soft_wrap=True)
        return
    page = Page(console)
    if story.problem is not None:
        _print_problem(page, story.problem, story.vote)
    if story.near_duplicates:
        page.fact("gave way", ", ".join(f"{row['key']} ({row['detail']})" for row in story.near_duplicates[:3]))
    if story.rollouts:
        page.print(_rollout_table(story))
    if story.decision is not None:
        _print_decision(page, story.decision, story.lengths_in)
    for attempt in story.attempts:
        page.fact(f"reason {attempt['attempt'] + 1}", f"[{attempt['verdict']}] {attempt['text']}")
    for row in story.rejected:
        page.fact("rejected", f"{row['key']} in {row['stage']}: {row['reason']}. {row['detail']}")
        page.fact("", _cut(row["row"], _QUESTION_LINES))
    for example in story.examples:
        if example["reasoning"] is not None:
            page.fact("thinking", _cut(example["reasoning"], _RESPONSE_LINES))
        page.fact("answer", _cut(example["answer"], _RESPONSE_LINES))
    for kind, places in story.published.items():
        for place in places:
            page.fact(f"in {kind}", f"{place['file']}, row {place['row']}")
    for remark in story.remarks:
        page.fact("", remark)


class Page:
    """Facts with their names in a column of their own."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _COLUMNS)

    def fact(self, name: str, text: str) -> None:
        """One fact, folded beside its name."""
        table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
        table.add_column(width=10, style="bold")
        table.add_column(overflow="fold")
        table.add_row(name, Text(text))
        self._console.print(table, width=self._width, highlight=False)

    def print(self, table: Table) -> None:
        """A table of its own columns."""
        self._console.print(table, width=self._width, highlight=False)


def _print_problem(page: Page, problem: Row, vote: Row | None) -> None:
    facts = [problem["problem_id"], problem["kind"], problem["split"]]
    if problem["difficulty"] is not None:
        facts.append(f"difficulty {problem['difficulty']:.2f}")
    page.fact("problem", " · ".join(facts))
    for number, source in enumerate(problem["sources"]):
        merged = " (merged: the same question)" if number else ""
        own = f" id {source['id']}" if source.get("id") is not None else ""
        page.fact("" if number else "source", f"{source['dataset']} {source['file']}:{source['row']}{own}{merged}")
    page.fact("question", _cut(problem["question"], _QUESTION_LINES))
    gold = json.loads(problem["gold"])
    if gold["type"] == "none":
        page.fact("gold", f"none in the source; {_vote_in_words(vote)}")
    else:
        page.fact("gold", _gold_in_words(gold))


def _gold_in_words(gold: Row) -> str:
    if gold["type"] == "choice":
        return f"{gold['answer']} of {len(gold['options'])} options"
    if gold["type"] != "math":
        return f"{gold['type']} tests"
    unit = f" in {gold['unit']}" if gold.get("unit") else ""
    return " or ".join(gold["answers"]) + unit


def _vote_in_words(vote: Row | None) -> str:
    if vote is None:
        return "responses have not voted yet"
    voters = vote.get("of", "think-on")
    by = f"({vote['rule']}, confidence {vote['confidence']:.3f})"
    if vote["answer"] is None:
        return f"of {vote['samples']} {voters} responses no more than {vote['agreeing']} give the same answer {by}"
    counts = f"{vote['agreeing']} of the first {vote['samples']} {voters} responses"
    return f"{counts} agree on {vote['answer']}, which stands in {by}"


def _rollout_table(story: Story) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("rollout", "verdict", "why", story.lengths_in, "ended by", "answer", ""):
        table.add_column(heading, justify="right" if heading == story.lengths_in else "left", no_wrap=True)
    for mode in dict.fromkeys(row["mode"] for row in story.rollouts):
        of_mode = [row for row in story.rollouts if row["mode"] == mode]
        many = len(of_mode) > _ROLLOUTS
        shown = [row for row in of_mode if not many or row["index"] < _ROLLOUTS // 2 or _mark(story, row)]
        for row in shown:
            table.add_row(*_cells(row), _mark(story, row), style=_style(row))
        if many:
            rest = Counter(row["status"] for row in of_mode if row not in shown)
            counted = ", ".join(f"{count} {status}" for status, count in rest.most_common())
            table.add_row("", f"{sum(rest.values())} more: {counted}", style="dim")
    return table


def _cells(row: Row) -> list[Text]:
    answer = row["error"] or row["extracted"] or row["answer"] or ""
    tests = f" {row['tests_passed']}/{row['tests_total']}" if row.get("tests_total") else ""
    cap = f" (cap {row['cap']})" if row.get("cap") is not None else ""
    values = [
        f"{row['mode'].replace('_', '-')} {row['index']}{' imported' if row['source'] else ''}",
        row["status"] or "not graded",
        f"{row['reason'] or ''}{tests}{', leaks' if row['leaks'] else ''}",
        f"{row['completion_tokens']}{cap}",
        row["finish_reason"],
        " ".join(answer.split()),
    ]
    return [Text(value if len(value) <= _CELL_CHARS else f"{value[: _CELL_CHARS - 2]} …") for value in values]


def _mark(story: Story, row: Row) -> str:
    """Whether it is the decision's, or what else the policy keeps it for."""
    key = (row["mode"], row["index"])
    if story.decision is not None and (story.decision["mode"], story.decision["index"]) == key:
        return "◀ kept"
    roles = [pick["role"] for pick in story.picks if (pick["mode"], pick["index"]) == key and pick["role"] != "member"]
    return f"◁ {roles[0]}" if roles else ""


def _style(row: Row) -> str | None:
    if row["leaks"]:
        return "yellow"
    return {"correct": "green", "incorrect": None}.get(row["status"] or "", "yellow")


def _print_decision(page: Page, decision: Row, lengths_in: str) -> None:
    page.fact("decision", decision["words"])
    if "given" in decision:
        page.fact("", decision["given"])
    said: list[Any] = []
    if decision["mode"] is not None:
        said.append(f"kept is the shortest fit one, {decision['mode'].replace('_', '-')} {decision['index']}")
        said.append(f"{decision['chosen_tokens']} {lengths_in}")
    if said:
        page.fact("", ", ".join(said))
    if firm := firmness(decision):
        page.fact("", firm)


def firmness(decision: Row) -> str:
    """Of a decision with its uncertainty: whether the choice would come again, and whether it is the wrong one."""
    said = []
    if decision["flip"] is not None:
        fresh = "in full, where sampling stopped early," if decision["stopped"] else "with as many fresh rollouts"
        said.append(f"repetition of the choice {fresh} {1 - decision['flip']:.2f}")
    if decision["wrong"] is not None:
        gain = f"whether thinking truly gains δ {decision['delta']:g}"
        said.append(f"probability of a wrong mode {decision['wrong']:.2f} (it differs from {gain})")
    weak = "; by the weak prior, since too few problems tell of both modes" if decision["weak_prior"] else ""
    return "; ".join(said) + weak if said else ""


def _cut(text: str, lines: int) -> str:
    """The first lines of a text, and how many there are more."""
    every = text.strip().splitlines()
    return "\n".join(every if len(every) <= lines else [*every[:lines], f"[… {len(every) - lines} more lines]"])
