"""Families of values in one integer: the same set is right however it is written, another one is wrong."""

import pytest

from hipo_data.graders import Grader
from hipo_data.graders.math.integer_families import decide
from hipo_data.schemas.records import Status
from tests.graders.conftest import math

SAME = [
    (r"\frac{\pi}{4}+n\pi", r"\frac{\pi}{4}+k\pi"),
    (r"-\frac{\pi}{4}+n\pi, n \in \mathbb{Z}", r"x = \frac{3\pi}{4} + k\pi, \quad k \in \mathbb{Z}"),
    (
        r"x=\pm\frac{\pi}{3}+2k\pi, k\in\mathbb Z",
        r"x = \frac{\pi}{3} + 2\pi n \text{ or } x = -\frac{\pi}{3} + 2\pi n, \text{ where } n \text{ is an integer}",
    ),
    (r"\frac{\pi}{2}+k\pi", r"\pm\frac{\pi}{2}+2\pi k"),
    (r"\frac{k\pi}{2}, k \in \mathbb{Z}", r"k\pi \text{ or } \frac{\pi}{2}+k\pi, k\in\mathbb{Z}"),
    (r"(-1)^k\frac{\pi}{6}+k\pi, k\in\mathbb{Z}", r"\frac{\pi}{6}+2k\pi, \frac{5\pi}{6}+2k\pi, k \in \mathbb{Z}"),
    (r"45^\circ+180^\circ n", r"225^\circ + 180^\circ k"),
    (r"\{x \mid x = \frac{\pi}{4}+k\pi, k \in \mathbb{Z}\}", r"x=\frac{\pi}{4}+n\pi\ (n\in\mathbb{Z})"),
    (r"2n+1, n\in\mathbb{Z}", r"2k-1, k\in\mathbb{Z}"),
    (r"\arctan 2 + k\pi, k\in\mathbb{Z}", r"\arctan 2 + n\pi \text{ for any integer } n"),
    (
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right](k\in Z)",
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right], k\in\mathbb{Z}",
    ),
    (
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right](k\in Z)",
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right]",
    ),
    (
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right], k\in\mathbb{Z}",
        r"\left[k\pi+\frac{2\pi}{3},k\pi+\frac{7\pi}{6}\right], k\in\mathbb{Z}",
    ),
    (
        r"\left(k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right), k\in\mathbb{Z}",
        r"\left(-\frac{\pi}{3}+n\pi,\frac{\pi}{6}+n\pi\right), n\in\mathbb{Z}",
    ),
    (r"\{x|2k\pi<x<2k\pi+\pi,k\in Z\}", r"(2k\pi,2k\pi+\pi), k\in\mathbb{Z}"),
    (r"\left\{x \mid x \neq \frac{\pi}{2}+k\pi, k\in Z\right\}", r"x \ne k\pi-\frac{\pi}{2}, k\in\mathbb{Z}"),
    (
        r"\left(\frac{\pi}{12}+\frac{k\pi}{2},0\right), k\in\mathbb{Z}",
        r"\left(\frac{k\pi}{2}+\frac{\pi}{12},0\right)(k\in\mathbb{Z})",
    ),
    (
        r"\left(\frac{\pi}{12}+\frac{k\pi}{2},0\right), k\in\mathbb{Z}",
        r"\left(\frac{k\pi}{2}-\frac{5\pi}{12},0\right)(k\in\mathbb{Z})",
    ),
    (r"n \equiv 1 \pmod{4}", "n=4k+1"),
    (r"n \equiv 1 \pmod{4}", r"n=4k-3, k\in\mathbb{Z}"),
    ("n=6k+1", r"n \equiv 1 \pmod 6"),
    (r"n\equiv 1,3 \pmod{8}", r"n\equiv 1 \pmod 8 \text{ or } n\equiv 3 \pmod 8"),
    (r"n\equiv \pm 1 \pmod{6}", r"n \equiv 1, 5 \pmod{6}"),
    (r"n\equiv \pm 1 \pmod{6}", r"n \equiv 1 \text{ or } 5 \pmod{6}"),
    (r"n\equiv \pm 1 \pmod{6}", r"n=6k\pm1"),
    (r"n\equiv 1 \pmod 2", r"n \equiv 1, 3 \pmod 4"),
    (r"n=4k+1, k\in\mathbb{Z}", r"n=4m+1, m\in\mathbb{Z}"),
    (r"x=\frac{k\pi}{3}", r"x = \frac{n\pi}{3}, n\in Z"),
]
OTHERS = [
    (r"\frac{\pi}{4}+n\pi", r"\frac{\pi}{4}+2k\pi"),
    (r"\frac{\pi}{4}+n\pi", r"-\frac{\pi}{4}+k\pi"),
    (r"n\pi, n\in\mathbb{Z}", r"2k\pi, k\in\mathbb{Z}"),
    (r"2n+1, n\in\mathbb{Z}", r"2k, k\in\mathbb{Z}"),
    (r"\frac{k\pi}{2}, k \in \mathbb{Z}", r"\frac{\pi}{2}+k\pi, k\in\mathbb{Z}"),
    (r"k\pi, k \in \mathbb{Z}", r"\sqrt2 k, k \in \mathbb{Z}"),
    (
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right], k\in\mathbb{Z}",
        r"\left[2k\pi-\frac{\pi}{3},2k\pi+\frac{\pi}{6}\right], k\in\mathbb{Z}",
    ),
    (
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right], k\in\mathbb{Z}",
        r"\left[k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{3}\right], k\in\mathbb{Z}",
    ),
    (
        r"\left(k\pi-\frac{\pi}{3},k\pi+\frac{\pi}{6}\right), k\in\mathbb{Z}",
        r"\left[n\pi-\frac{\pi}{3},n\pi+\frac{\pi}{6}\right] (n\in\mathbb{Z})",
    ),
    (r"\{x|2k\pi<x<2k\pi+\pi,k\in Z\}", r"(2k\pi,2k\pi+2\pi), k\in\mathbb{Z}"),
    (r"x \neq \frac{\pi}{2}+k\pi, k\in Z", r"x \ne k\pi, k\in\mathbb{Z}"),
    (
        r"\left(\frac{\pi}{12}+\frac{k\pi}{2},0\right), k\in\mathbb{Z}",
        r"\left(\frac{k\pi}{2}-\frac{5\pi}{12},1\right)(k\in\mathbb{Z})",
    ),
    (r"n \equiv 1 \pmod{4}", "n=4k+3"),
    (r"n \equiv 1 \pmod{4}", "n=2k+1"),
    (r"n\equiv 1,3 \pmod{8}", r"n\equiv 1 \pmod 8"),
    (r"n\equiv 1,3 \pmod{8}", r"n\equiv 1,5 \pmod 8"),
]
LEFT_ALONE = [
    (r"x \neq \frac{\pi}{2}+k\pi, k\in Z", r"x = \frac{\pi}{2}+k\pi, k\in\mathbb{Z}"),
    ("(1,0)", r"(k,0), k\in\mathbb{Z}"),
    ("2n+1", "2k+1"),
    (r"2\pi r", r"2\pi k"),
    (r"n^2\pi", r"k^2\pi"),
    (r"k\pi", r"\pi"),
    (r"n\pi, n \in \mathbb{N}", r"k\pi, k\in\mathbb{N}"),
    (r"n\pi, n \text{ is a positive integer}", r"k\pi"),
    (r"3\pi n m", r"3\pi k m"),
    (r"\frac{\pi}{4}+n\pi", r"x = \frac{\pi}{4}+"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_one_set_however_it_is_written(grader: Grader, gold: str, answer: str) -> None:
    assert decide(gold, answer) is True and decide(answer, gold) is True
    assert grader.grade([math(gold, rf"so \boxed{{{answer}}}")])[0].status is Status.CORRECT


@pytest.mark.parametrize(("gold", "answer"), OTHERS)
def test_another_set_is_wrong(grader: Grader, gold: str, answer: str) -> None:
    assert decide(gold, answer) is False and decide(answer, gold) is False
    assert grader.grade([math(gold, rf"so \boxed{{{answer}}}")])[0].status is Status.INCORRECT


@pytest.mark.parametrize(("gold", "answer"), LEFT_ALONE)
def test_what_is_no_family_for_certain_is_left_alone(gold: str, answer: str) -> None:
    assert decide(gold, answer) is None


def test_a_letter_that_the_question_names_is_a_number_of_its() -> None:
    assert decide(r"2\pi k", r"-2\pi k") is True
    assert decide(r"2\pi k", r"-2\pi k", "A circle has radius $k$. How long is it around?") is None
    assert decide(r"2\pi k", r"2\pi n", "A circle has radius $k$. How long is it around?") is None
    declared = r"k\pi, k \in \mathbb{Z}"
    assert decide(declared, r"n\pi, n \in \mathbb{Z}", r"Find all $x = k\pi$ with $\sin x = 0$.") is True
