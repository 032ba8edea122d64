"""In what the outcomes of two runs differ."""

from dataclasses import dataclass, field

import polars as pl

from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.schemas.config_file import differences
from hipo_data.schemas.errors import UserError

_NAMED = 3
_DECISION = ["mode", "rule", "index", "drop_reason", "delta"]
_MARK = {"think_on": "think-on", "think_off": "think-off"}


@dataclass
class Group:
    """Problems that differ in the same way."""

    what: str
    count: int
    such_as: list[str]
    """A few of their ids, the first ones."""


@dataclass
class Difference:
    """What is not the same in two runs."""

    config: list[str]
    """A line a key."""
    problems: tuple[int, int]
    """Decided ones of each run."""
    examples: tuple[int, int]
    same: int
    """Problems of both that are decided alike: the same mode and rollout, by the same rule."""
    groups: list[Group] = field(default_factory=list)


def compare(first: RunFiles, second: RunFiles) -> Difference:
    """Problems by what differs: their being there, mode, rule, kept rollout; and examples by their text.

    Rollouts are compared by index; where the runs sampled other texts, examples tell. Memory is that of ids, decisions
    and one hash an example. Raises `UserError` where a run has decided nothing yet.
    """
    before, after = _decisions(first), _decisions(second)
    both = before.join(after, on="problem_id", how="inner", suffix="_after", validate="1:1")
    was, now = _outcome(""), _outcome("_after")
    moved = pl.col("mode").ne_missing(pl.col("mode_after"))
    other_rule = ~moved & (was != now)
    other_rollout = ~moved & ~other_rule & pl.col("index").ne_missing(pl.col("index_after"))
    groups = _missing(before, after, "problems")
    groups += _groups(both.filter(moved), pl.format("mode: {} → {}", was, now))
    groups += _groups(both.filter(other_rule), pl.format("rule: {} → {}", was, now))
    groups += _groups(both.filter(other_rollout), pl.format("kept rollout: another one of {}", _named("mode")))
    kept_before, kept_after = _examples(first), _examples(second)
    groups += _missing(kept_before, kept_after, "examples")
    shared = kept_before.join(kept_after, on="problem_id", suffix="_after", validate="1:1")
    for name in ("response", "justification"):
        changed = shared.filter(pl.col(name) != pl.col(f"{name}_after"))
        groups += _groups(changed, pl.lit(f"examples: another {name}"))
    return Difference(
        config=differences(first.config.model_dump(mode="json"), second.config.model_dump(mode="json")),
        problems=(before.height, after.height),
        examples=(kept_before.height, kept_after.height),
        same=both.filter(~(moved | other_rule | other_rollout)).height,
        groups=groups,
    )


def _decisions(files: RunFiles) -> pl.DataFrame:
    decisions = files.scan("select")
    if decisions is None:
        raise UserError(f"{files.run_dir} has decided nothing yet; `hipo-data status` says how far it is")
    return decisions.select("problem_id", *_DECISION).collect(engine="streaming")


def _examples(files: RunFiles) -> pl.DataFrame:
    """Columns problem_id, response, justification: hashes of the texts, summed where a problem has several examples."""
    schema = pl.Schema({"problem_id": pl.String, "response": pl.UInt64, "justification": pl.UInt64})
    examples = files.scan("justify")
    if examples is None:
        return pl.DataFrame(schema=schema)
    response = pl.concat_str(pl.col("mode", "reasoning", "answer").fill_null(""), separator="\0").hash()
    hashed = examples.select("problem_id", response=response, justification=pl.col("justification").hash())
    return hashed.group_by("problem_id").agg(pl.all().sum()).cast(schema).collect(engine="streaming")


def _outcome(suffix: str) -> pl.Expr:
    """`think-on (margin)`, or `dropped (ungraded)`."""
    why = pl.coalesce(f"drop_reason{suffix}", f"rule{suffix}")
    return pl.format("{} ({})", _named(f"mode{suffix}"), why)


def _named(column: str) -> pl.Expr:
    return pl.col(column).replace_strict(_MARK, default="dropped")


def _missing(before: pl.DataFrame, after: pl.DataFrame, what: str) -> list[Group]:
    return [
        group
        for there, other, which in ((before, after, "first"), (after, before, "second"))
        for group in _groups(there.join(other, on="problem_id", how="anti"), pl.lit(f"{what}: only in the {which} run"))
    ]


def _groups(rows: pl.DataFrame, what: pl.Expr) -> list[Group]:
    """The largest first."""
    counted = (
        rows.sort("problem_id")
        .with_columns(what=what)
        .group_by("what")
        .agg(count=pl.len(), such_as=pl.col("problem_id").head(_NAMED))
        .sort("count", "what", descending=[True, False])
    )
    return [Group(*row) for row in counted.iter_rows()]
