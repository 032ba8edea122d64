"""The report: one self-contained HTML page."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hipo_data.figures.drawing import svg
from hipo_data.figures.terminal import plain
from hipo_data.figures.text import number, percent
from hipo_data.pipeline.graph.task import Task
from hipo_data.pipeline.report import facts, figures
from hipo_data.pipeline.report.arms import arm_part
from hipo_data.pipeline.store.manifest import Output, put_named
from hipo_data.pipeline.views import charts
from hipo_data.pipeline.views.ingest_report import read_accounts
from hipo_data.pipeline.views.mode_audit import mode_audit
from hipo_data.pipeline.views.quarantine import quarantine_counts, rejected_outputs
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.settings import parse_deltas
from hipo_data.pipeline.views.shown_priors import shown_priors
from hipo_data.pipeline.views.whatif import Answer, ask
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.accounts import Accounts
from hipo_data.stages.publish.statistics import Statistics
from hipo_data.stages.select.decision_words import priors_in_words
from hipo_data.stages.select.flips import COLUMNS, flip_probability, with_again, wrong_mode
from hipo_data.stages.select.pair_counts import with_source
from hipo_data.stages.select.prior import WEAK

_CARDS = 20
_CARD_CHARS = 6_000
_REASONS = 12
_WHATIF_DELTAS = "0:0.5:0.05"
_WHATIF_BYTES = 256 * 2**20
_DECISION_COLUMNS = [*COLUMNS, "problem_id", "kind", "p_on", "p_off", "tokens_on", "tokens_off"]
_DECISION_COLUMNS += ["unknown_on", "unknown_off", "drop_reason"]


def write_report(task: Task, stats: Statistics, decisions: pl.LazyFrame, examples: pl.LazyFrame) -> Output:
    """Writes `report.html` into the run directory; returns what the manifest says of it.

    Args:
        decisions: columns of `schemas.records.Decision`, of the whole run.
        examples: columns of `schemas.records.Example`.
    """
    page = report(RunFiles(task.run_dir, task.config, unlisted=True), stats, decisions, examples).encode()
    return put_named(task.run_dir, "report.html", page)


def report(files: RunFiles, stats: Statistics, decisions: pl.LazyFrame, examples: pl.LazyFrame) -> str:
    """The page. Its size depends on the run's kinds, sources and settings, not on how many problems it has."""
    with ThreadPoolExecutor(1, "charts") as drawing:  # the renderer takes as long as the figures that it waits for
        return _page(files, stats, decisions, examples, lambda draw, *of: drawing.submit(_drawn, draw, *of))


_Draw = Callable[..., Future[str]]
"""Begins to draw the chart that a function makes of its arguments."""


def _page(files: RunFiles, stats: Statistics, decisions: pl.LazyFrame, examples: pl.LazyFrame, drawn: _Draw) -> str:
    priors, by_posterior = shown_priors(files), files.config.select.by_posterior
    decided = decisions.select(_DECISION_COLUMNS + (["prior"] if by_posterior else [])).collect()
    keys = examples.select("problem_id", "kind", "mode", "completion_tokens").collect()
    accounts = read_accounts(files.run_dir)
    quarantine = quarantine_counts(files.run_dir, rejected_outputs(files.run_dir, unlisted=True, before_publish=True))
    firm = with_again(_with_sources(files, decided), {mode: files.config.sample.count(mode) for mode in Mode})
    flips, mean_flip = figures.tenths(decided, flip_probability(firm, files.config.select, priors))
    wrong, mean_wrong = figures.tenths(decided, wrong_mode(firm, files.config.select, priors))
    drawings: dict[str, Future[str] | None] = {
        "funnel": drawn(charts.funnel, figures.funnel_steps(accounts, stats, decided)),
        "sources": drawn(charts.source_rows, accounts) if _any_left_out(accounts) else None,
        "pass_rates": drawn(charts.pass_rate_map, figures.pass_rate_cells(decided), files.config.select.delta),
        "flips": drawn(charts.tenths, flips, "flip probability") if flips.height else None,
        "wrong": drawn(charts.tenths, wrong, "probability of a wrong mode") if wrong.height else None,
        **_shares(files, decided, drawn),
        **_lengths(decided, keys, stats.lengths_in, drawn),
    }
    answer = _whatif(files)
    panels = charts.whatif_panels(answer.rows, answer.delta, answer.lengths_in) if answer else []
    drawn_panels = [drawn(lambda panel=panel: panel) for panel in panels]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=True
    )
    environment.globals |= {"percent": percent, "number": number, "priors_in_words": priors_in_words}
    environment.filters |= {"cut": cut, "count_of": _count}
    taken = facts.taken(files)
    page = environment.get_template("report.html.j2").render(
        run=facts.run_facts(files),
        roles=facts.role_facts(files),
        failures=facts.failures(files),
        taken=taken,
        cost=facts.cost_of(taken),
        drops=figures.drops(accounts, stats, quarantine, _REASONS),
        title=files.config.publish.title,
        config=files.config,
        stats=stats,
        lengths=lengths_of(files.config).in_words,
        stages=_stage_rows(files),
        audit=mode_audit(files),
        accounts=accounts,
        answer=answer,
        arms=arm_part(files),
        answered=sum(row.problems for row in answer.rows[:1]) if answer else 0,
        mean_repetition=None if mean_flip is None else 1 - mean_flip,
        mean_wrong=mean_wrong,
        weak_prior=priors.of_run == WEAK,
        saved=figures.saved(files.manifests),
        charts={
            **{name: drawing and drawing.result() for name, drawing in drawings.items()},
            "whatif": [panel.result() for panel in drawn_panels],
        },
        cards=_cards(examples, keys),
    )
    return plain(page)


def _with_sources(files: RunFiles, decided: pl.DataFrame) -> pl.DataFrame:
    problems = files.scan("ingest")
    assert problems is not None
    known = with_source(problems).select("problem_id", "source").collect()
    return decided.join(known, on="problem_id", how="left", maintain_order="left")


def _drawn(draw: Callable[..., Any], *of: object) -> str:
    return svg(charts.fitted(draw(*of)))


def _any_left_out(accounts: Accounts) -> bool:
    """Whether a picture of the source rows shows more than that all were kept."""
    return any(each.kept - each.merged < each.read for each in accounts.datasets.values())


def _shares(files: RunFiles, decided: pl.DataFrame, drawn: _Draw) -> dict[str, Future[str] | None]:
    problems = files.scan("ingest")
    assert problems is not None
    first = pl.col("sources").list.first().struct.field("dataset").alias("dataset")
    known = problems.select("problem_id", first, "difficulty").collect()
    rated = figures.shares_by_difficulty(decided, known)
    by_kind = figures.shares_by_source(decided, decided.select("problem_id", dataset="kind"))
    by_source = figures.shares_by_source(decided, known)
    alike = by_kind.drop("dataset").equals(by_source.drop("dataset"))  # a dataset a kind: one picture says both
    return {
        "by_kind": drawn(charts.mode_shares, by_kind, "dataset"),
        "by_source": None if alike else drawn(charts.mode_shares, by_source, "dataset"),
        "by_difficulty": drawn(charts.mode_shares, rated, "difficulty") if rated.height else None,
    }


def _lengths(decided: pl.DataFrame, keys: pl.DataFrame, unit: str, drawn: _Draw) -> dict[str, Future[str]]:
    kept, sampled = figures.kept_token_bins(keys), figures.rollout_token_bins(decided)
    return {
        "kept_tokens": drawn(charts.length_histogram, kept, "examples", f"{unit} of the kept response, from"),
        "sampled_tokens": drawn(charts.length_histogram, sampled, "problems", f"mean {unit} of rollouts, from"),
    }


def _whatif(files: RunFiles) -> Answer | None:
    """By the first shards, so that a report does not read all text again."""
    config = files.config
    if not files.shards or not config.roles.is_pair or (config.weighs_arms and config.select.by_posterior):
        return None
    n = max(files.config.sample.most(mode) for mode in Mode)
    chosen = figures.sample_of_shards(files, _WHATIF_BYTES)
    return ask(files, parse_deltas(_WHATIF_DELTAS), sorted({max(1, n // 2), n}), chosen)


def _stage_rows(files: RunFiles) -> list[tuple[str, int, int, int, int]]:
    """Per folder: rows in, out, rejected, left out."""
    rows: dict[str, list[int]] = {}
    for name, manifest in files.manifests.items():
        line = rows.setdefault(name.partition("/")[0], [0, 0, 0, 0])
        found = (manifest.rows_in, manifest.rows_out, manifest.rows_rejected, manifest.rows_left_out)
        line[:] = [total + n for total, n in zip(line, found, strict=True)]
    order = ["ingest"]
    order += [f"{stage}.{mode}" for mode in files.config.roles.modes for stage in ("sample", "verify")]
    order += ["select", "justify"]
    return [(folder.replace(".think_", " ").replace(".", " "), *rows[folder]) for folder in order if folder in rows]  # type: ignore[misc]


def _cards(examples: pl.LazyFrame, keys: pl.DataFrame) -> list[dict[str, Any]]:
    chosen = figures.in_turns(keys, ["kind", "mode"], _CARDS)
    rows = examples.filter(pl.col("problem_id").is_in(chosen)).collect().to_dicts()
    key = ("kind", "mode", "problem_id", "rollout_index")
    return sorted(rows, key=lambda row: tuple(row[name] for name in key))[:_CARDS]


def _count(value: int | None) -> str:
    return number(value, 0)


def cut(text: str, most: int = _CARD_CHARS) -> str:
    """A text with its middle left out where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n\n[… {len(text) - 2 * half:,} characters left out …]\n\n{text[-half:]}"
