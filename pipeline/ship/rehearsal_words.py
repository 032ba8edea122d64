"""What a push would do, for people."""

from hipo_data.figures.plural import counted
from hipo_data.pipeline.ship.push import Rehearsal


def in_words(found: Rehearsal) -> str:
    """Where to, then a line a file: what would become of it, its bytes, its path; and the sums."""
    kind = "private" if found.private else "public"
    there = f"there, {kind}, at commit {found.commit[:12]}" if found.commit else f"not there yet, and made {kind}"
    groups = {"new": found.new, "changed": found.changed, "same": found.same}
    lines = [f"{what:<8} {size:>13,}  {path}" for what, files in groups.items() for path, size in files.items()]
    lines += [f"{'removed':<8} {'':>13}  {path}" for path in found.removed]
    sums = f"would upload {counted(len(found.new) + len(found.changed), 'file')} ({found.uploaded / 1e6:.1f} MB)"
    besides = [f"{len(found.same)} are there already"] * bool(found.same)
    besides += [f"{len(found.removed)} old ones would be removed"] * bool(found.removed)
    return "\n".join([f"{found.address}: {there}", *lines, f"{', '.join([sums, *besides])}; nothing was uploaded"])
