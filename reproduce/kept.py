"""Steps whose results are kept: one JSON a step, with a fingerprint of all that it was made from."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def fingerprint_of(settings: Any) -> str:
    """Digest of settings, which are JSON, the fingerprints of earlier steps among them."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def kept(folder: Path, name: str, fingerprint: str) -> Any:
    """The result of a step made from the same settings, or null."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["result"] if found["fingerprint"] == fingerprint else None


def outdated(folder: Path, name: str, fingerprint: str) -> bool:
    """Whether a step has a result that was made from other settings."""
    return (folder / f"{name}.json").exists() and kept(folder, name, fingerprint) is None


def keep(folder: Path, name: str, fingerprint: str, make: Callable[[], Any]) -> Any:
    """The kept result of a step, or what `make` returns, which must not be null, kept for the next time."""
    found = kept(folder, name, fingerprint)
    if found is not None:
        return found
    started = time.monotonic()
    result = make()
    record = {"fingerprint": fingerprint, "seconds": round(time.monotonic() - started, 1), "result": result}
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{name}.new"
    aside.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    aside.replace(folder / f"{name}.json")
    return result
