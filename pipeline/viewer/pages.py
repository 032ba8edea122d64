"""The pages: templates filled with what is known of a run. Each is whole in itself, style sheet and script included.

Which style and which script run on a page its security policy says by their hashes; nothing else does.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hipo_data.figures.text import number, percent
from hipo_data.pipeline.viewer import markup
from hipo_data.pipeline.viewer.filters import PAGE, SORTS, Filters
from hipo_data.pipeline.viewer.index import DROPPED, HEAD_CHARS, UNDECIDED, Index
from hipo_data.pipeline.views.explain import Story
from hipo_data.pipeline.views.printing.explain import firmness
from hipo_data.schemas.gold import problem_gold_from_json
from hipo_data.schemas.records import Mode

_TEMPLATES = Path(__file__).parent / "templates"
NAMES = {
    Mode.THINK_ON.value: "think-on",
    Mode.THINK_OFF.value: "think-off",
    DROPPED: "dropped",
    UNDECIDED: "not decided",
}
_MARKS = {"correct": "✓", "incorrect": "✗", "unknown": "?", None: "…"}


@dataclass(frozen=True)
class Links:
    """Where a page's links lead, relative to it."""

    home: str | None
    """The list of runs, null where there is one run alone."""
    problems: Callable[[Filters], str]
    problem: Callable[[str, Filters], str]
    flag: str | None = None
    """Where flags are sent to, null where there are none to be made."""


@dataclass(frozen=True)
class Look:
    """Of a run, what all its pages say."""

    name: str
    place: str
    """Its directory."""
    links: Links


def policy(*, served: bool) -> str:
    """The content security policy of every page: what is on it already, and nothing from anywhere.

    As part of a page in a file it can say nothing of frames.
    """
    own = {kind: hashlib.sha256(_asset(name).encode()).digest() for kind, name in _ASSETS.items()}
    said = [f"{kind}-src 'sha256-{base64.b64encode(digest).decode()}'" for kind, digest in own.items()]
    said = ["default-src 'none'", *said, "img-src data:", "base-uri 'none'"]
    said += ["form-action 'self'", "frame-ancestors 'none'"] if served else ["form-action 'none'"]
    return "; ".join(said)


_ASSETS = {"style": "style.css", "script": "keys.js"}


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"percent": percent, "number": number, "names": NAMES, "marks": _MARKS, "sorts": SORTS}
    made.globals |= {"style": _asset("style.css"), "script": _asset("keys.js")}
    made.filters |= {"shown": markup.shown, "rich": markup.rich, "short": markup.answer, "code": markup.code}
    made.filters |= {"count": "{:,}".format, "two": lambda value: "–" if value is None else f"{value:.2f}"}
    return made


def _page(name: str, *, served: bool, **values: Any) -> str:
    values.setdefault("again", None)
    inside = None if served else policy(served=False)
    return _environment().get_template(name).render(policy=inside, served=served, **values)


def message_page(title: str, sentence: str, back: str | None = None, *, again: int | None = None) -> str:
    """A page of one sentence; `again`: it looks again after so many seconds."""
    return _page("message.html.j2", served=True, title=title, sentence=sentence, back=back, again=again)


def runs_page(runs: Sequence[Mapping[str, Any]], *, served: bool) -> str:
    """The list of several runs: `href`, `name`, `place`, `problems` of each."""
    return _page("runs.html.j2", served=served, title="Runs", runs=runs)


def problems_page(
    look: Look,
    index: Index,
    found: pl.DataFrame,
    asked: Filters,
    flags: Mapping[str, str],
    *,
    searched: float | None = None,
    options: Mapping[str, Sequence[tuple[str, int]]] | None = None,
    remark: str | None = None,
    trouble: str | None = None,
) -> str:
    """One page of a list of problems.

    Args:
        found: all that are meant (`filters.matching`).
        searched: how much of a search is done; null without one.
        options: values of the filters with their counts, where there is a form.
        trouble: why what is shown may not be the latest.
    """
    pages, roles = max(1, -(-found.height // PAGE)), index.files.config.roles
    page = min(asked.page, pages)
    rows = found.slice((page - 1) * PAGE, PAGE).to_dicts()
    links = look.links
    return _page(
        "problems.html.j2",
        served=options is not None,
        title=look.name,
        look=look,
        warnings=[*index.damaged, *([trouble] if trouble else [])],
        asked=asked,
        options=options,
        modes=[(str(mode), NAMES.get(str(mode), str(mode))) for mode in roles.dear_first],
        rated=("think-on", "think-off") if roles.is_pair else ("the best dearer arm", "the cheapest arm"),
        states=_states(index),
        rows=[row | {"href": links.problem(row["problem_id"], asked), "head": _head(row["head"])} for row in rows],
        total=found.height,
        first=(page - 1) * PAGE + 1,
        page=page,
        pages=pages,
        before=links.problems(replace(asked, page=page - 1)) if page > 1 else None,
        after=links.problems(replace(asked, page=page + 1)) if page < pages else None,
        flags=flags,
        searched=searched,
        remark=remark,
        again=2 if searched is not None and searched < 1 else None,
    )


def _head(text: str) -> Markup:
    return markup.head(text, goes_on=len(text) >= HEAD_CHARS)


def problem_page(
    look: Look,
    story: Story,
    asked: Filters,
    place: tuple[int, int] | None,
    before: str | None,
    after: str | None,
    *,
    served: bool,
    written: bool = False,
    turn: str | None = None,
    remark: str | None = None,
) -> str:
    """All of one problem.

    Args:
        place: its number in the list that it was opened from, and of how many.
        before, after: ids of its neighbours there.
        written: show all texts as they were written.
        turn: the address of the page that shows them the other way.
        remark: of its flag, null where it has none.
    """
    assert story.problem is not None
    problem = story.problem
    links = look.links
    return _page(
        "problem.html.j2",
        served=served,
        title=f"{problem['problem_id'][:12]} · {look.name}",
        look=look,
        problem=problem,
        gold=problem_gold_from_json(problem["gold"]).model_dump(),
        story=story,
        sides=[(mode.value, _side(story, mode)) for mode in _modes_of(story)],
        decision=story.decision,
        bars=_bars(story),
        firm=firmness(story.decision) if story.decision is not None and "flip" in story.decision else "",
        up=links.problems(asked),
        query=asked.query(),
        place=place,
        before=None if before is None else links.problem(before, asked),
        after=None if after is None else links.problem(after, asked),
        written=written,
        turn=turn,
        flagged=remark,
    )


def _modes_of(story: Story) -> list[Mode]:
    """Both modes, or the arms that the problem has rollouts in."""
    found = list(dict.fromkeys(Mode(row["mode"]) for row in story.rollouts))
    return list(Mode) if set(found) <= set(Mode) else found


_BAR = ("right", "n", "p", "p_low", "p_high", "unknown", "truncated")


def _bars(story: Story) -> list[dict[str, Any]]:
    """What pass rates there are, from the dearest arm to the cheapest: `name`, `label` and `_BAR`."""
    if story.decision is None:
        return []
    if any(row["mode"] not in tuple(Mode) for row in story.arms):
        arms = sorted(story.arms, key=lambda row: -int(row["arm"]))
        rows = [(str(row["mode"]), {part: row[part] for part in _BAR}) for row in arms]
    else:
        sides = ((Mode.THINK_ON.value, "on"), (Mode.THINK_OFF.value, "off"))
        rows = [(name, {part: story.decision[_of_side(part, side)] for part in _BAR}) for name, side in sides]
    return [{"name": name, "label": NAMES.get(name, name), **row} for name, row in rows]


def _of_side(part: str, side: str) -> str:
    return f"p_{side}{part[1:]}" if part.startswith("p") else f"{part}_{side}"


def _side(story: Story, mode: Mode) -> list[dict[str, Any]]:
    """The rollouts of a mode, each with what a policy keeps it for."""
    kept = story.decision and (story.decision["mode"], story.decision["index"])
    roles = {(pick["mode"], pick["index"]): pick["role"] for pick in story.picks}
    found = []
    for row in story.rollouts:
        if row["mode"] == mode.value:
            key = (row["mode"], row["index"])
            found.append(row | {"kept": key == kept, "role": roles.get(key)})
    return found


def options_of(index: Index, flags: Mapping[str, str]) -> dict[str, list[tuple[str, int]]]:
    """Values of the filters that depend on the run, with the number of problems (of reasons, rollouts) of each."""
    problems = index.problems
    rules = pl.concat([problems["rule"], problems["drop_reason"]]).drop_nulls()
    found = {"source": problems["source"].drop_nulls(), "rule": rules.filter(rules != "none")}
    counted = {
        name: list(values.alias("value").value_counts().sort("count", "value", descending=[True, False]).iter_rows())
        for name, values in found.items()
    }
    return counted | {"reason": _reasons(index), "flagged": [("yes", len(flags))]}


def _reasons(index: Index) -> list[tuple[str, int]]:
    """Reasons of verdicts as the manifests count them, so that the first page need not read verdicts."""
    counts: Counter[str] = Counter()
    for name, manifest in index.files.manifests.items():
        if name.startswith("verify."):
            for said, count in manifest.counts.items():
                counts[said.partition(" ")[2]] += count  # before it is the status
    return counts.most_common()


def _states(index: Index) -> dict[str, int]:
    """How many problems there are of each state, in the order of `NAMES`."""
    counted = dict(index.problems.group_by("state").len().iter_rows())
    named = [*NAMES, *sorted(counted.keys() - NAMES.keys())]
    return {state: counted[state] for state in named if state in counted}
