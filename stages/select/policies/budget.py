"""Budgets: responses to prompts that say how much to think.

| kind | the prompt asks for | source |
| --- | --- | --- |
| `lcpo_exact` | `Think for N tokens.` | LCPO of L1 (arXiv 2503.04697) |
| `lcpo_max` | `Think for maximum N tokens.` | the same |
| `constrained` | an answer of at most N words | Constrained CoT (arXiv 2407.19825) |
| `concise` | concise steps | Concise CoT (arXiv 2401.05618) |
| `token_skip` | a share of the tokens, to which the reasoning is pruned | TokenSkip (arXiv 2502.12067) |
| `system_1x` | slow thinking for a share of the steps, the hardest, which are marked | System-1.x (arXiv 2407.14414) |

N is uniform in `low`..`high` tokens as in L1; limits of words and shares are drawn uniformly from their lists. Every
draw is by seed and problem id.

Decided here, with no source: the response is a right think-on one. `lcpo_exact`: the one whose length is nearest to N,
if it is within `tolerance`. `lcpo_max` and `constrained`: the longest that keeps to the limit, in tokens of the whole
response and in words of reasoning and answer. All others: the shortest. L1 itself trains by reinforcement learning
alone: publish puts the same instruction into the prompts of `rl/`, for every solved problem, also where no response
fits. Where the papers' wording needs tokens of one model (TokenSkip's `<|eot_id|>`) or of planning (System-1.x), the
wording is ours.
"""

from collections.abc import Sequence

import polars as pl

from hipo_data.schemas.config import SelectConfig
from hipo_data.schemas.select_config import BudgetPolicy
from hipo_data.stages.select.policies import system_1x, token_skip
from hipo_data.stages.select.policies.policy import ON, Chosen, decide, draw, drop_reason

_DRAWN = ["budget", "instruction"]


MODES = 1


def choose(problems: pl.LazyFrame, rollouts: pl.LazyFrame, config: SelectConfig, seed: int) -> Chosen:
    """See `stages.select.policies.policy`."""
    own = config.budget
    asked = problems.with_columns(budget=_budget(own, seed)).with_columns(instruction=_instruction(own))
    right = rollouts.filter(pl.col("usable") & (pl.col("mode") == ON))
    fitting = right.join(asked.select("problem_id", *_DRAWN), on="problem_id").filter(_fits(own))
    order = [_preference(own), pl.col("completion_tokens"), pl.col("index")]
    best = fitting.sort("problem_id", *order).group_by("problem_id", maintain_order=True).first()
    picks = best.with_columns(rank=pl.lit(0), tokens="completion_tokens", answer=pl.lit(None, pl.String))
    chosen = decide(asked, _rewritten(picks, own), pl.lit(own.kind), _reason(), texts=True)
    return chosen._replace(decisions=chosen.decisions.drop(_DRAWN))


def instructions(problem_ids: Sequence[str], config: SelectConfig, seed: int) -> dict[str, tuple[str, float | None]]:
    """What is added to each question, and the budget that it names; the draws of `choose`."""
    frame = pl.DataFrame({"problem_id": problem_ids}, schema={"problem_id": pl.String})
    drawn = frame.with_columns(budget=_budget(config.budget, seed)).with_columns(
        instruction=_instruction(config.budget)
    )
    return {key: (instruction, budget) for key, budget, instruction in drawn.iter_rows()}


def _budget(own: BudgetPolicy, seed: int) -> pl.Expr:
    number = draw(seed, "budget")

    def one_of(values: Sequence[float]) -> pl.Expr:
        at = (number % len(values)).cast(pl.UInt32)
        return pl.lit(pl.Series(values, dtype=pl.Float64)).gather(at)

    match own.kind:
        case "lcpo_exact" | "lcpo_max":
            return (own.low + number % (own.high - own.low + 1)).cast(pl.Float64)
        case "constrained":
            return one_of(own.words)
        case "token_skip":
            return one_of(own.ratios)
        case "system_1x":
            return one_of(own.slow)
        case _:
            return pl.lit(None, pl.Float64)


def _instruction(own: BudgetPolicy) -> pl.Expr:
    whole = pl.col("budget").cast(pl.Int64)
    percent = (100 * pl.col("budget")).round().cast(pl.Int64)
    match own.kind:
        case "lcpo_exact":
            return pl.format("Think for {} tokens.", whole)
        case "lcpo_max":
            return pl.format("Think for maximum {} tokens.", whole)
        case "constrained":
            return pl.format("Think step by step and limit the whole answer to {} words.", whole)
        case "token_skip":
            return pl.format("Think step by step with {} % of the tokens.", percent)
        case "system_1x":
            return pl.format(
                "Think slowly, after [slow], in the hardest {} % of the steps, and fast, after [fast], in the others.",
                percent,
            )
        case _:
            return pl.lit("Think step by step, and be concise.")


def _words() -> pl.Expr:
    return pl.sum_horizontal(
        pl.col(part).fill_null("").str.count_matches(r"\S+").cast(pl.Int64) for part in ("reasoning", "answer")
    )


def _fits(own: BudgetPolicy) -> pl.Expr:
    tokens, budget = pl.col("completion_tokens"), pl.col("budget")
    match own.kind:
        case "lcpo_exact":
            return (tokens - budget).abs() <= own.tolerance * budget
        case "lcpo_max":
            return tokens <= budget
        case "constrained":
            return _words() <= budget
        case _:
            return pl.lit(True)


def _preference(own: BudgetPolicy) -> pl.Expr:
    """The lowest is kept."""
    match own.kind:
        case "lcpo_exact":
            return (pl.col("completion_tokens") - pl.col("budget")).abs()
        case "lcpo_max":
            return -pl.col("completion_tokens")
        case "constrained":
            return -_words()
        case _:
            return pl.col("completion_tokens")


def _rewritten(picks: pl.LazyFrame, own: BudgetPolicy) -> pl.LazyFrame:
    """The picks with the reasoning that is published in place of their own, null where that one is."""
    rewrite = {"system_1x": system_1x.mark, "token_skip": token_skip.pruner(own.compressor)}.get(own.kind)
    if rewrite is None:
        return picks.with_columns(reasoning=pl.lit(None, pl.String))
    pair = pl.struct("reasoning", "budget")
    return picks.with_columns(
        reasoning=pair.map_elements(lambda row: rewrite(row["reasoning"], row["budget"]), return_dtype=pl.String)
    )


def _reason() -> pl.Expr:
    none_right = pl.col("pick_on").is_null() & pl.col("pick_off").is_not_null()
    return pl.when(none_right).then(pl.lit("no_right_thinking")).otherwise(drop_reason("none_fits_budget"))
