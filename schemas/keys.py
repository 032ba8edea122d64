"""Identities and seeds. Everything that must not depend on the order of work is derived from a key here."""

import hashlib
import json
import re
import unicodedata
from typing import Any

_SPACE = re.compile(r"\s+")
_SCRIPTS = {"<super>": "^", "<sub>": "_"}


def normalise_question(question: str) -> str:
    """The question as identity sees it: NFKC, lower case, runs of white space as one space, no space at the ends.

    Raised and lowered characters get a `^` or `_` first, since NFKC alone would make 2² and 22 one question.
    """
    marked = question if question.isascii() else _mark_scripts(question)
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", marked)).strip().lower()


def _mark_scripts(text: str) -> str:
    """A `^` before each run of superscripts, a `_` before each of subscripts, a space where a digit follows a run."""
    marked, before = [], ""
    for char in text:
        mark = _SCRIPTS.get(unicodedata.decomposition(char).partition(" ")[0], "")
        ends = before and not mark and char.isdecimal()
        marked += [" " if ends else mark if mark != before else "", char]
        before = mark
    return "".join(marked)


def problem_id(question: str) -> str:
    """128 bits of SHA-256 over the normalised question, as 32 hex digits: one id whatever the source."""
    return hashlib.sha256(normalise_question(question).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def digest(*parts: Any) -> str:
    """SHA-256 (64 hex digits) over the canonical JSON of `parts`; parts must be JSON-serialisable."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def seed_of(run_seed: int, *key: Any) -> int:
    """A sampling seed in [0, 2**31), a function of the run's seed and the key alone."""
    return int(digest(run_seed, *key)[:8], 16) >> 1


def shard_of(problem_id: str, bits: int) -> int:
    """The shard of a problem: the top `bits` bits of its id, so that twice the shards split each one in two."""
    return int(problem_id[:8], 16) >> (32 - bits)
