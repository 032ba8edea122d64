"""What a run did, for the summary at its end."""

from dataclasses import dataclass, field

from hipo_data.pipeline.store.ledger import Spent
from hipo_data.pipeline.store.manifest import Output
from hipo_data.stages.sample.shown import Shown


@dataclass
class Outcome:
    """What a run did."""

    ran: dict[str, int] = field(default_factory=dict)
    """Nodes run, by folder."""
    up_to_date: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time from the start of a folder's first node to the end of its last; folders overlap."""
    sampling_seconds: float = 0.0
    """Wall time of all sampling together, without the start of the engines."""
    rejected: list[Output] = field(default_factory=list)
    """The tables of rejected rows of all nodes that are done."""
    sampled: int = 0
    reused: int = 0
    lost: int = 0
    unneeded: int = 0
    """Think-on rollouts of full sampling that no decision needed."""
    saved_tokens: int = 0
    """About how many completion tokens those, and what was cut off, would have taken."""
    tokens: int = 0
    spent: Spent = field(default_factory=Spent)
    """Over all attempts at the run."""
    stopped: str | None = None
    """Why it stopped before its end, where a budget is used up."""
    complete: int = 0
    """Shards that are published, where it stopped."""
    shards: int = 0
    restarts: int = 0
    shown: dict[str, Shown] = field(default_factory=dict)
    """What the rollouts show of the mode that they were asked for, by mode."""
    leaking: int = 0
    """Think-off responses that the selection refused for thinking."""
    failures: dict[str, str] = field(default_factory=dict)
    """Error by node."""
    damaged: list[str] = field(default_factory=list)
    """Files that were found damaged, by their paths within the run directory; each was moved aside."""

    def after(self, earlier: "Outcome") -> None:
        """Adds what was done before damaged files were found, by the same command."""
        for folder, nodes in earlier.ran.items():
            self.ran[folder] = self.ran.get(folder, 0) + nodes
            self.seconds[folder] = self.seconds.get(folder, 0.0) + earlier.seconds.get(folder, 0.0)
        self.sampling_seconds += earlier.sampling_seconds
        self.sampled += earlier.sampled
        self.reused += earlier.reused
        self.lost += earlier.lost
        self.tokens += earlier.tokens
        self.restarts += earlier.restarts
