"""What became of every source row, counted: the accounts of ingest."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, Field


class DatasetAccount(BaseModel):
    """The rows of one dataset: `read` is the sum of `kept`, `left_out` and all of `refused`."""

    read: int = 0
    kept: int = 0
    """Rows that are a source of a problem."""
    merged: int = 0
    """Kept rows whose question an earlier row had brought."""
    left_out: int = 0
    """Rows of problems beyond a cap or the limit."""
    refused: dict[str, int] = Field(default_factory=dict)
    """Rows by reason code."""
    contaminated: dict[str, int] = Field(default_factory=dict)
    """Of the refused rows, those that evaluation sets hold, by set."""

    def count_contaminated(self, sets: pl.Series) -> None:
        """Adds rows by the evaluation set that holds them."""
        for name in sets:
            self.contaminated[name] = self.contaminated.get(name, 0) + 1


class Accounts(BaseModel):
    """What ingest did."""

    datasets: dict[str, DatasetAccount] = Field(default_factory=dict)
    overlaps: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Problems by the datasets that have them: `overlaps[a][b]` of both, `overlaps[a][a]` of a; caps do not count."""
    problems: int = 0
    other_tests: int = 0
    """Code problems whose sources bring different tests."""
    near_other_gold: int = 0
    """Pairs of near-duplicates that were both kept because their golds differ."""
    without_gold: int = 0
    """Problems that responses are to vote on."""
    none_accepted: list[str] = Field(default_factory=list)
    """Of each source of which no row was accepted, why, in the order of the recipe."""
    caps: list[int] = Field(default_factory=list)
    """Problems left out by each cap of the recipe, in its order, and last by the limit where there is one."""

    def of(self, dataset: str) -> DatasetAccount:
        """The account of a dataset, opened if need be."""
        return self.datasets.setdefault(dataset, DatasetAccount())

    def count_refused(self, datasets: pl.Series, reasons: pl.Series) -> None:
        """Adds refused rows."""
        for (dataset, reason), rows in _counted(pl.DataFrame({"dataset": datasets, "reason": reasons})).items():
            refused = self.of(dataset).refused
            refused[reason] = refused.get(reason, 0) + rows

    def count_rows(self, field: str, datasets: pl.Series) -> None:
        """Adds rows to a field of their datasets' accounts."""
        for (dataset,), rows in _counted(datasets.alias("dataset").to_frame()).items():
            account = self.of(dataset)
            setattr(account, field, getattr(account, field) + rows)

    def count_overlaps(self, rows: pl.Series, names: Mapping[int, str]) -> None:
        """Adds problems by the lists of their rows, given the datasets of source numbers."""
        alone = rows.list.len() == 1
        single = rows.filter(alone).list.first().struct.field("source").cast(pl.String)
        several = rows.filter(~alone).list.eval(pl.element().struct.field("source").cast(pl.String)).list.unique()
        told = pl.concat([single, several.list.join(" ")]).alias("sources").value_counts(name="problems")
        together: Counter[frozenset[str]] = Counter()
        for sources, problems in told.iter_rows():
            together[frozenset(names[int(source)] for source in sources.split())] += problems
        for datasets, problems in together.items():
            for one in datasets:
                row = self.overlaps.setdefault(one, {})
                for other in datasets:
                    row[other] = row.get(other, 0) + problems

    def put_in_order(self) -> None:
        """Sorts what is counted by name, so that the order of work leaves no trace."""
        self.overlaps = {one: dict(sorted(row.items())) for one, row in sorted(self.overlaps.items())}
        for account in self.datasets.values():
            account.refused = dict(sorted(account.refused.items()))
            account.contaminated = dict(sorted(account.contaminated.items()))

    @property
    def evaluation_sets(self) -> list[str]:
        """The evaluation sets that hold a row of any dataset."""
        return sorted({name for account in self.datasets.values() for name in account.contaminated})

    @property
    def remarks(self) -> list[str]:
        """What no table says, a sentence each."""
        told = {
            "Code problems that came with different tests, of which the most were kept": self.other_tests,
            "Pairs of questions alike in all but a few words, kept because their golds differ": self.near_other_gold,
            "Problems without a gold, kept for responses to vote on": self.without_gold,
        }
        return [f"{what}: {count:,}." for what, count in told.items() if count]

    @property
    def shared(self) -> bool:
        """Whether any problem is in two datasets."""
        return any(other != name for name, row in self.overlaps.items() for other in row)

    @property
    def rows_read(self) -> int:
        """Rows of all datasets."""
        return sum(account.read for account in self.datasets.values())

    @property
    def rows_refused(self) -> int:
        """Refused rows of all datasets."""
        return sum(sum(account.refused.values()) for account in self.datasets.values())

    @property
    def refused(self) -> Counter[str]:
        """Refused rows of all datasets by reason, the most frequent first."""
        found: Counter[str] = Counter()
        for account in self.datasets.values():
            found.update(account.refused)
        return Counter(dict(found.most_common()))


def _counted(frame: pl.DataFrame) -> dict[tuple[Any, ...], int]:
    counted = frame.group_by(frame.columns).len().sort(frame.columns)
    return {row[:-1]: row[-1] for row in counted.iter_rows()}
