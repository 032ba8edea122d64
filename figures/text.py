"""Numbers as people read them; what is not known is a dash."""

NOTHING = "–"


def percent(share: float | None) -> str:
    """`0.625` as `62.5 %`."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def number(value: float | None, digits: int = 1) -> str:
    """With thousands marked, by default with one decimal as a mean has."""
    return NOTHING if value is None else f"{value:,.{digits}f}"
