"""A run that is shown: its index, made anew beside the pages as the run goes on, its searches and its flags."""

import threading
import time

import polars as pl

from hipo_data.pipeline.graph.nodes import shard_name
from hipo_data.pipeline.store.flag_file import FLAGS, put_flag, read_flags
from hipo_data.pipeline.store.run_path import RunPath, storage_errors
from hipo_data.pipeline.viewer.index import Index
from hipo_data.pipeline.viewer.search import Search
from hipo_data.pipeline.views.explain import Story, missing, story_within, uncertainty
from hipo_data.pipeline.views.run_files import RunFiles, open_run
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.keys import shard_of

_LOOK_EVERY_S = 5.0
_AFTER_S = 1.0
"""After a page is asked for, so that both do not share the processors."""
_SHARE = 20
"""Looking for what is new takes at most one part in so many of the time."""
_SEARCHES = 4
"""That are kept, the last ones."""


class ShownRun:
    """One run. May be asked by several threads.

    Raises `UserError` where the directory holds no run, `DamagedError` where its `run.json` is damaged, `StorageError`.
    """

    def __init__(self, run_dir: RunPath) -> None:
        self.run_dir = run_dir
        self._index = _read(run_dir)
        self.trouble: str | None = None
        """Why the last look at it failed."""
        self._look_at = 0.0
        self._searches: dict[str, Search] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What its recipe calls it."""
        return self.files.config.name

    @property
    def files(self) -> RunFiles:
        """Its files, as they were when it was last looked at."""
        return self._index.files

    @property
    def flags_path(self) -> RunPath:
        """The file that `select.exclude` can name."""
        return self.run_dir / FLAGS

    def index(self) -> Index:
        """What is known of it, at most a few seconds old where somebody asks all the time; no page waits for newer."""
        with self._lock:
            due = time.monotonic() >= self._look_at
            if due:
                self._look_at = float("inf")
        if due:
            look = threading.Timer(_AFTER_S, self.look)
            look.daemon = True
            look.start()
        return self._index

    def look(self) -> None:
        """Takes in what the run has done since. Where it cannot, what was known stays."""
        started = time.monotonic()
        try:
            newer = _read(self.run_dir)
            if newer.files.manifests != self._index.files.manifests:
                newer.read()  # here, so that no page waits for it
                self._index = newer
            else:
                self._index.read()
            self.trouble = None
        except UserError as error:  # such as storage that is away for a while
            self.trouble = str(error)
        finally:
            took = time.monotonic() - started
            self._look_at = time.monotonic() + max(_LOOK_EVERY_S, _SHARE * took)

    def search(self, index: Index, text: str) -> Search:
        """A search for a text, under way or done."""
        with self._lock:
            known = self._searches.pop(text, None)
            if known is None or known.index is not index:
                if known is not None:
                    known.stop()
                known = Search(index, text)
            self._searches[text] = known
            while len(self._searches) > _SEARCHES:
                self._searches.pop(next(iter(self._searches))).stop()
            return known

    def story(self, index: Index, problem_id: str) -> Story:
        """One problem in full. Raises `UserError` where there is none, `DamagedError`, `StorageError`."""
        shards = index.files.shards
        if not shards:
            raise UserError(nothing_yet(self.run_dir))
        bits = int(shards[0].partition("-")[0])
        with storage_errors(self.run_dir):
            shard = shard_name(bits, shard_of(problem_id, bits))
            story = story_within(index.files, shard, problem_id)
            if story.decision is not None and index.priors is not None:
                story.decision |= uncertainty(index.files, shard, story.decision, index.priors)
        places = index.places.filter(problem_id=problem_id).sort(pl.col("part") != "sft", maintain_order=True)
        for place in places.to_dicts():
            story.published.setdefault(place["part"], []).append({"file": place["file"], "row": place["place"]})
        story.remarks = missing(story)
        return story

    def flags(self) -> dict[str, str]:
        """Remarks by the id of each flagged problem. Raises `UserError` where the file holds something else."""
        try:
            with storage_errors(self.run_dir):
                return read_flags(self.flags_path)
        except FileNotFoundError:
            return {}

    def flag(self, problem_id: str, remark: str | None) -> None:
        """Writes a flag down, or without a remark takes it away. Raises `UserError` where it cannot."""
        try:
            with storage_errors(self.run_dir):
                put_flag(self.flags_path, problem_id, remark)
        except OSError as error:
            raise UserError(f"{self.flags_path} cannot be written ({error.strerror or error})") from error


def nothing_yet(run_dir: RunPath) -> str:
    """What is said of a run without problems."""
    return f"{run_dir} has ingested nothing yet; `hipo-data status` says how far it is"


def _read(run_dir: RunPath) -> Index:
    damaged: list[DamagedError] = []
    with storage_errors(run_dir):
        return Index(open_run(run_dir, damaged), damaged)
