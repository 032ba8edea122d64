"""Time limits measured against a program that is known to be right, on the machine that grades.

A slow machine slows the reference as well, so that right programs do not become wrong there. The reference runs only
when a program has exceeded the configured limit, once for each gold.
"""

from collections import OrderedDict
from dataclasses import replace
from threading import Lock

from hipo_data.graders.code.judge import judge
from hipo_data.graders.sandbox.interface import Sandbox
from hipo_data.graders.sandbox.run import Limits
from hipo_data.schemas.gold import CodeGold
from hipo_data.schemas.records import Status

OUT_OF_TIME = ("time_limit", "too_long")
_PATIENCE = 10
"""The reference itself may use this many times the configured limit."""
_REMEMBERED = 1000


class ReferenceTimes:
    """How long the references of golds take; safe to call from several threads."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._known: OrderedDict[tuple[str, str], float | None] = OrderedDict()
        self._lock = Lock()

    def allowed(self, box: Sandbox, limits: Limits, gold: CodeGold, question: str) -> Limits | None:
        """The limits of a program under `gold`, not below `limits`; None where the reference, too, is out of time.

        Raises `SandboxBroken` and `SandboxUnavailable`.
        """
        key = gold.model_dump_json(), question
        with self._lock:
            known = key in self._known
            measured = self._known.get(key)
        if not known:
            measured = self._measure(box, limits, gold, question)
            with self._lock:
                self._known[key] = measured
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return None if measured is None else replace(limits, cpu_s=max(limits.cpu_s, self._factor * measured))

    def _measure(self, box: Sandbox, limits: Limits, gold: CodeGold, question: str) -> float | None:
        """CPU seconds of the reference's slowest test; 0 where it fails them, which says nothing of time."""
        patient = replace(limits, cpu_s=_PATIENCE * limits.cpu_s)
        outcome = judge(box, patient, gold, gold.reference or "", question)
        if outcome.reason in OUT_OF_TIME or outcome.status is Status.UNKNOWN:
            return None
        return outcome.slowest_s if outcome.status is Status.CORRECT else 0.0
