"""What decides without a model: trial answers that agree, and thinking that repeats itself.

Decided here, with no source: trial answers agree that are the same text but for white space; runs are of five words; a
piece that repeats is taken back once, since another seed may lead out of a loop, and ends the thinking where the one in
its place repeats as well, or where it may be taken back no more.
"""

from collections.abc import Sequence

from hipo_data.stages.sample.control.piece import GO_ON, Action, Piece

RUN = 5
"""Words."""


def by_agreement(pieces: Sequence[Piece], agree: int) -> Action:
    """Stops once the last `agree` trials gave the same answer."""
    last = [piece.trial for piece in pieces[-agree:]]
    if len(last) == agree and last[0] is not None and all(each == last[0] for each in last):
        return Action("stop", "agreement")
    return GO_ON


def by_repetition(pieces: Sequence[Piece], share: float, again: bool) -> Action:
    """Takes the last piece back where at least `share` of its runs of words stood before, or stops.

    Args:
        pieces: the thinking so far.
        share: from which on a piece repeats.
        again: whether the piece before it in this place was taken back already, or none may be.
    """
    if repeated(pieces) < share:
        return GO_ON
    return Action("stop", "repetition") if again else Action("take back", "repetition", len(pieces) - 1)


def repeated(pieces: Sequence[Piece]) -> float:
    """The share of the last piece's runs of words that stand in the thinking before it; 0 where it has none."""
    before = _runs("".join(piece.text for piece in pieces[:-1]))
    own = _runs(pieces[-1].text)
    seen = set(before)
    return sum(run in seen for run in own) / len(own) if own else 0.0


def _runs(text: str) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[place : place + RUN]) for place in range(len(words) - RUN + 1)]
