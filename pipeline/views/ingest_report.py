"""What a command prints of ingest's accounts: rows by dataset, refusals by reason, overlaps, contamination."""

from rich.console import Console
from rich.table import Table

from hipo_data.figures.plural import counted
from hipo_data.pipeline.graph.nodes import ACCOUNTS, INGEST
from hipo_data.pipeline.store.manifest import Manifest, read_manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.whole import whole_bytes
from hipo_data.schemas.errors import UserError
from hipo_data.stages.ingest.accounts import Accounts


def read_accounts(run_dir: RunPath) -> Accounts:
    """The accounts of the last ingest. Raises `UserError` before there is one, `DamagedError`."""
    manifest = read_manifest(INGEST.path(run_dir, ".json"))
    if manifest is None or ACCOUNTS not in manifest.outputs:
        raise UserError(f"{run_dir} has not ingested anything yet; run `hipo-data run --stage ingest` first")
    return accounts_of(run_dir, manifest)


def accounts_of(run_dir: RunPath, ingest: Manifest) -> Accounts:
    """The accounts of an ingest; empty ones where it left none."""
    if ACCOUNTS not in ingest.outputs:
        return Accounts()
    output = ingest.outputs[ACCOUNTS]
    return Accounts.model_validate_json(whole_bytes(run_dir / output.path, output))


def rows_in_words(accounts: Accounts) -> str:
    """All rows in one line: read, kept, left out, and refused by reason."""
    kept = sum(account.kept for account in accounts.datasets.values())
    left_out = sum(account.left_out for account in accounts.datasets.values())
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in accounts.refused.items())
    return (
        f"{counted(accounts.rows_read, 'row')} in, {kept:,} kept as {counted(accounts.problems, 'problem')}"
        + (f", {left_out:,} left out by caps or the limit" if left_out else "")
        + f", {accounts.rows_refused:,} quarantined{f': {reasons}' if reasons else ''}"
    )


def print_accounts(console: Console, accounts: Accounts) -> None:
    """Four tables; those without an entry are left out."""
    datasets = sorted(accounts.datasets)
    rows = _table("dataset", "rows read", "kept", "of them merged", "refused", "left out by caps")
    for name in datasets:
        account = accounts.datasets[name]
        figures = (account.read, account.kept, account.merged, sum(account.refused.values()), account.left_out)
        rows.add_row(name, *map(_count, figures))
    console.print(rows, f"{accounts.problems:,} problems", sep="\n", highlight=False)
    if accounts.refused:
        refused = _table("refused because of", *datasets)
        for reason in accounts.refused:
            refused.add_row(reason, *(_count(accounts.datasets[name].refused.get(reason, 0)) for name in datasets))
        console.print("", refused, sep="\n", highlight=False)
    if accounts.shared:
        overlaps = _table("problems in both", *datasets)
        for name in datasets:
            shared = accounts.overlaps.get(name, {})
            overlaps.add_row(name, *(_count(shared.get(other, 0)) for other in datasets))
        console.print("", overlaps, sep="\n", highlight=False)
    if accounts.evaluation_sets:
        held = _table("contaminated by", *datasets)
        for each in accounts.evaluation_sets:
            held.add_row(each, *(_count(accounts.datasets[name].contaminated.get(each, 0)) for name in datasets))
        console.print("", held, sep="\n", highlight=False)
    for remark in [*accounts.remarks, *accounts.none_accepted]:
        console.print(remark, highlight=False)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(first)
    for other in others:
        table.add_column(other, justify="right", overflow="fold")
    return table


def _count(value: int) -> str:
    return f"{value:,}" if value else "–"
