"""Counts with their noun."""


def counted(number: int, noun: str, several: str | None = None) -> str:
    """`1 piece`, `1,200 pieces`; `several` is the noun of more than one where that is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
