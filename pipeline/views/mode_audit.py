"""What the rollouts of a run show of their modes, from the counts in its manifests."""

from collections.abc import Collection

from hipo_data.pipeline.views.failures import shown_by_mode
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.stages.sample.audit import Audit, audit
from hipo_data.stages.select.leaking import LEAKING


def mode_audit(files: RunFiles, shards: Collection[str] | None = None) -> Audit:
    """The audit of a run, or of some of its shards."""
    own = {
        name: manifest
        for name, manifest in files.manifests.items()
        if shards is None or name.partition("/")[2] in shards
    }
    selected = [manifest.counts.get(LEAKING, 0) for name, manifest in own.items() if name.startswith("select/")]
    refuses = files.config.select.refuses_leaks
    return audit(
        shown_by_mode(own, files.config.roles.dear_first),
        files.config.check,
        sum(selected) if refuses else None,
        lengths_of(files.config).unit,
    )
