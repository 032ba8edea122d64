"""Identities and seeds. Everything that must not depend on the order of work is derived from a key here."""

import hashlib
import json
from functools import lru_cache
from typing import Any

import polars as pl
import polars_hash  # noqa: F401 (gives expressions `chash`)

from hipo_data.schemas.text import valid_unicode

_RAISED = (
    r"[\x{AA}\x{B2}\x{B3}\x{B9}\x{BA}\x{2B0}-\x{2B8}\x{2E0}-\x{2E4}\x{10FC}\x{1D2C}-\x{1D2E}\x{1D30}-\x{1D3A}"
    r"\x{1D3C}-\x{1D4D}\x{1D4F}-\x{1D61}\x{1D78}\x{1D9B}-\x{1DBF}\x{2070}\x{2071}\x{2074}-\x{207F}\x{2120}\x{2122}"
    r"\x{2C7D}\x{2D6F}\x{3192}-\x{319F}\x{A69C}\x{A69D}\x{A770}\x{A7F2}-\x{A7F4}\x{A7F8}\x{A7F9}\x{AB5C}-\x{AB5F}"
    r"\x{AB69}\x{10781}-\x{10785}\x{10787}-\x{107B0}\x{107B2}-\x{107BA}\x{1F16A}-\x{1F16C}]"
)
_LOWERED = r"[\x{1D62}-\x{1D6A}\x{2080}-\x{208E}\x{2090}-\x{209C}\x{2C7C}]"
"""What decomposes as `<super>` and as `<sub>` in Unicode 14; ids must not change with the version of Python."""

_SETTLED = (
    r"\x00-\x{9F}\x{A1}-\x{A7}\x{A9}\x{AB}-\x{AE}\x{B0}\x{B1}\x{B6}\x{B7}\x{BB}\x{BF}-\x{131}\x{134}-\x{13E}"
    r"\x{391}-\x{3A1}\x{3A3}-\x{3CF}\x{400}-\x{482}\x{48A}-\x{52F}\x{2010}\x{2012}-\x{2016}\x{2018}-\x{2023}"
    r"\x{2030}-\x{2032}\x{2190}-\x{222B}\x{2231}-\x{2328}\x{25A0}-\x{2A0B}\x{3001}-\x{3029}\x{3041}-\x{3096}"
    r"\x{30A1}-\x{30FA}\x{4E00}-\x{9FA5}\x{AC00}-\x{D7A3}"
)
"""Frequent characters that NFKC leaves as they are, whichever of them stand beside each other."""


def normalise_questions(questions: pl.Series) -> pl.Series:
    """Questions as identity sees them: NFKC, lower case, runs of white space as one space, no space at the ends.

    Raised and lowered characters get a `^` or `_` first, since NFKC alone would make 2² and 22 one question.
    """
    beyond_ascii = (questions.str.len_bytes() != questions.str.len_chars()).arg_true()
    if len(beyond_ascii):
        spaced = _composed(questions.gather(beyond_ascii)).str.replace_all(r"\s{2,}|[^\S ]", " ")
        questions = questions.clone().scatter(beyond_ascii, spaced)
    # What is left to space is ASCII. Plain bytes are found and replaced several times as fast as patterns.
    questions = questions.str.replace_all("\n", " ", literal=True)
    questions = _replaced(questions, r"[\t\x0b\x0c\r]", " ")
    return _single_spaced(questions).str.strip_chars().str.to_lowercase()


def _replaced(texts: pl.Series, pattern: str, by: str) -> pl.Series:
    at = texts.str.contains(pattern).arg_true()
    return texts.scatter(at, texts.gather(at).str.replace_all(pattern, by)) if len(at) else texts


def _single_spaced(texts: pl.Series) -> pl.Series:
    """Each pass halves the runs of spaces of the texts that have any."""
    at = texts.str.contains("  ", literal=True).arg_true()
    if at.is_empty():
        return texts
    return texts.scatter(at, _single_spaced(texts.gather(at).str.replace_all("  ", " ", literal=True)))


def _composed(texts: pl.Series) -> pl.Series:
    """NFKC, with a mark before each run of raised or lowered characters and a space where a digit follows one."""
    unsettled = texts.str.contains(f"[^{_SETTLED}]").arg_true()
    if unsettled.is_empty():
        return texts
    found = texts.gather(unsettled)
    found = _replaced(found, f"({_RAISED}|{_LOWERED})(\\p{{Nd}})", "$1 $2")
    found = _replaced(_replaced(found, f"({_RAISED}+)", "^$1"), f"({_LOWERED}+)", "_$1")
    return texts.scatter(unsettled, found.str.normalize("NFKC"))


def problem_ids(questions: pl.Series) -> pl.Series:
    """128 bits of SHA-256 over normalised questions, as 32 hex digits: one id whatever the source."""
    frame = normalise_questions(questions).alias("q").to_frame()
    return frame.select(_sha256(pl.col("q")).str.head(32)).to_series().alias("problem_id")


def _sha256(text: pl.Expr) -> pl.Expr:
    hashed: pl.Expr = text.chash.sha2_256()  # type: ignore[attr-defined]  # polars_hash registers it
    return hashed


def normalise_question(question: str) -> str:
    """`normalise_questions` of one question."""
    text: str = normalise_questions(pl.Series([valid_unicode(question)])).item()
    return text


@lru_cache(maxsize=2**16)
def problem_id(question: str) -> str:
    """`problem_ids` of one question."""
    key: str = problem_ids(pl.Series([valid_unicode(question)])).item()
    return key


def digest(*parts: Any) -> str:
    """SHA-256 (64 hex digits) over the canonical JSON of `parts`; parts must be JSON-serialisable."""
    return digest_of(canonical(*parts))


def canonical(*parts: Any) -> str:
    """Parts as `digest` writes them, without the brackets around: what many digests share is written once."""
    return json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))[1:-1]


def digest_of(text: str) -> str:
    """`digest` of parts that `canonical` has written, joined by commas."""
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()


def seed_of(run_seed: int, *key: Any) -> int:
    """A sampling seed in [0, 2**31), a function of the run's seed and the key alone."""
    return seed_from(digest(run_seed, *key))


def seed_from(hashed: str) -> int:
    """The seed that a digest stands for."""
    return int(hashed[:8], 16) >> 1


def seeds(run_seed: int, name: str, key: pl.Expr) -> pl.Expr:
    """`seed_of(run_seed, name, key)` of many keys that are plain text."""
    text = pl.format(f'[{run_seed},"{name}","{{}}"]', key)
    return _sha256(text).str.head(8).str.to_integer(base=16) // 2


def shard_of(problem_id: str, bits: int) -> int:
    """The shard of a problem: the top `bits` bits of its id, so that twice the shards split each one in two."""
    return int(problem_id[:8], 16) >> (32 - bits)
