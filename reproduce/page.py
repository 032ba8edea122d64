"""The page of a comparison: its settings, its tables and charts, and what they may not be read as."""

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from hipo_data.figures.drawing import png
from hipo_data.figures.plural import counted
from hipo_data.figures.text import number
from hipo_data.reproduce import comparisons, room
from hipo_data.reproduce.ceiling import Ceiling
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.measuring import Results
from hipo_data.reproduce.outcomes import by_mode
from hipo_data.reproduce.plan import rounds, starts_of, trainings
from hipo_data.reproduce.published import ROWS
from hipo_data.reproduce.writing import spread, table
from hipo_data.schemas.algorithm_config import Thinkless
from hipo_data.schemas.records import Mode

BY_HAND = "<!-- What follows is written by hand and stays when the page is made anew. -->"

_DURING = """
## During training

The arms that choose their modes, means over the seeds; HGPO, AdaptThink and ADaPT force half of their rollouts into
each.

![Share of think-on in the rollouts, by step](images/reproduction-training.png)
"""

_COLUMNS: Final = {
    "accuracy": ("accuracy", 3),
    "tokens": ("tokens", 1),
    "think_on": ("think-on", 3),
    "hybrid_accuracy": ("hybrid accuracy", 3),
    "of_perfect": ("of a perfect chooser's", 3),
    "well_formed": ("well-formed", 3),
}
"""Figures of a model in the results, with a title and digits."""
_OF_HYBRID = ("hybrid_accuracy", "of_perfect")

_THEIR_ALPHA, _THEIR_TOKENS = Thinkless.model_fields["alpha"].default, 5000


def write_page(config: ReproduceConfig, results: Results, ceiling: Ceiling | None = None) -> Path:
    """Writes the Markdown page and its images, and returns the page.

    results: by name and seed; what is missing is named. What a reader wrote below the line `BY_HAND` is kept.
    """
    from hipo_data.reproduce import charts

    page = Path(config.page)
    images = page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    main = {name: results[name] for name in _comparison(config) if name in results}
    drawn = {"trade": charts.trade(main), "families": charts.families(main)}
    if any(name in main for name in config.methods):
        drawn["training"] = charts.training(config, main)
    for name, chart in drawn.items():
        (images / f"reproduction-{name}.png").write_bytes(png(chart))
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    by_hand = before[before.index(BY_HAND) + len(BY_HAND) :].strip() if BY_HAND in before else ""
    text = _text(config, results, ceiling)
    page.write_text(f"{text}\n{BY_HAND}\n" + (f"\n{by_hand}\n" if by_hand else ""), encoding="utf-8")
    return page


def _comparison(config: ReproduceConfig) -> list[str]:
    """The names of the comparison's rows: the cold starts, then the arms."""
    return [config.starts[name].title for name in starts_of(config, config.methods)] + list(config.methods)


def _text(config: ReproduceConfig, results: Results, ceiling: Ceiling | None) -> str:
    names = [name for name in _comparison(config) if name in results]
    main = {name: results[name] for name in names}
    outcomes = {name: comparisons.outcomes_of(found) for name, found in results.items()}
    first, *others = main
    families = list(next(iter(main[first].values()))["families"])
    problems, rl = config.problems, config.rl
    changes = [(name, *comparisons.cells(outcomes[first], outcomes[name])) for name in others]
    published = [(row.name, "", row.accuracy, row.tokens, row.think_on) for row in ROWS]
    return f"""# Reproduction

HiPO and its peers on the embedded teacher, at equal budgets. `make reproduce` makes this page anew, and
`make reproduce-more` with the other methods and the ablations; the settings are in
[recipes/reproduce.yaml](../recipes/reproduce.yaml).

- {sum(problems.train.values()):,} problems for the cold starts and RL, {sum(problems.evaluation.values()):,} others for
  the evaluation, both apart from what the teacher was trained on (by the sha256 of the question).
- Every arm: {rl.steps} steps of {rl.prompts} prompts × {rl.group} rollouts,
  learning rate {rl.learning_rate:g}, {rl.schedule}.
- {_seeds_in_words(config)} of the cold start and of RL alike; ± is the standard deviation over them.
  Differences are over the seeds that both models have.
- In brackets are 95 % intervals of a difference, by a bootstrap over seeds and problems: both models are asked the same
  problems and have, seed by seed, one cold start or cold starts of one seed (`reproduce/intervals.py`). Where there is
  one seed, they are of the problems alone; two hardly tell how far apart seeds are.
- The model chooses the mode, at temperature 1 and top-p 1. The teacher's rollouts, of which the data and the ceiling
  are made, are in its own format and drawn as the pipeline's recipe says.
{_hybrid(config, results)}{room.section(ceiling) if ceiling else ""}
## Results

{_table(config, main)}

Against {first}:

{table(comparisons.TITLES, [*changes, *published])}
{_skills(config, results)}{_added(config, outcomes)}{_besides(config, outcomes)}{_missing(config, results)}
![Accuracy against tokens, a dot a seed](images/reproduction-trade.png)

## Tokens by mode

Means over the responses of all seeds: the justification up to the tag that ends it, and the rest, which is the mode's
tag, thinking and answer. Responses without a mode count among all.

{_tokens(main, outcomes)}

## By family

Accuracy, and in brackets the share of think-on.

{table(families, ([name, *(_family(found, family) for family in families)] for name, found in main.items()))}

![Share of think-on by family](images/reproduction-families.png)
{_DURING if any(name in main for name in config.methods) else ""}{_ablations(config, results, outcomes)}
## What this does not say

- The model has about a million parameters and knows a few families of arithmetic. The size of every effect follows the
  mix of families, which was fixed beforehand.
- In the hipo format both modes begin with a justification, so that thinking less spares a smaller share of the tokens
  than where models think for thousands.
- What an arm has over {first} is its data's and its training's together; what training added
  stands in a table of its own.
- Thinkless, HGPO, AdaptThink, AutoThink and ADaPT are compared as objectives in the hipo format, not as whole methods
  with formats and data of their own. AutoThink is its first stage; AdaptThink's reference is the teacher's pass rate.
{_thinkless(config, results)}"""


def _seeds_in_words(config: ReproduceConfig) -> str:
    more = [name for name in config.methods if len(config.seeds_of(name)) != len(config.seeds)]
    own = "; ".join(f"{len(config.seeds_of(name))} of {name}" for name in more)
    return f"{counted(len(config.seeds), 'seed')}{f' ({own})' if own else ''},"


def _hybrid(config: ReproduceConfig, results: Results) -> str:
    if not config.hybrid:
        return ""
    used = [model["all"]["hybrid_problems"] for found in results.values() for model in found.values()]
    count = sum(max(1, round(config.hybrid.share * each)) for each in config.problems.evaluation.values())
    return (
        f"- Hybrid accuracy (LHRM): {count} of the evaluation problems, {config.hybrid.samples} responses in each "
        f"forced mode\n  and {config.hybrid.samples} free choices a problem. A forced model writes its own "
        "justification, and the wanted tag takes the place\n  of the other one; what does not show the mode then is "
        f"left out: the figure rests on {min(used)} problems at least.\n"
    )


def _table(config: ReproduceConfig, results: Results) -> str:
    columns = {key: of for key, of in _COLUMNS.items() if config.hybrid or key not in _OF_HYBRID}
    planned = _planned(config)
    rows = [
        (
            f"{name}{_few(len(found), planned[name])}",
            *(
                spread((each["all"].get(key) for each in found.values()), digits)
                for key, (_, digits) in columns.items()
            ),
        )
        for name, found in results.items()
    ]
    return table((title for title, _ in columns.values()), rows)


def _few(found: int, planned: int) -> str:
    return "" if found >= planned else f" ({found} of {planned} seeds)"


def _planned(config: ReproduceConfig) -> Counter[str]:
    """How many seeds each arm and cold start is to have."""
    models = {(each.name, each.seed) for arms in rounds(config) for each in trainings(config, arms)}
    return Counter(name for name, _ in models)


def _skills(config: ReproduceConfig, results: Results) -> str:
    """What who knew the better mode of each family would reach with the skills of each cold start, forced."""
    total = sum(config.problems.evaluation.values())
    said = []
    for start in config.starts.values():
        models = list(results.get(start.title, {}).values())
        reached = 0.0
        for family, count in config.problems.evaluation.items():
            modes = ([each["families"][family].get(key) for each in models] for key in ("accuracy_on", "accuracy_off"))
            known = [fmean(found) for found in modes if found and None not in found]
            if not known:
                break
            reached += count / total * max(known)
        else:
            said.append(f"{reached:.3f} with those of {start.title}")
    if not said:
        return ""
    return (
        "\nTraining changes skills; a choice of modes does not. By the modes forced on its models, who knew the better "
        f"mode of\neach family would be right on {', '.join(said)}.\n"
    )


def _added(config: ReproduceConfig, outcomes: dict[str, comparisons.Outcomes]) -> str:
    """The arms, each against the cold starts that it began from."""
    rows = []
    for name, arm in config.methods.items():
        start = config.starts[arm.start].title
        if name in outcomes and start in outcomes:
            rows.append((name, *comparisons.cells(outcomes[start], outcomes[name])))
    return (
        f"\nWhat training adds, each against its own cold start:\n\n{table(comparisons.TITLES, rows)}\n" if rows else ""
    )


def _besides(config: ReproduceConfig, outcomes: dict[str, comparisons.Outcomes]) -> str:
    """The arms that are compared with another one as well."""
    rows = [
        (f"{name} against {other}", *comparisons.cells(outcomes[other], outcomes[name]))
        for name, other in config.against.items()
        if name in outcomes and other in outcomes
    ]
    return f"\nWhat a method adds:\n\n{table(comparisons.TITLES, rows)}\n" if rows else ""


def _tokens(main: Results, outcomes: dict[str, comparisons.Outcomes]) -> str:
    parts = {"all": "all", Mode.THINK_ON.value: "think-on", Mode.THINK_OFF.value: "think-off"}
    titles = [f"{title}: {part}" for title in parts.values() for part in ("justification", "rest")]
    rows = []
    for name in main:
        means = by_mode(list(outcomes[name].values()))
        rows.append([name, *(number(means[key][part]) for key in parts for part in ("justification", "rest"))])
    return table(titles, rows)


def _missing(config: ReproduceConfig, results: Results) -> str:
    """A sentence on what is not trained, where anything is."""
    planned = _comparison(config) + (list(config.ablations.arms) if config.ablations else [])
    absent = [name for name in planned if name not in results]
    return f"\nNot trained when this page was made: {'; '.join(absent)}.\n" if absent else ""


def _ablations(config: ReproduceConfig, results: Results, outcomes: dict[str, comparisons.Outcomes]) -> str:
    """The section on the ablations; each is compared over the seeds that it has."""
    if not config.ablations:
        return ""
    of, arms = config.ablations.of, config.ablations.arms
    if of not in results or not any(name in results for name in arms):
        return ""
    used = dict.fromkeys(arm.start for arm in arms.values())
    titles = [config.starts[name].title for name in used if name != config.methods[of].start]
    rows = {name: results[name] for name in [of, *titles, *arms] if name in results}
    changes = [(name, *comparisons.cells(outcomes[of], outcomes[name])) for name in rows if name in arms]
    return f"""
## Ablations

Each differs from {of} in one respect; {counted(len(config.ablations.seeds), "seed")} unless said otherwise.

{_table(config, rows)}

Against {of}, over the seeds that both have:

{table(comparisons.TITLES, changes)}
"""


def _thinkless(config: ReproduceConfig, results: Results) -> str:
    """What α of DeGRPO is at these lengths, for every arm that has one other than the authors'."""
    said = []
    for name, arm in config.methods.items():
        start = results.get(config.starts[arm.start].title)
        if not isinstance(arm.algorithm, Thinkless) or arm.algorithm.alpha == _THEIR_ALPHA or not start:
            continue
        tokens = sum(each["all"]["tokens"] for each in start.values()) / len(start)
        alpha = arm.algorithm.alpha
        said.append(
            f"- {name} has α = {alpha:g}. The mode tag weighs α · T times another token of a response of T tokens: "
            f"{alpha * tokens:.1f} times\n  at the {tokens:.0f} of its cold start, where the authors' "
            f"{_THEIR_ALPHA:g} weighs it {_THEIR_ALPHA * _THEIR_TOKENS:g} times at {_THEIR_TOKENS:,} tokens and would "
            f"weigh it {_THEIR_ALPHA * tokens:.2f} times here.\n"
        )
    return "".join(said)


def _family(found: dict[int, dict[str, Any]], family: str) -> str:
    rows = [each["families"][family] for each in found.values()]
    return f"{spread(row['accuracy'] for row in rows)} ({spread((row['think_on'] for row in rows), 2)})"
