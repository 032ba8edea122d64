"""Decontamination: finds questions that hold the text of an evaluation question.

The measure is coverage, as in Tülu 3 (arXiv 2411.15124) and Llama 3 (arXiv 2407.21783): the share of the evaluation
question's words that lie in n-grams which the other question has too. One shared n-gram is no evidence, for problems
share wording such as "where m and n are relatively prime positive integers".
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hipo_data.schemas.config import Decontamination
from hipo_data.stages.texts.ngrams import Members, RunHashes
from hipo_data.stages.texts.words import MARKS, Indices, Tokens, blocks, tokens, without_figures, words

HITS = pl.Schema({"row": pl.UInt32, "set": pl.String, "item": pl.UInt32, "coverage": pl.Float64, "span": pl.String})
_SPAN_CHARS = 300
_WORDING = 8
_EVIDENCE_WORDS = 15
_NUMBERS_A_CHANGE = 20

Gram = tuple[str, ...]


class EvaluationIndex:
    """Evaluation questions, ready to be looked for in many others.

    A question is contaminated by an evaluation question of n or more words if

    - n-grams that both have cover at least `coverage` of the latter's words, and 15 of them or all, and
    - at most one in twenty of its numbers was changed in that place: "the sum of the first 30 odd integers" is not
      contaminated by "the sum of the first 20 odd integers".

    n-grams that more than eight evaluation questions have are wording. Words that lie in no other n-gram do not count,
    neither as covered nor among all.

    An evaluation question of fewer words contaminates only what is equal to it, word for word and mark for mark (see
    `stages.texts.words`), for "Compute sin 60°" is a part of many other problems.

    Figures in Asymptote code do not count, unless an evaluation question has fewer than n words without them.
    """

    def __init__(self, questions: Iterable[tuple[str, int, str]], config: Decontamination) -> None:
        """Takes the name of the set, the row in it, and the text of each evaluation question."""
        listed = list(questions)
        texts = pl.Series([text for *_, text in listed], dtype=pl.String)
        bare = without_figures(texts)
        texts = bare.zip_with(pl.Series(words(tokens(bare)).counts >= config.n, dtype=pl.Boolean), texts)
        self._names = [(name, row) for name, row, _ in listed]
        self._coverage = config.coverage
        self._n = config.n
        self._tokens = tokens(texts)
        self._words = words(self._tokens)
        self._grams = _GramIndex(self._words, config.n)
        self._short = np.flatnonzero((self._grams.coverable == 0) & (self._words.counts > 0))
        self._short_hashes = RunHashes(self._words).of_questions()[self._short]
        self._is_short = Members(self._short_hashes)
        self._places: dict[int, dict[Gram, list[int]]] = {}

    def hits(self, questions: pl.Series) -> pl.DataFrame:
        """The contaminated questions.

        Returns:
            Columns of `HITS`: `row` (index in `questions`, ascending, each at most once), `set` and `item` of the
            evaluation question that is covered most, that `coverage`, in (0, 1], and `span`, the longest run of words
            that the two share, as normalised words, cut at 300 characters.
        """
        rows = [
            (first + row, *self._names[item], coverage, span[:_SPAN_CHARS])
            for first, block in blocks(questions)
            for row, item, coverage, span in self._best(block)
        ]
        return pl.DataFrame(rows, schema=HITS, orient="row")

    def _best(self, questions: pl.Series) -> Iterator[tuple[int, int, float, str]]:
        found = tokens(questions)
        found_words = words(found)
        runs = RunHashes(found_words)
        matches = list(self._equal(found, found_words, runs))
        for row, item in self._grams.candidates(runs, self._coverage):
            covered, span = self._match(found_words.of(row), item)
            total = int(self._grams.coverable[item])
            if _is_enough(covered, total, self._coverage):
                matches.append((row, item, covered / total, span))
        matches.sort(key=lambda match: (match[0], -match[2], -self._words.counts[match[1]], match[1]))
        return (match for at, match in enumerate(matches) if at == 0 or matches[at - 1][0] != match[0])

    def _equal(self, found: Tokens, found_words: Tokens, runs: RunHashes) -> Iterator[tuple[int, int, float, str]]:
        whole = runs.of_questions()
        for row in self._is_short.find(whole)[0].tolist():
            question = found_words.of(row)
            for item in self._short[self._short_hashes == whole[row]].tolist():
                if question == self._words.of(item) and _marks(found.of(row)) == _marks(self._tokens.of(item)):
                    yield row, item, 1.0, " ".join(question)

    def _match(self, question: list[str], item: int) -> tuple[int, str]:
        """Covered words and longest shared run, by the words themselves; nothing is covered where numbers changed."""
        places = self._places_of(item)
        shared = [(place, gram) for place, gram in enumerate(_grams(question, self._n)) if gram in places]
        if not shared:
            return 0, ""
        (first, first_gram), (last, last_gram) = shared[0], shared[-1]
        own = self._words.of(item)
        before, after = min(places[first_gram]), len(own) - max(places[last_gram])
        if _numbers_changed(own, question[max(0, first - before) : last + after]):
            return 0, ""
        covered = {at + i for gram in {gram for _, gram in shared} for at in places[gram] for i in range(self._n)}
        run = _longest_run([place for place, _ in shared], self._n)
        return len(covered), " ".join(question[run])

    def _places_of(self, item: int) -> dict[Gram, list[int]]:
        """Where the n-grams of an evaluation question begin, but for mere wording."""
        if item not in self._places:
            grams = list(_grams(self._words.of(item), self._n))
            places: dict[Gram, list[int]] = {}
            for place in self._grams.places_of(item):
                places.setdefault(grams[place], []).append(place)
            self._places[item] = places
        return self._places[item]


class _Entries(NamedTuple):
    """Where n-grams stand in evaluation questions, one an entry."""

    grams: Indices
    items: Indices
    places: Indices


class _GramIndex:
    """The n-grams of evaluation questions that are not mere wording."""

    def __init__(self, found: Tokens, n: int) -> None:
        self._n = n
        runs = RunHashes(found)
        hashes, items = runs.of_length(n)
        places = np.arange(len(items)) - np.searchsorted(items, items)
        texts = pl.DataFrame({"gram": hashes, "question": runs.of_questions()[items]})
        kept = texts.select(pl.col("question").n_unique().over("gram") <= _WORDING).to_series().to_numpy()
        self._members = Members(hashes[kept])
        grams = np.searchsorted(self._members.hashes, hashes[kept])
        order = np.argsort(grams, kind="stable")
        self._entries = _Entries(grams[order], items[kept][order], places[kept][order])
        self._ends = np.searchsorted(self._entries.grams, np.arange(len(self._members.hashes) + 1))
        self._most_places = int(found.counts.max(initial=0)) + 1
        self._items = len(found.counts)
        self.coverable = np.zeros(self._items, dtype=np.int64)
        """Words of each evaluation question that lie in one of its n-grams here."""
        at, covered = self._covered(items[kept] * self._most_places + places[kept])
        self.coverable[at] = covered

    def places_of(self, item: int) -> list[int]:
        """Where those n-grams begin in an evaluation question."""
        found: list[int] = np.sort(self._entries.places[self._entries.items == item]).tolist()
        return found

    def candidates(self, runs: RunHashes, coverage: float) -> list[tuple[int, int]]:
        """Pairs of question and evaluation question, by hashes alone, that reach the coverage."""
        grams, rows = runs.of_length(self._n)
        at, found = self._members.find(grams)
        many = max(1, len(self._members.hashes))
        seen = np.unique(rows[at] * many + found)
        rows, found = seen // many, seen % many
        counts = self._ends[found + 1] - self._ends[found]
        entries = np.repeat(self._ends[found] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        pairs = np.repeat(rows, counts) * self._items + self._entries.items[entries]
        pairs, covered = self._covered(np.unique(pairs * self._most_places + self._entries.places[entries]))
        total = self.coverable[pairs % max(1, self._items)]
        pairs = pairs[_is_enough(covered, total, coverage)]
        return [divmod(pair, self._items) for pair in pairs.tolist()]

    def _covered(self, keys: Indices) -> tuple[Indices, Indices]:
        """Words under n-grams at ascending keys (group * most places + place): the groups, and the count of each."""
        groups = keys // self._most_places
        firsts = np.flatnonzero(np.diff(groups, prepend=-1))
        steps = np.minimum(
            np.diff(keys, append=keys[-1:] + self._n), self._n
        )  # the last place of a group is n from its end
        return groups[firsts], np.add.reduceat(steps, firsts) if len(firsts) else firsts


def _is_enough(covered: Any, total: Any, coverage: float) -> Any:
    """Of numbers, or of arrays of them."""
    return (covered / total >= coverage) & (covered >= np.minimum(total, _EVIDENCE_WORDS))


def _grams(question: Sequence[str], n: int) -> Iterator[Gram]:
    return (tuple(question[place : place + n]) for place in range(len(question) - n + 1))


def _longest_run(places: list[int], n: int) -> slice:
    """The longest run of words under n-grams at these places, the first of several."""
    best, start = slice(0, 0), places[0]
    for place, following in zip(places, [*places[1:], None], strict=True):
        if place + n - start > best.stop - best.start:
            best = slice(start, place + n)
        if following is not None and following > place + 1:
            start = following
    return best


def _numbers_changed(own: Sequence[str], other: Sequence[str]) -> bool:
    numbers, others = _numbers(own), _numbers(other)
    return min((numbers - others).total(), (others - numbers).total()) * _NUMBERS_A_CHANGE > numbers.total()


def _numbers(question: Iterable[str]) -> Counter[str]:
    return Counter(word for word in question if word[0].isdecimal())


def _marks(found: Iterable[str]) -> Counter[str]:
    return Counter(token for token in found if token in MARKS)
