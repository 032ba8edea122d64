"""Before a run goes on: what is damaged in its directory is named, moved aside, and made up for.

Tables are looked at by whoever reads them. Here are the files that only the driver can do without: manifests, batches
of the journal, and the account of what was spent. Only the driver that holds the directory moves anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from hipo_data.pipeline.graph.nodes import INGEST, Node
from hipo_data.pipeline.graph.states import load_manifests, shards_of
from hipo_data.pipeline.store.files import table_of
from hipo_data.pipeline.store.journal import whole_batches
from hipo_data.pipeline.store.ledger import Spent, read_spent, spent_on, write_spent
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_path import RunPath, name_within, run_path
from hipo_data.pipeline.store.suspects import forget_suspects, read_suspects
from hipo_data.pipeline.store.whole import set_aside
from hipo_data.pipeline.watch.event_log import read_events
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.records import Justification, Rollout


@dataclass
class Healing:
    """Moves damaged files of a run aside, and tells people.

    Args:
        run_dir: held by this driver.
        say: tells people something.
    """

    run_dir: RunPath
    say: Callable[[str], None]
    found: list[str] = field(default_factory=list)
    """Damaged files so far, by their paths within the run directory."""

    def take(self, damaged: DamagedError) -> None:
        """One damaged file."""
        path = run_path(damaged.path)
        name = name_within(path, self.run_dir)
        target = set_aside(self.run_dir, path)
        if target is not None:
            self.found.append(name)
            self.say(f"damaged: {name} {damaged.what}; it is now {name_within(target, self.run_dir)}")

    def begin(self, config: RunConfig) -> None:
        """Manifests, journals and the account, before anything else is read. Raises what the storage raises."""
        damaged: list[DamagedError] = []
        manifests = load_manifests(self.run_dir, unlisted=True, damaged=damaged, modes=config.roles.modes)
        for _ in whole_batches(self.run_dir / "journal", damaged):
            pass
        for each in damaged:
            self.take(each)
        self._account(config, manifests)

    def end(self) -> None:
        """All that `hipo-data verify` had found is seen to."""
        if read_suspects(self.run_dir):
            forget_suspects(self.run_dir)

    def _account(self, config: RunConfig, manifests: Mapping[str, Manifest]) -> None:
        lost = not (self.run_dir / "spent.json").exists()
        try:
            read_spent(self.run_dir)
        except DamagedError as error:
            self.take(error)
            lost = True
        again = counted_again(self.run_dir, config, manifests) if lost else Spent()
        if again.completion_tokens or again.characters:
            write_spent(self.run_dir, again)
            self.say(f"spent.json was damaged or lost; counted again from the rollouts that are left: {again}")


def replace_record(run_dir: RunPath, config: RunConfig, damaged: DamagedError, say: Callable[[str], None]) -> None:
    """Moves a damaged `run.json` aside, so that the recipe at hand is recorded in its place.

    Raises `UserError` where the event log says that the directory belongs to another run.
    """
    names = {event["run"] for event in read_events(run_dir)}
    if names and config.name not in names:
        raise UserError(
            f"{damaged.path} {damaged.what}, and the event log is of the run '{sorted(map(str, names))[0]}', not "
            f"'{config.name}'; choose another --run-dir, or the same name"
        )
    Healing(run_dir, say).take(damaged)
    say(f"run.json {damaged.what}: it is written anew from this recipe; what changed since the last run is not known")


def counted_again(run_dir: RunPath, config: RunConfig, manifests: Mapping[str, Manifest]) -> Spent:
    """What the rollouts and justifications took that are in whole tables and batches, by the prices of today."""
    total = Spent(recounted=True)
    known = {output.sha256 for manifest in manifests.values() for output in manifest.outputs.values()}
    known |= {part for manifest in manifests.values() for part in manifest.parts.values()}
    present = set(shards_of(manifests.get(INGEST.name)))
    for folder, engine, suffix, record in _spenders(config):
        tables = set()
        for path in (run_dir / folder).glob(f"??-????{suffix}"):
            shard, data = path.name.partition(".")[0], path.read_bytes()
            if (shard not in present and present) or sha256(data).hexdigest() not in known:
                continue
            tables.add(shard)
            columns = [*_TOKENS, *(["source"] if record is Rollout else [])]
            asked = [row for row in table_of(data, columns).to_pylist() if row.get("source") is None]
            prompt, completion = (sum(row[name] for row in asked) for name in _TOKENS)
            total = total.plus(spent_on(config.engines[engine], prompt, completion, 0.0))
        for path, lines in whole_batches(run_dir / "journal" / folder, []):
            if path.parent.name not in tables:  # what is in a journal and in a table counts once
                records = [record.model_validate_json(line) for line in lines]
                prompt, completion = (sum(getattr(each, name) for each in records) for name in _TOKENS)
                total = total.plus(spent_on(config.engines[engine], prompt, completion, 0.0))
    return total


_TOKENS = ("prompt_tokens", "completion_tokens")


def _spenders(config: RunConfig) -> Iterator[tuple[str, str, str, type[Rollout] | type[Justification]]]:
    """Folders whose nodes ask, the engine that they ask, and the end of the table and the class of what comes back."""
    for mode in config.roles.dear_first:
        yield Node("sample", "", mode).folder, config.roles.of(mode).engine, ".parquet", Rollout
    yield "justify", config.roles.justifier.engine, ".attempts.parquet", Justification
