"""Near-duplicates: questions that are the same but for some words.

Candidates come from MinHash signatures cut into bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
chapter 3), and are then compared by the exact Jaccard similarity of their word shingles. Numbers, signs and marks (see
`texts.words`) must be the same on both sides: "the sum of the first 20 integers" is no duplicate of "the sum of the
first 30 integers". They are part of each band, so that problems made from one template never become candidates.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
import rensa

from hipo_data.schemas.config import NearDuplicates
from hipo_data.schemas.records import Kind
from hipo_data.stages.texts.ngrams import RunHashes
from hipo_data.stages.texts.words import Hashes, Indices, Tokens, blocks, tokens, words

BANDS = pl.Schema({"row": pl.UInt32, "band": pl.UInt64})
PAIRS = pl.Schema({"a": pl.UInt32, "b": pl.UInt32})
VERIFIED = pl.Schema({"a": pl.UInt32, "b": pl.UInt32, "similarity": pl.Float64, "same_gold": pl.Boolean})
CLUSTERS = pl.Schema({"row": pl.UInt32, "representative": pl.UInt32})

_RECALL = 0.9
_SEED = 1
_SKETCHED_TOGETHER = 500  # more, and most of the time goes to memory for the lists that rensa returns
_NEIGHBOURS = 16
_PAIRS_TOGETHER = 20_000
_MIXER = np.uint64(0xD6E8FEB86659FD93)

_EXACT = (
    set("-/^|+=<>")
    | {"<=", ">=", "!=", "=="}
    | {"sqrt", "log", "ln", "exp", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan"}
    | {"gcd", "lcm", "mod", "max", "min", "pm", "cup", "cap"}
    | {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
    | {"twenty", "thirty", "forty", "fifty", "sixty", "hundred", "thousand", "million", "billion", "dozen"}
    | {"half", "third", "quarter", "fifth", "twice", "double", "triple"}
)
"""Tokens besides numbers that must agree."""


def banding(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and rows a band: as many rows as find a pair at the threshold nine times in ten.

    A pair of similarity s shares a band of r rows with probability s^r, and one of b bands with 1 - (1 - s^r)^b.
    """
    enough = [
        rows for rows in range(1, permutations + 1) if 1 - (1 - threshold**rows) ** (permutations // rows) >= _RECALL
    ]
    rows = max(enough, default=1)
    return permutations // rows, rows


def bands(questions: pl.Series, config: NearDuplicates) -> pl.DataFrame:
    """What questions must have in common to be compared.

    Returns:
        Columns of `BANDS`: for each question that has words, in order, its `row` (index in `questions`) with the hash
        of each of its bands. Hashes are the same in every process.
    """
    count, rows = banding(config.lowest, config.permutations)
    made = [pl.DataFrame(schema=BANDS)]
    for first, block in blocks(questions):
        found = tokens(block)
        shingles, starts = _shingles(found, config.shingle_words)
        signatures = _signatures(shingles, starts, count * rows).reshape(len(block), count, rows).astype(np.uint64)
        weights = np.random.default_rng(_SEED).integers(2**64, size=(count, rows), dtype=np.uint64) | np.uint64(1)
        hashes = (signatures * weights).sum(axis=2) + _exact(found)[:, None] * _MIXER
        some = np.flatnonzero(np.diff(starts))
        columns = {"row": np.repeat(first + some, count), "band": _mixed(hashes[some]).ravel()}
        made.append(pl.DataFrame(columns, schema=BANDS))
    return pl.concat(made)


def candidate_pairs(found: pl.DataFrame) -> pl.DataFrame:
    """Rows that share a band.

    In a bucket of more than 17 rows not every pair becomes a candidate, so that work grows with the rows and not their
    square: each row is paired with the smallest of the bucket and with the 16 after it. All agree in numbers and signs,
    so most are copies of the smallest, and `through_representatives` joins those. What is given up are rows that are
    like each other and not like the smallest, and stand further apart.

    Args:
        found: columns of `BANDS`, all rows that have one of the bands in it, in any order.

    Returns:
        Columns of `PAIRS`: `a` < `b`, each pair once, in order.
    """
    ordered = found.select("band", "row").unique().sort("band", "row")
    band, row = ordered["band"].to_numpy(), ordered["row"].to_numpy()
    firsts = np.searchsorted(band, band)
    pairs = [np.stack([row[firsts], row])[:, firsts < np.arange(len(row)) - _NEIGHBOURS]]
    for apart in range(1, _NEIGHBOURS + 1):
        same = band[:-apart] == band[apart:]
        pairs.append(np.stack([row[:-apart][same], row[apart:][same]]))
    a, b = np.concatenate(pairs, axis=1)
    return pl.DataFrame({"a": a, "b": b}, schema=PAIRS).unique().sort("a", "b")


def verify(pairs: pl.DataFrame, problems: pl.DataFrame, config: NearDuplicates) -> pl.DataFrame:
    """Those pairs that are near-duplicates: similar enough, with the same numbers, signs and marks.

    Args:
        pairs: columns of `PAIRS`.
        problems: columns `row`, `question`, `gold` (text) and, where `config` names no threshold, `kind` of at least
            the rows in `pairs`, in any order. Of two kinds the higher threshold holds.
        config: threshold and words a shingle. Questions of fewer words are one shingle, so only equal ones are similar.

    Returns:
        Columns of `VERIFIED`, in order of `a` and `b`. `same_gold` is false also where a gold is null: such questions
        are alike but must not be taken for one problem.

    Raises:
        ValueError: a row of `pairs` is not in `problems`.
    """
    ordered = problems.sort("row")
    known = ordered["row"].to_numpy()
    least = _least(ordered, config)
    made = [pl.DataFrame(schema=VERIFIED)]
    for some in pairs.sort("a", "b").iter_slices(_PAIRS_TOGETHER):
        rows = np.unique(np.concatenate([some["a"].to_numpy(), some["b"].to_numpy()]))
        at = np.searchsorted(known, rows)
        missing = np.setdiff1d(rows, known)
        if len(missing):
            raise ValueError(
                f"row {missing[0]} of the pairs is not in the table of problems; pass all that have a pair"
            )
        texts = ordered[at]
        a, b = np.searchsorted(rows, some["a"].to_numpy()), np.searchsorted(rows, some["b"].to_numpy())
        found = tokens(texts["question"])
        exact = _exact(found)
        similarity = _similarity(*_shingles(found, config.shingle_words), a, b)
        golds = texts["gold"]
        made.append(
            some.select(PAIRS.names())
            .with_columns(
                similarity=pl.Series(similarity), same_gold=(golds.gather(a) == golds.gather(b)).fill_null(False)
            )
            .filter(pl.Series((similarity >= np.maximum(least[at][a], least[at][b])) & (exact[a] == exact[b])))
        )
    return pl.concat(made)


def _least(problems: pl.DataFrame, config: NearDuplicates) -> npt.NDArray[np.float64]:
    """The threshold of each problem."""
    if config.threshold is not None:
        return np.full(len(problems), config.threshold)
    of_kind = {kind.value: config.least(kind) for kind in Kind}
    kinds = problems["kind"].cast(pl.String)
    return kinds.replace_strict(of_kind, return_dtype=pl.Float64).to_numpy()


def clusters(verified: pl.DataFrame) -> pl.DataFrame:
    """Which row stands for which others.

    Clusters are stars: each member is itself verified to be like its representative and has the same gold, so that no
    chain of small changes joins questions that differ much. The smallest row that no smaller one stands for becomes a
    representative, and takes all those like it that are not taken yet.

    Args:
        verified: columns of `VERIFIED`, of all pairs.

    Returns:
        Columns of `CLUSTERS`, by row; rows that stand for themselves are left out.
    """
    same = verified.filter("same_gold").select("a", "b").sort("a", "b")
    representatives: dict[int, int] = {}
    for a, b in same.iter_rows():
        if a not in representatives and b not in representatives:
            representatives[b] = a
    return pl.DataFrame(sorted(representatives.items()), schema=CLUSTERS, orient="row")


def through_representatives(pairs: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """Further candidates: where a row has a representative, that one in its place.

    In a crowded bucket all rows are paired with one, which need not be the one that represents it. Verify these pairs
    too, and cluster again by all that was verified.

    Args:
        pairs: columns of `PAIRS`, the candidates so far.
        merged: columns of `CLUSTERS`.

    Returns:
        Columns of `PAIRS`, in order; none of `pairs`.
    """
    a, b = pl.col("a"), pl.col("b")
    of_a, of_b = (end.replace(merged["row"], merged["representative"]) for end in (a, b))
    moved = [
        pairs.select(a=pl.min_horizontal(one, other), b=pl.max_horizontal(one, other))
        for one, other in ((of_a, b), (a, of_b), (of_a, of_b))
    ]
    return pl.concat(moved).filter(a < b).unique().join(pairs, on=["a", "b"], how="anti").sort("a", "b")


def _shingles(found: Tokens, n: int) -> tuple[Hashes, Indices]:
    """Hashes of the word shingles of all questions, and where those of each begin; a shorter question is one."""
    found = words(found)
    runs = RunHashes(found)
    hashes, questions = runs.of_length(n)
    short = np.flatnonzero((found.counts > 0) & (found.counts < n))
    questions = np.concatenate([questions, short])
    order = np.argsort(questions, kind="stable")
    hashes = np.concatenate([hashes, runs.of_questions()[short]])[order]
    return hashes, np.searchsorted(questions[order], np.arange(len(found.counts) + 1))


def _exact(found: Tokens) -> Hashes:
    """One hash a question of the numbers, signs and marks in it, each as often as it comes, in whatever order."""
    kept = found.flat.str.contains(r"^\d") | found.flat.is_in(list(_EXACT))
    exact = found.where(kept.to_numpy())
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_mixed(exact.hashes()))])
    total: Hashes = sums[exact.starts[1:]] - sums[exact.starts[:-1]]
    return total


def _signatures(shingles: Hashes, starts: Indices, permutations: int) -> npt.NDArray[np.uint32]:
    """MinHash signatures, questions × permutations."""
    made = np.empty((len(starts) - 1, permutations), dtype=np.uint32)
    for first in range(0, len(made), _SKETCHED_TOGETHER):
        part = starts[first : first + _SKETCHED_TOGETHER + 1]
        matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
            shingles[part[0] : part[-1]], (part - part[0]).astype(np.uint64), permutations, _SEED
        )
        made[first : first + _SKETCHED_TOGETHER] = matrix.to_rows()
    return made


def _similarity(shingles: Hashes, starts: Indices, a: Indices, b: Indices) -> npt.NDArray[np.float64]:
    """Jaccard similarity of the sets of shingles of questions `a[i]` and `b[i]`."""
    names = np.unique(shingles, return_inverse=True)[1].astype(np.uint64)
    owners = np.repeat(np.arange(len(starts) - 1, dtype=np.uint64), np.diff(starts))
    members = np.unique((owners << np.uint64(32)) | names)
    ends = np.searchsorted(members >> np.uint64(32), np.arange(len(starts)))
    sizes = np.diff(ends)
    both = np.sort(np.concatenate([_named(members, ends, a), _named(members, ends, b)]))
    shared = np.bincount((both[:-1] >> np.uint64(32))[both[1:] == both[:-1]].astype(np.int64), minlength=len(a))
    together = sizes[a] + sizes[b] - shared
    similarity: npt.NDArray[np.float64] = shared / np.maximum(together, 1)
    return similarity


def _named(members: Hashes, ends: Indices, questions: Indices) -> Hashes:
    """The shingles of each question in turn, under its place in `questions` instead of its own."""
    counts = ends[questions + 1] - ends[questions]
    places = np.repeat(np.arange(len(questions), dtype=np.uint64), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    names = members[np.repeat(ends[questions], counts) + within] & np.uint64(2**32 - 1)
    named: Hashes = (places << np.uint64(32)) | names
    return named


def _mixed(hashes: Hashes) -> Hashes:
    """Hashes whose every bit depends on all bits of the given ones."""
    mixed: Hashes = (hashes ^ (hashes >> np.uint64(32))) * _MIXER
    mixed ^= mixed >> np.uint64(32)
    return mixed
