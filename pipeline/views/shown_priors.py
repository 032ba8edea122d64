"""What the uncertainty of a run's decisions is told by: those that they were made under, or ones fitted for it."""

from hipo_data.pipeline.views.run_files import RunFiles, read_priors
from hipo_data.stages.select.pair_counts import added, decided_cells, with_source
from hipo_data.stages.select.prior import SHOWN_STEPS, Priors, fit


def shown_priors(files: RunFiles) -> Priors:
    """Under `select.rule: posterior` the run's; under any other rule fitted to the counts of its decisions, shard by
    shard; the weak one where that are too few."""
    known = read_priors(files)
    if known is not None:
        return known
    counted = None
    for shard in files.shards:
        problems, decisions = files.scan("ingest", shards=[shard]), files.scan("select", shards=[shard])
        if problems is None or decisions is None:
            continue
        found = decided_cells(with_source(problems), decisions).collect()
        counted = found if counted is None else added([counted, found])
    return Priors.weak() if counted is None else Priors(tuple(fit(counted, SHOWN_STEPS)))
