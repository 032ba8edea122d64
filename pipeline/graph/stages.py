"""The stages by name, in order; a module of its own so that the command line's help needs nothing heavy."""

from collections.abc import Sequence

from hipo_data.schemas.errors import UserError

STAGES = ["ingest", "sample", "verify", "select", "justify", "publish"]


def stages_named(names: Sequence[str] | None) -> list[str]:
    """The stages that are meant, in their order: all for none or `all`; a name may be several with commas.

    Raises `UserError` for a name that is none.
    """
    names = [name for given in names or ["all"] for name in given.split(",")]
    unknown = [name for name in names if name not in [*STAGES, "all"]]
    if unknown:
        raise UserError(f"there is no stage '{unknown[0]}'; choose from {', '.join(STAGES)} or all")
    return STAGES if "all" in names else [name for name in STAGES if name in names]
