"""Select: which responses are kept, by the policy that the config names.

Here is what all policies have in common: which responses can be kept, what counts in a pass rate, and the numbers of a
decision. The rules themselves are in `stages.select.policies`, one method a file. Decided here, with no source:

- a response can be picked if it is right, ended by itself, kept to its mode, and can be rendered (holds no format tag);
- with `leaking: refuse`, a think-off response that thinks all the same is no rollout of its mode: its verdict is taken
  for unknown, so that it counts in no pass rate and is never picked;
- a rollout with a cap, which was asked for once its mode had won (`stopping.waves`), can be picked, counts in no rate.
"""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from hipo_data.figures.intervals import score_interval
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.records import HIDDEN, FinishReason, Status
from hipo_data.schemas.select_config import PolicyName
from hipo_data.stages.select.arm_counts import arm_counts, place_of
from hipo_data.stages.select.arm_prior import ArmPriors
from hipo_data.stages.select.exclusion import left_out
from hipo_data.stages.select.guessing import without_luck
from hipo_data.stages.select.leaking import marked
from hipo_data.stages.select.pair_counts import with_gains
from hipo_data.stages.select.policies import (
    adaptthink,
    all_correct,
    always_think,
    arm_budgets,
    budget,
    effort,
    groups,
    hipo,
    lhrm,
    preference,
    shortest,
    thinkless,
)
from hipo_data.stages.select.policies.policy import CHOICE_COLUMNS, OFF, ON, Chosen, Policy
from hipo_data.stages.select.prior import Priors
from hipo_data.stages.select.tallies import tallied

__all__ = [
    "POSTERIOR_COLUMNS",
    "ROLLOUT_COLUMNS",
    "VERDICT_COLUMNS",
    "VERSION",
    "VOTE_COLUMNS",
    "modes_at_most",
    "select",
    "select_picks",
]

VERSION = "4"

POLICIES: dict[str, Policy] = {
    "hipo": hipo,
    "adaptthink": adaptthink,
    "thinkless": thinkless,
    "lhrm": lhrm,
    "all-correct": all_correct,
    "shortest": shortest,
    "always-think": always_think,
    "preference": preference,
    "budget": budget,
    "groups": groups,
    "effort": effort,
}


_PAIR = (OFF, ON)


def modes_at_most(policy: PolicyName) -> int:
    """Of how many modes a policy can make examples of one problem."""
    return POLICIES[policy].MODES


ROLLOUT_COLUMNS = [
    "problem_id",
    "mode",
    "index",
    "reasoning",
    "answer",
    "finish_reason",
    "completion_tokens",
    "max_tokens",
    "cap",
]
"""What `select` reads of the rollouts; `max_tokens` only for preference pairs."""

VERDICT_COLUMNS = ["problem_id", "mode", "index", "status"]
"""What `select` reads of the verdicts."""

POSTERIOR_COLUMNS = ["p_gain", "prior", "prior_problems"]
"""Of decisions under `rule: posterior` alone."""

VOTE_COLUMNS = ["problem_id", "answer"]
"""What `select` reads of the votes on problems without a gold."""


def select(
    problems: pl.LazyFrame,
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    seed: int,
    tags: Collection[str] = HIPO.tags,
    priors: Priors | ArmPriors | None = None,
    excluded: Collection[str] = (),
    arms: Sequence[str] = _PAIR,
) -> pl.LazyFrame:
    """One decision a problem, sorted by `problem_id`, in the columns of `schemas.records.Decision`.

    Args:
        problems: columns `problem_id`, `kind`, and under `rule: posterior` `source` (`pair_counts.with_source`); with
            `options`, of multiple choice, problems are dropped that only luck answers (`stages.select.guessing`).
        rollouts: columns `ROLLOUT_COLUMNS`, of both modes, in any order.
        verdicts: columns `VERDICT_COLUMNS`, one row a rollout.
        config: the policy, δ and the rest.
        seed: the run's seed; decides whatever a policy draws by lot.
        tags: of the format, which a response that is kept may not hold.
        priors: needed under `rule: posterior`, whose decisions have the columns `POSTERIOR_COLUMNS` as well; those of
            arms under the policy `effort`.
        excluded: ids of problems that are dropped whatever their rollouts say (`stages.select.exclusion`).
        arms: names of the modes from cheap to dear; others than the two under `schemas.select_config.OVER_ARMS` alone.
    """
    return select_picks(
        problems, rollouts, verdicts, config, seed, tags, priors=priors, excluded=excluded, arms=arms
    ).decisions


def select_picks(
    problems: pl.LazyFrame,
    rollouts: pl.LazyFrame,
    verdicts: pl.LazyFrame,
    config: SelectConfig,
    seed: int,
    tags: Collection[str] = HIPO.tags,
    votes: pl.LazyFrame | None = None,
    priors: Priors | ArmPriors | None = None,
    excluded: Collection[str] = (),
    arms: Sequence[str] = _PAIR,
    budgets: Mapping[str, int] | None = None,
) -> Chosen:
    """The decisions of `select` and the picks, those sorted by `problem_id` and `rank`. Arguments as there.

    Args:
        votes: columns `VOTE_COLUMNS`, a row for each problem without a gold, where there are any.
        budgets: tokens of reasoning by arm, which the policy `budget` writes into prompts.
    """
    graded = _joined(rollouts, verdicts, tags, config).with_columns(arm=place_of(arms))
    if config.by_posterior and priors is None:
        raise ValueError("the rule posterior needs the priors of the run")
    guessed = ["options"] if "options" in problems.collect_schema() else []
    counted = problems.select("problem_id", "kind", *guessed, *(["source"] if config.by_posterior else []))
    over_arms = tuple(arms) != _PAIR
    weighs = config.policy == "effort" or (over_arms and config.policy == "budget")
    by_arm = None
    if weighs or over_arms:  # once and for all: what follows reads it several times, and it is small
        by_arm = arm_counts(graded, config).collect().lazy()
    for mode in (ON, OFF):
        sides = _statistics(graded, mode) if by_arm is None else _statistics_of_arms(by_arm, mode)
        counted = counted.join(sides, on="problem_id", how="left")
    counts = [f"{name}_{side}" for name in ("n", "right", "unknown", "truncated") for side in ("on", "off")]
    counted = (
        counted.with_columns(pl.col(counts).fill_null(0))
        .with_columns(*_pass_rate("on", config), *_pass_rate("off", config))
        .with_columns(margin=pl.col("p_on") - pl.col("p_off"), delta=pl.lit(config.delta))
    )
    if config.by_posterior and isinstance(priors, Priors):
        counted = with_gains(counted, priors, config.delta)
    here = counted.select("problem_id")
    if by_arm is not None:
        by_arm = by_arm.join(here, on="problem_id", how="semi")
    if by_arm is not None and isinstance(priors, ArmPriors):
        sources = problems.select("problem_id", "source").collect()
        by_arm = priors.with_asked(by_arm.collect(), sources, config.delta, config.min_graded).lazy()
        counted = counted.join(_gain_of_arms(by_arm), on="problem_id", how="left", validate="1:1")
    if by_arm is not None and weighs:
        chosen = effort.choose(counted, by_arm, config, seed)
        if config.policy == "budget":
            chosen = chosen._replace(picks=arm_budgets.with_budgets(chosen.picks, budgets or {}))
    else:
        rows = graded.join(here, on="problem_id", how="semi")
        chosen = POLICIES[config.policy].choose(counted, rows, config, seed)
        if by_arm is not None:
            chosen = chosen._replace(arms=_with_kept(by_arm, chosen.picks))
    if guessed:
        chosen = without_luck(chosen)
    decisions, picks, _ = left_out(Chosen(_with_votes(chosen.decisions, votes), chosen.picks), excluded)
    return Chosen(
        decisions.select(
            "problem_id",
            "kind",
            *[name.format("on") for name in _SIDE_COLUMNS],
            *[name.format("off") for name in _SIDE_COLUMNS],
            "margin",
            "delta",
            *CHOICE_COLUMNS,
            "pseudo_gold",
            *(POSTERIOR_COLUMNS if config.by_posterior else []),
        ).sort("problem_id"),
        picks.sort("problem_id", "rank"),
        None if chosen.arms is None else chosen.arms.with_columns(_still_chosen(excluded)),
    )


def arm_table(
    rollouts: pl.LazyFrame, verdicts: pl.LazyFrame, config: SelectConfig, tags: Collection[str], arms: Sequence[str]
) -> pl.LazyFrame:
    """`arm_counts` of graded rollouts of some of the arms. Arguments as of `select`."""
    graded = _joined(rollouts, verdicts, tags, config)
    return arm_counts(graded.with_columns(arm=place_of(arms)), config)


def _joined(
    rollouts: pl.LazyFrame, verdicts: pl.LazyFrame, tags: Collection[str], config: SelectConfig
) -> pl.LazyFrame:
    rows = rollouts.join(verdicts, on=["problem_id", "mode", "index"], how="left", validate="1:1")
    return _graded(rows, tags, config)


def _gain_of_arms(by_arm: pl.LazyFrame) -> pl.LazyFrame:
    """Columns `problem_id` and `POSTERIOR_COLUMNS`: how likely the true rates ask for another arm than the cheapest."""
    known = by_arm.filter(pl.col("p_asked").is_not_null())
    cheapest = pl.col("p_asked").filter(pl.col("arm") == 0).first()
    several = pl.when((pl.len() > 1) & cheapest.is_not_null()).then((1 - cheapest).round(12))
    named = by_arm.group_by("problem_id").agg(pl.col("prior", "prior_problems").first())
    return named.join(known.group_by("problem_id").agg(p_gain=several), on="problem_id", how="left")


def _with_kept(by_arm: pl.LazyFrame, picks: pl.LazyFrame) -> pl.LazyFrame:
    """Arms with `chosen`: whether a response of theirs is kept."""
    kept = picks.select("problem_id", "mode", chosen=pl.lit(True)).unique()
    beside = by_arm.join(kept, on=["problem_id", "mode"], how="left")
    return beside.with_columns(pl.col("chosen").fill_null(False)).sort("problem_id", "arm")


def _still_chosen(excluded: Collection[str]) -> pl.Expr:
    return pl.col("chosen") & ~pl.col("problem_id").is_in(list(excluded))


_SIDE_COLUMNS = ["n_{}", "right_{}", "unknown_{}", "truncated_{}", "p_{}", "p_{}_low", "p_{}_high", "tokens_{}"]


def _with_votes(decisions: pl.LazyFrame, votes: pl.LazyFrame | None) -> pl.LazyFrame:
    """Decisions with `pseudo_gold`; nothing is graded where responses to a problem without a gold do not agree."""
    if votes is None:
        return decisions.with_columns(pseudo_gold=pl.lit(None, pl.String))
    voted = votes.select("problem_id", pseudo_gold="answer", voted=pl.lit(True))
    undecided = pl.col("voted").fill_null(False) & pl.col("pseudo_gold").is_null() & pl.col("drop_reason").is_not_null()
    return decisions.join(voted, on="problem_id", how="left", validate="1:1").with_columns(
        drop_reason=pl.when(undecided).then(pl.lit("no_agreement")).otherwise("drop_reason")
    )


def holds_tag(tags: Collection[str]) -> pl.Expr:
    """Whether a response has a tag of the format in it, and so cannot be kept: columns `reasoning`, `answer`."""
    return pl.any_horizontal(
        pl.col(part).fill_null("").str.contains_any(list(tags)) for part in ("reasoning", "answer")
    )


def _graded(rows: pl.LazyFrame, tags: Collection[str], config: SelectConfig) -> pl.LazyFrame:
    """The table of rollouts that policies get."""
    # What is hidden is reasoning in think-off, and in think-on none that could be published.
    reasoned = pl.col("reasoning")
    keeps_mode = pl.when(pl.col("mode") != OFF).then(reasoned.fill_null(HIDDEN) != HIDDEN).otherwise(reasoned.is_null())
    status = pl.col("status").fill_null(Status.UNKNOWN.value)
    stopped = pl.col("finish_reason") == FinishReason.STOP.value
    renders = stopped & keeps_mode & ~holds_tag(tags) & ~pl.col("leaks")
    return marked(rows, config).with_columns(
        status=status,
        counts=pl.col("cap").is_null(),
        known=status != Status.UNKNOWN.value,
        right=status == Status.CORRECT.value,
        truncated=pl.col("finish_reason") == FinishReason.LENGTH.value,
        whole=renders & pl.col("answer").is_not_null(),
        usable=renders & (status == Status.CORRECT.value),
    )


def _statistics_of_arms(by_arm: pl.LazyFrame, mode: str) -> pl.LazyFrame:
    """The columns of `_statistics`: of the first arm as those of think-off, of the one of the others with the highest
    pass rate, the lower one in a tie, as those of think-on."""
    side = "on" if mode == ON else "off"
    own = by_arm.filter(pl.col("arm") == 0)
    if mode == ON:
        dearer = by_arm.filter(pl.col("arm") > 0).sort("problem_id", -pl.col("p").fill_null(-1), "arm")
        own = dearer.group_by("problem_id", maintain_order=True).first()
    told = ("n", "right", "unknown", "truncated", "tokens", "pick", "pick_tokens")
    return own.select("problem_id", *(pl.col(name).alias(f"{name}_{side}") for name in told))


def _statistics(graded: pl.LazyFrame, mode: str) -> pl.LazyFrame:
    side = "on" if mode == ON else "off"
    counted = tallied(graded.filter(pl.col("mode") == mode), ["problem_id"])
    return counted.select("problem_id", pl.exclude("problem_id").name.suffix(f"_{side}"))


def _pass_rate(side: str, config: SelectConfig) -> list[pl.Expr]:
    """The pass rate and its 95 % Wilson interval; null where fewer than `min_graded` rollouts were graded."""
    n = pl.when(pl.col(f"n_{side}") >= config.min_graded).then(pl.col(f"n_{side}"))
    p = pl.col(f"right_{side}") / n
    low, high = score_interval(p, n)
    return [
        p.alias(f"p_{side}"),
        low.clip(0, 1).alias(f"p_{side}_low"),
        high.clip(0, 1).alias(f"p_{side}_high"),
    ]
