"""The page of a comparison: its settings, its tables and charts, and what they may not be read as."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from hipo_data.figures.drawing import png
from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.steps import Results

BY_HAND = "<!-- What follows is written by hand and stays when the page is made anew. -->"

_DURING = """
## During training

The arms that choose their modes, means over the seeds; HGPO and AdaptThink force half of their rollouts into each.

![Share of think-on in the rollouts, by step](images/reproduction-training.png)
"""

_COLUMNS = (("accuracy", 3), ("tokens", 1), ("think_on", 3), ("hybrid_accuracy", 3), ("well_formed", 3))


def write_page(config: ReproduceConfig, results: Results) -> Path:
    """Writes the Markdown page and its images, and returns the page.

    results: by name and seed; what is missing is named. What a reader wrote below the line `BY_HAND` is kept.
    """
    from hipo_data.reproduce import charts

    page = Path(config.page)
    images = page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    main = {name: results[name] for name in _comparison(config) if name in results}
    drawn = {"trade": charts.trade(main), "families": charts.families(main)}
    if any(name in main for name in config.arms):
        drawn["training"] = charts.training(config, main)
    for name, chart in drawn.items():
        (images / f"reproduction-{name}.png").write_bytes(png(chart))
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    by_hand = before[before.index(BY_HAND) + len(BY_HAND) :].strip() if BY_HAND in before else ""
    page.write_text(f"{_text(config, results)}\n{BY_HAND}\n" + (f"\n{by_hand}\n" if by_hand else ""), encoding="utf-8")
    return page


def spread(values: Iterable[float | None], digits: int = 3) -> str:
    """Mean ± standard deviation over seeds (n − 1), as text; a dash where there is nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    more = f" ± {stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{fmean(known):.{digits}f}{more}"


def _comparison(config: ReproduceConfig) -> list[str]:
    """The names of the comparison's rows: the cold starts, then the arms."""
    used = {arm.start for arm in config.arms.values()}
    return [start.title for name, start in config.starts.items() if name in used] + list(config.arms)


def _text(config: ReproduceConfig, results: Results) -> str:
    names = [name for name in _comparison(config) if name in results]
    main = {name: results[name] for name in names}
    first, *others = main
    families = list(next(iter(main[first].values()))["families"])
    by_family = "\n".join(
        f"| {name} | " + " | ".join(_family(found, family) for family in families) + " |"
        for name, found in main.items()
    )
    problems, rl = config.problems, config.rl
    return f"""# Reproduction

HiPO and its peers on the embedded teacher, at equal budgets. `make reproduce` makes this page anew; the settings are in
[recipes/reproduce.yaml](../recipes/reproduce.yaml).

- {sum(problems.train.values())} problems for the cold starts and RL, {sum(problems.evaluation.values())} others for
  the evaluation, both apart from what the teacher was trained on (by the sha256 of the question).
- Every arm: {rl.steps} steps of {rl.prompts} prompts × {rl.group} rollouts, learning rate {rl.learning_rate:g}.
- {len(config.seeds)} seeds, of the cold start and of RL alike; ± is the standard deviation over them.
- The model chooses the mode, at temperature 1.
{_hybrid(config)}
{_table(config, main, config.seeds)}

Against {first}:

| | accuracy, points | accuracy | tokens | think-on |
| --- | --- | --- | --- | --- |
{chr(10).join(_change(name, main[first], main[name]) for name in others)}
| HiPO as published, against a start like a | | +6.3 % | -30 % | -37 % |
{_missing(config, results)}
![Accuracy against tokens, a dot a seed](images/reproduction-trade.png)

## By family

Accuracy, and in brackets the share of think-on.

| | {" | ".join(families)} |
| --- |{" --- |" * len(families)}
{by_family}

![Share of think-on by family](images/reproduction-families.png)
{_DURING if any(name in main for name in config.arms) else ""}{_ablations(config, results)}
## What this does not say

- The model has 0.9 million parameters and knows a few families of arithmetic. The size of every effect follows the mix
  of families, which was fixed beforehand.
- In the hipo format both modes begin with a justification, which is longer here than the thinking that follows it.
  So thinking less saves fewer tokens than where models think for thousands.
- The fall in tokens and thinking of the arms that begin from b is in large part the data's: compare them with the cold
  start b and with GRPO from b, not with a alone.
- Thinkless, HGPO, AdaptThink and AutoThink are compared as objectives in the hipo format, not as whole methods with
  formats and data of their own. AutoThink is its first stage; AdaptThink's reference is the teacher's pass rate.
"""


def _hybrid(config: ReproduceConfig) -> str:
    if not config.hybrid:
        return ""
    count = sum(max(1, round(config.hybrid.share * each)) for each in config.problems.evaluation.values())
    return (
        f"- Hybrid accuracy (LHRM): {count} of the evaluation problems, {config.hybrid.samples} responses in each "
        f"forced mode\n  and {config.hybrid.samples} free choices a problem.\n"
    )


def _table(config: ReproduceConfig, results: Results, seeds: list[int]) -> str:
    rows = "\n".join(
        f"| {name}{_seeds(found, seeds)} | "
        + " | ".join(spread(_column(found, key), digits) for key, digits in _columns(config))
        + " |"
        for name, found in results.items()
    )
    titles = " | ".join(key.replace("_", "-" if key != "hybrid_accuracy" else " ") for key, _ in _columns(config))
    return f"| | {titles} |\n| --- |{' --- |' * len(_columns(config))}\n{rows}"


def _columns(config: ReproduceConfig) -> list[tuple[str, int]]:
    return [each for each in _COLUMNS if config.hybrid or each[0] != "hybrid_accuracy"]


def _seeds(found: dict[int, dict[str, Any]], seeds: list[int]) -> str:
    return "" if len(found) >= len(seeds) else f" ({len(found)} of {len(seeds)} seeds)"


def _missing(config: ReproduceConfig, results: Results) -> str:
    """A sentence on what is not trained, where anything is."""
    planned = _comparison(config) + (list(config.ablations.arms) if config.ablations else [])
    absent = [name for name in planned if name not in results]
    return f"\nNot trained when this page was made: {'; '.join(absent)}.\n" if absent else ""


def _ablations(config: ReproduceConfig, results: Results) -> str:
    """The section on the ablations; each is compared over the same seeds."""
    if not config.ablations or not any(name in results for name in config.ablations.arms):
        return ""
    of, seeds = config.ablations.of, config.ablations.seeds
    used = dict.fromkeys(arm.start for arm in config.ablations.arms.values())
    titles = [config.starts[name].title for name in used if name != config.arms[of].start]
    names = [of, *titles, *config.ablations.arms]
    rows = {
        name: {seed: found for seed, found in results[name].items() if seed in seeds}
        for name in names
        if name in results
    }
    changes = "\n".join(_change(name, rows[of], found) for name, found in rows.items() if name in config.ablations.arms)
    return f"""
## Ablations

Each differs from {of} in one respect; seeds {", ".join(map(str, seeds))}.

{_table(config, rows, seeds)}

Against {of}:

| | accuracy, points | accuracy | tokens | think-on |
| --- | --- | --- | --- | --- |
{changes}
"""


def _column(found: dict[int, dict[str, Any]], key: str) -> list[float | None]:
    return [each["all"].get(key) for each in found.values()]


def _mean(found: dict[int, dict[str, Any]], key: str) -> float | None:
    known = [value for value in _column(found, key) if value is not None]
    return fmean(known) if known else None


def _change(name: str, before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]]) -> str:
    """A row on what changed, over the seeds that both have: cold starts of other seeds differ as much as arms do."""
    before, after = ({seed: each[seed] for seed in before.keys() & after.keys()} for each in (before, after))

    def relative(key: str) -> str:
        old, new = _mean(before, key), _mean(after, key)
        return f"{100 * (new / old - 1):+.1f} %" if old and new is not None else "–"

    old, new = _mean(before, "accuracy"), _mean(after, "accuracy")
    points = f"{100 * (new - old):+.1f}" if old is not None and new is not None else "–"
    return f"| {name} | {points} | {relative('accuracy')} | {relative('tokens')} | {relative('think_on')} |"


def _family(found: dict[int, dict[str, Any]], family: str) -> str:
    rows = [each["families"][family] for each in found.values()]
    return f"{spread(row['accuracy'] for row in rows)} ({spread((row['think_on'] for row in rows), 2)})"
