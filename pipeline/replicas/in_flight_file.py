"""Which prompts an engine has in flight, in a file that outlives its process.

When an engine dies, these are the ones that may have killed it. The driver hands the next engine how often each was
under way as one died, and that one lets suspects in a few at a time, then one at a time, until it is clear.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from hipo_data.engines.base import EngineDeadError

AT_ONCE = {1: 8, 2: 1}
"""Suspects let in together, by the number of deaths."""
GIVEN_UP_AFTER = 3
"""Deaths after which a prompt is not asked again; at the last one it was the only suspect under way."""

_REWRITE_LINES = 10_000


class InFlightFile:
    """The file. Lines are `+key` and `-key`; the system keeps what was written when the process is killed."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._keys: Counter[str] = Counter()
        self._lines = 0
        self._frozen = False

    @cached_property
    def _file(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)

    @contextmanager
    def request(self, key: str) -> Iterator[None]:
        """A request is under way. Once one finds the engine dead, what comes back was under way as it died."""
        self.begin(key)
        try:
            yield
        except EngineDeadError:
            self._frozen = True
            raise
        finally:
            self.end(key)

    def begin(self, key: str) -> None:
        """A request of this key goes to the engine."""
        self._keys[key] += 1
        self._write(f"+{key}\n")

    def end(self, key: str) -> None:
        """It came back."""
        if not self._frozen:
            self._keys[key] -= 1
            self._write(f"-{key}\n")

    def close(self) -> None:
        """Nothing is under way, and nothing died."""
        if self._lines:
            os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        self._lines += 1
        if self._lines > _REWRITE_LINES:
            self._lines = 0
            self._keys = +self._keys
            os.ftruncate(self._file, 0)
            line = "".join(f"+{key}\n" for key in self._keys.elements())
        os.write(self._file, line.encode())


def read_in_flight(path: Path) -> set[str]:
    """The keys that were under way when the file's process died; none where there is no file."""
    keys: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        keys[line[1:]] += 1 if line.startswith("+") else -1
    return {key for key, count in keys.items() if count > 0}
