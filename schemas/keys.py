"""Identities and seeds. Everything that must not depend on the order of work is derived from a key here."""

import hashlib
import json
import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

import polars as pl
import polars_hash  # noqa: F401 (gives expressions `chash`)

from schemas.text import valid_unicode


def normalise_questions(questions: pl.Series) -> pl.Series:
    """Questions as identity sees them: NFKC, lower case, runs of white space as one space, no space at the ends.

    Raised and lowered characters get a `^` or `_` first, since NFKC alone would make 2² and 22 one question.
    """
    beyond_ascii = (questions.str.len_bytes() != questions.str.len_chars()).arg_true()
    if len(beyond_ascii):
        composed = _composed(questions.gather(beyond_ascii))
        questions = questions.clone().scatter(beyond_ascii, _spaced(composed))
    # Line ends and then what is rare are looked for as plain bytes, which is ten times as fast as by their class.
    questions = questions.str.replace_all("\n", " ", literal=True)
    unusual = (questions.str.contains("  ", literal=True) | questions.str.contains(r"[\t\x0b\x0c\r]")).arg_true()
    if len(unusual):
        questions = questions.scatter(unusual, _spaced(questions.gather(unusual)))
    return questions.str.strip_chars().str.to_lowercase()


def _spaced(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all(r"\s{2,}|[^\S ]", " ")


def _composed(texts: pl.Series) -> pl.Series:
    """NFKC, with a mark before each run of raised or lowered characters and a space where a digit follows one."""
    raised, lowered = _scripts()
    scripted = texts.str.contains(f"{raised}|{lowered}").arg_true()
    if len(scripted):
        marked = (
            texts.gather(scripted)
            .str.replace_all(f"({raised}|{lowered})(\\p{{Nd}})", "$1 $2")
            .str.replace_all(f"({raised}+)", "^$1")
            .str.replace_all(f"({lowered}+)", "_$1")
        )
        texts = texts.clone().scatter(scripted, marked)
    return texts.str.normalize("NFKC")


@cache
def _scripts() -> tuple[str, str]:
    """Character classes of the raised and of the lowered characters."""
    every = map(chr, range(0x20000))  # there are none beyond
    scripts = [(c, found) for c in every if (found := unicodedata.decomposition(c)).startswith("<su")]
    raised, lowered = ("".join(c for c, found in scripts if found.startswith(tag)) for tag in ("<super>", "<sub>"))
    return f"[{re.escape(raised)}]", f"[{re.escape(lowered)}]"


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
