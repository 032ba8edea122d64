"""`hipo-data explain`: all that a run knows of one problem, from its source rows to its row in the dataset."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from hipo_data.pipeline.graph.nodes import ARMS, PICKS, PUBLISH, VOTES, shard_name
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.views.ingest_report import read_accounts
from hipo_data.pipeline.views.own_ids import called, names
from hipo_data.pipeline.views.quarantine import rejected_outputs
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.pipeline.views.shown_priors import shown_priors
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.keys import problem_ids, shard_of
from hipo_data.schemas.length_unit import Unit, lengths_of
from hipo_data.schemas.records import Mode
from hipo_data.stages.select.arm_words import arms_in_words
from hipo_data.stages.select.decision_words import in_words
from hipo_data.stages.select.flips import flip_probability, stopped, with_again, wrong_mode
from hipo_data.stages.select.pair_counts import with_source
from hipo_data.stages.select.prior import WEAK, Priors
from hipo_data.stages.texts.thinking_aloud import leaks

_ROW_KEY = re.compile(r"(?P<file>.+):(?P<row>\d+)")
_WHOLE_QUESTIONS = ["near_duplicate", "gold_conflict"]
"""Reasons whose rejected rows hold the question alone, so that its problem can be named."""
_NAMED_IDS = 5

Row = dict[str, Any]


@dataclass
class Story:
    """What became of a problem; of a row that is no problem, only `asked`, `rejected` and `remarks`."""

    asked: str
    problem: Row | None = None
    rollouts: list[Row] = field(default_factory=list)
    """Of both modes, with their verdicts: `status`, `reason`, `extracted` and the other columns; and `leaks`, whether
    the selection refuses it for thinking all the same."""
    vote: Row | None = None
    """Of a problem without a gold; `of` which arm the votes are, where there are others than the two modes."""
    decision: Row | None = None
    """With `words`; `flip`, the flip probability, and `wrong`, that of a wrong mode; `weak_prior`, whether both go by
    the weak one; and `stopped`, whether the problem was not sampled in full."""
    arms: list[Row] = field(default_factory=list)
    """Under the policy effort, what its rollouts came to in each arm, the cheapest first."""
    picks: list[Row] = field(default_factory=list)
    """The responses that the policy keeps, the decision's first."""
    attempts: list[Row] = field(default_factory=list)
    examples: list[Row] = field(default_factory=list)
    published: dict[str, list[Row]] = field(default_factory=dict)
    """By part of the dataset, such as `sft` and `rl`: `file` and `row` within it."""
    rejected: list[Row] = field(default_factory=list)
    near_duplicates: list[Row] = field(default_factory=list)
    """Rejected rows that gave way to this problem."""
    remarks: list[str] = field(default_factory=list)
    lengths_in: Unit = Unit.TOKENS
    """What lengths of responses are counted in."""

    def as_json(self) -> Row:
        """Everything, for machines."""
        return asdict(self)


def explain(files: RunFiles, asked: str) -> Story:
    """The story of a problem.

    Args:
        asked: what a source calls it itself, the start of a problem's id, or a source row as `file:row`.

    Raises `UserError` where the run knows nothing of it, or where several problems are meant.
    """
    found = _problem_id(files, asked)
    if found is None:
        return _story_of_row(files, asked)
    shard = shard_name(bits := _bits(files), shard_of(found, bits))
    story = story_within(files, shard, found)
    story.asked = asked
    if story.decision is not None:
        story.decision |= uncertainty(files, shard, story.decision, shown_priors(files))
    story.published = _published(files, found)
    for row in _rejected(files, pl.col("key").eq(found) | pl.col("detail").str.contains(found, literal=True)):
        (story.rejected if row["key"] == found else story.near_duplicates).append(row)
    story.remarks = missing(story)
    return story


def story_within(files: RunFiles, shard: str, found: str) -> Story:
    """What the tables of its own shard know of a problem by its id: all but how firm its decision is, its row in the
    dataset, rejected rows and remarks.

    Raises `UserError` where the shard has no such problem, `DamagedError` where a table is not as it was written.
    """
    story = Story(found, lengths_in=lengths_of(files.config).unit)
    problems = _rows(files.scan("ingest", shards=[shard]), found)
    if not problems:
        raise UserError(f"{files.run_dir} has no problem {found}")
    story.problem = problems[0]
    story.rollouts = list(_rollouts(files, shard, found))
    roles = files.config.roles
    votes = files.scan(f"verify.{roles.voter}", VOTES, [shard])
    story.vote = next(iter(_rows(votes, found)), None)
    if story.vote is not None and not roles.is_pair:
        story.vote["of"] = str(roles.voter)
    story.decision = next(iter(_rows(files.scan("select", shards=[shard]), found)), None)
    if story.decision is not None:
        leaking = sum(row["leaks"] for row in story.rollouts)
        if files.config.sample.adapts:
            on, off = (story.decision[f"n_{side}"] + story.decision[f"unknown_{side}"] for side in ("on", "off"))
            story.decision["given"] = f"{on} + {off} rollouts (think-on + think-off), more where the mode is less sure"
        story.arms = _rows(files.scan("select", ARMS, [shard]), found)
        names = files.config.roles.modes
        story.decision["words"] = (
            arms_in_words(story.decision, story.arms, names)
            if story.arms
            else in_words(story.decision | {"options": story.problem.get("options")}, leaking)
        )
    story.picks = sorted(_rows(files.scan("select", PICKS, [shard]), found), key=lambda row: int(row["rank"]))
    attempts = files.scan("justify", "attempts", [shard])
    story.attempts = sorted(_rows(attempts, found), key=lambda row: (str(row["mode"]), int(row["attempt"])))
    story.examples = _rows(files.scan("justify", shards=[shard]), found)
    return story


def uncertainty(files: RunFiles, shard: str, decision: Row, priors: Priors) -> Row:
    """How firm a decision is: its `flip`, `wrong`, `weak_prior` and `stopped`, as a story has them."""
    problems = files.scan("ingest", shards=[shard])
    assert problems is not None
    of_it = with_source(problems.filter(pl.col("problem_id") == decision["problem_id"])).select("source").collect()
    columns = {name: [value] for name, value in decision.items()}
    frame = pl.DataFrame(columns, schema_overrides={"mode": pl.String}).hstack(of_it)
    wanted = {mode: files.config.sample.count(mode) for mode in Mode}
    settings = files.config.select.model_copy(update={"delta": decision["delta"]})
    again = with_again(frame, wanted)
    return {
        "flip": flip_probability(again, settings, priors).item(),
        "wrong": wrong_mode(again, settings, priors).item(),
        "weak_prior": priors.of_run == WEAK,
        "stopped": frame.select(stopped(wanted)).item(),
    }


def _problem_id(files: RunFiles, asked: str) -> str | None:
    """The problem that is meant; null for a row that is none."""
    problems = files.scan("ingest")
    if problems is None:
        raise UserError(f"{files.run_dir} has ingested nothing yet; `hipo-data status` says how far it is")
    if ids := called(problems, asked):
        meant = pl.col("problem_id").is_in(ids)
    elif row := _ROW_KEY.fullmatch(asked):
        place = (pl.element().struct["file"] == row["file"]) & (pl.element().struct["row"] == int(row["row"]))
        meant = pl.col("sources").list.eval(place).list.any()
    else:
        meant = pl.col("problem_id").str.starts_with(asked.lower())
    ids = problems.filter(meant).select("problem_id").collect(engine="streaming")["problem_id"].to_list()
    if len(ids) > 1:
        raise UserError(f"'{asked}' means {len(ids)} problems of {files.run_dir}: {_some(ids)}; give more of the id")
    return ids[0] if ids else None


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED_IDS]) + (", …" if len(ids) > _NAMED_IDS else "")


def _bits(files: RunFiles) -> int:
    return int(files.shards[0].partition("-")[0])


def _rows(frame: pl.LazyFrame | None, problem_id: str) -> list[Row]:
    if frame is None:
        return []
    return frame.filter(pl.col("problem_id") == problem_id).collect(engine="streaming").to_dicts()


def _rollouts(files: RunFiles, shard: str, problem_id: str) -> Iterator[Row]:
    for mode in files.config.roles.dear_first:
        verdicts = {row["index"]: row for row in _rows(files.scan(f"verify.{mode}", shards=[shard]), problem_id)}
        rollouts = _rows(files.scan(f"sample.{mode}", shards=[shard]), problem_id)
        for row in sorted(rollouts, key=lambda row: int(row["index"])):
            strays = files.config.select.refuses_leaks and leaks(mode, row["reasoning"], row["answer"])
            verdict = {"status": None, "reason": None, "extracted": None} | verdicts.get(row["index"], {})
            yield row | verdict | {"leaks": strays}


def _published(files: RunFiles, problem_id: str) -> dict[str, list[Row]]:
    manifest = files.manifests.get(PUBLISH.name)
    found: dict[str, list[Row]] = {}
    if manifest is None:
        return {}
    for name in sorted(manifest.outputs):
        if name.startswith("dataset/") and name.endswith(".parquet"):
            rows = files.scan_outputs([manifest.outputs[name]])
            assert rows is not None
            named = "problem_id" in rows.collect_schema()
            key = pl.col("problem_id") if named else pl.col("extra_info").struct.field("problem_id")
            at = rows.select(key.alias("id")).with_row_index("row").filter(pl.col("id") == problem_id)
            places = [{"file": name, "row": row} for row in at.collect(engine="streaming")["row"]]
            found.setdefault(name.split("/")[1], []).extend(places)
    return {part: places for part, places in found.items() if places}


def _rejected(files: RunFiles, meant: pl.Expr) -> list[Row]:
    rows = files.scan_outputs(rejected_outputs(files.run_dir))
    return rows.filter(meant).collect(engine="streaming").to_dicts() if rows is not None else []


def _rejected_called(files: RunFiles, name: str) -> list[Row]:
    """Rejected rows that their source calls so; those of earlier versions have no names."""
    rows = files.scan_outputs(rejected_outputs(files.run_dir))
    return [] if rows is None else rows.filter(names(rows, name)).collect(engine="streaming").to_dicts()


def missing(story: Story) -> list[str]:
    """What has not happened yet, a sentence each."""
    if not story.rollouts:
        return ["It has no rollouts yet; run again to go on."]
    if story.decision is None:
        return ["It is not decided yet; run again to go on."]
    if story.decision["mode"] is not None and not story.examples and not story.rejected:
        return ["Its justification is not written yet; run again to go on."]
    if story.examples and not story.published:
        return ["It is not in dataset/ yet; run again to publish."]
    return []


def _story_of_row(files: RunFiles, asked: str) -> Story:
    """Of what ingest did not pass on. Raises `UserError` where the run knows nothing of it."""
    rejected = _rejected_called(files, asked)
    if rejected:
        pass
    elif _ROW_KEY.fullmatch(asked):
        rejected = _rejected(files, pl.col("key") == asked)
    else:
        rows = _rejected(files, pl.col("reason").is_in(_WHOLE_QUESTIONS))
        ids = problem_ids(pl.Series([row["row"] for row in rows], dtype=pl.String)).to_list()
        rejected = [row for row, found in zip(rows, ids, strict=True) if found.startswith(asked.lower())]
    if rejected:
        remark = "Ingest refused it, so that it is no problem of this run."
        return Story(asked, rejected=rejected, remarks=[remark])
    raise UserError(
        f"no problem of {files.run_dir} has an id that is or begins with '{asked}' or a source row of this name, and "
        f"no rejected row is of it; {_accounts(files.run_dir)}"
    )


def _accounts(run_dir: RunPath) -> str:
    accounts = read_accounts(run_dir)
    left_out = sum(account.left_out for account in accounts.datasets.values())
    refused = ", ".join(f"{reason} {count:,}" for reason, count in accounts.refused.items())
    return (
        f"ingest read {accounts.rows_read:,} rows, refused {accounts.rows_refused:,}"
        + (f" ({refused})" if refused else "")
        + f" and left out {left_out:,} by caps, which are counted but not listed"
    )
