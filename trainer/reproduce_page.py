"""The page of a comparison: its settings, one table, three charts, and what they may not be read as."""

from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from trainer.algorithm_config import FORCED
from trainer.reproduce_config import ReproduceConfig

_COLOURS = ["#264653", "#577590", "#e76f51", "#2a9d8f", "#e9c46a", "#9d4edd", "#b56576", "#8ab17d", "#8d99ae"]

_WINDOW = 5

Results = dict[str, dict[int, dict[str, Any]]]


def write_page(config: ReproduceConfig, results: Results) -> Path:
    """Writes the Markdown page and its images, and returns the page. results: by name and seed, cold start a first."""
    from trainer.evaluation_charts import png

    page = Path(config.page)
    images = page.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    charts = {"trade": _trade(results), "families": _families(results), "training": _training(config, results)}
    for name, chart in charts.items():
        (images / f"reproduction-{name}.png").write_bytes(png(chart))
    page.write_text(_text(config, results), encoding="utf-8")
    return page


def spread(values: Iterable[float | None], digits: int = 3) -> str:
    """Mean ± standard deviation over seeds (n − 1), as text; a dash where there is nothing."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    more = f" ± {stdev(known):.{digits}f}" if len(known) > 1 else ""
    return f"{fmean(known):.{digits}f}{more}"


def _text(config: ReproduceConfig, results: Results) -> str:
    rows = "\n".join(
        f"| {name} | {spread(_column(found, 'accuracy'))} | {spread(_column(found, 'tokens'), 1)} "
        f"| {spread(_column(found, 'think_on'))} | {spread(_column(found, 'well_formed'))} |"
        for name, found in results.items()
    )
    first, *others = results
    changes = "\n".join(_change(name, results[first], results[name]) for name in others)
    families = list(next(iter(results[first].values()))["families"])
    by_family = "\n".join(
        f"| {name} | " + " | ".join(_family(found, family) for family in families) + " |"
        for name, found in results.items()
    )
    problems, rl = config.problems, config.rl
    return f"""# Reproduction

HiPO and its peers on the embedded teacher, at equal budgets. `make reproduce` makes this page anew; the settings are in
[recipes/reproduce.yaml](../recipes/reproduce.yaml) and were written down before the first run.

- {sum(problems.train.values())} problems for the cold starts and RL, {sum(problems.evaluation.values())} others for
  the evaluation, both apart from what the teacher was trained on (by the sha256 of the question).
- Every arm: {rl.steps} steps of {rl.prompts} prompts × {rl.group} rollouts, learning rate {rl.learning_rate:g}, in the
  hipo format.
- {len(config.seeds)} seeds, of the cold start and of RL alike; ± is the standard deviation over them.
- The model chooses the mode, at temperature 1.

| | accuracy | tokens | think-on | well-formed |
| --- | --- | --- | --- | --- |
{rows}

Against {first}:

| | accuracy, points | accuracy | tokens | think-on |
| --- | --- | --- | --- | --- |
{changes}
| HiPO as published, against a start like a | | +6.3 % | -30 % | -37 % |

![Accuracy against tokens, a dot a seed](images/reproduction-trade.png)

## By family

Accuracy, and in brackets the share of think-on.

| | {" | ".join(families)} |
| --- |{" --- |" * len(families)}
{by_family}

![Share of think-on by family](images/reproduction-families.png)

## During training

The arms that choose their modes, means over the seeds; HGPO and AdaptThink force half of their rollouts into each.

![Share of think-on in the rollouts, by step](images/reproduction-training.png)

## What this does not say

- The model has 0.9 million parameters and knows a few families of arithmetic. The size of every effect follows the mix
  of families, which was fixed beforehand.
- Both modes begin with a justification, which takes about 50 tokens here, as many as thinking does. So thinking less
  saves fewer tokens than where models think for thousands.
- The fall in tokens and thinking of the arms that begin from b is in large part the data's: compare them with the cold
  start b and with GRPO from b, not with a alone.
- All arms write the hipo format, so Thinkless, HGPO, AdaptThink and AutoThink are compared as objectives, not as whole
  methods with formats and data of their own. AutoThink is its first stage; AdaptThink's reference is the teacher's
  pass rate.
"""


def _column(found: dict[int, dict[str, Any]], key: str) -> list[float | None]:
    return [each["all"][key] for each in found.values()]


def _mean(found: dict[int, dict[str, Any]], key: str) -> float | None:
    known = [value for value in _column(found, key) if value is not None]
    return fmean(known) if known else None


def _change(name: str, before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]]) -> str:
    def relative(key: str) -> str:
        old, new = _mean(before, key), _mean(after, key)
        return f"{100 * (new / old - 1):+.1f} %" if old and new is not None else "–"

    old, new = _mean(before, "accuracy"), _mean(after, "accuracy")
    points = f"{100 * (new - old):+.1f}" if old is not None and new is not None else "–"
    return f"| {name} | {points} | {relative('accuracy')} | {relative('tokens')} | {relative('think_on')} |"


def _family(found: dict[int, dict[str, Any]], family: str) -> str:
    rows = [each["families"][family] for each in found.values()]
    return f"{spread(row['accuracy'] for row in rows)} ({spread((row['think_on'] for row in rows), 2)})"


def _data(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def _colour(results: Results, shown: Iterable[str] | None = None) -> Any:
    """One name has one colour in all charts."""
    import altair as alt

    colours = dict(zip(results, _COLOURS, strict=False))
    names = list(results if shown is None else shown)
    scale = alt.Scale(domain=names, range=[colours[name] for name in names])
    return alt.Color("name:N", title=None, sort=None, scale=scale, legend=alt.Legend(labelLimit=260))


def _trade(results: Results) -> Any:
    import altair as alt

    rows = [{"name": name, **each["all"]} for name, found in results.items() for each in found.values()]
    return (
        alt.Chart(_data(rows))
        .mark_point(filled=True, size=90, opacity=0.85)
        .encode(
            x=alt.X("tokens:Q", title="tokens of a response", scale=alt.Scale(zero=False)),
            y=alt.Y("accuracy:Q", title="accuracy", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            color=_colour(results),
        )
        .properties(width=520, height=320)
    )


def _families(results: Results) -> Any:
    import altair as alt

    rows = [
        {"name": name, "family": family, "think_on": figures["think_on"]}
        for name, found in results.items()
        for each in found.values()
        for family, figures in each["families"].items()
        if figures["think_on"] is not None
    ]
    return (
        alt.Chart(_data(rows))
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X("think_on:Q", title="share of think-on", axis=alt.Axis(format="%")),
            y=alt.Y("family:N", title=None),
            yOffset=alt.YOffset("name:N", sort=None),
            color=_colour(results),
        )
        .properties(width=520, height=420)
    )


def _training(config: ReproduceConfig, results: Results) -> Any:
    """A line an arm, over its seeds; forced rollouts are half and half whatever the model would choose."""
    import altair as alt

    free = {name: results[name] for name, arm in config.arms.items() if not isinstance(arm.algorithm, FORCED)}
    rows = []
    for name, found in free.items():
        windows: dict[int, list[float]] = {}
        for step in (step for each in found.values() for step in each["steps"] if step["think_on"] is not None):
            windows.setdefault((step["step"] - 1) // _WINDOW, []).append(step["think_on"])
        rows += [
            {"name": name, "step": _WINDOW * window + (_WINDOW + 1) / 2, "think_on": fmean(values)}
            for window, values in windows.items()
        ]
    return (
        alt.Chart(_data(rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("step:Q", title=f"RL step, means of {_WINDOW}"),
            y=alt.Y("think_on:Q", title="share of think-on", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False)),
            color=_colour(results, free),
        )
        .properties(width=520, height=320)
    )
