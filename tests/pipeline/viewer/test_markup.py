"""Texts as HTML: mathematics and code where they are, and never an element or attribute of somebody else's."""

import re
from functools import partial
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hipo_data.pipeline.viewer.markup import answer, code, head, rich, shown
from hipo_data.pipeline.viewer.mathematics import LONGEST, mathml
from tests.pipeline.viewer.hostile_run import TRIES

_PIECES = [
    *["<b>", "&lt;", '"', "'", "$", "$$", "\\(", "\\)", "\\[", "\\]", "{", "}", "\\boxed{", "\\frac", "\\text{", "x"],
    *["1", " ", "\n", "```", "```python\n", "def f(x):", "^", "_", "\\begin{align}", "\\end{align}", "&", "\\\\"],
    *["\u202e", "\x00", "\\hspace{9em}", "\\href{a}", "</math>", "<script>"],
]


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Read:
    found = _Read()
    found.feed(html)
    found.close()
    return found


def no_more_than_ours(html: str) -> _Read:
    found = read(html)
    strange = {each for each in found.elements if each not in ("span", "code") and not re.fullmatch("m[a-z]+", each)}
    assert strange == set()
    assert not {each for each in found.attributes if each.startswith("on") or each in ("style", "href", "src", "id")}
    return found


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
@example("\n".join(TRIES))
@pytest.mark.parametrize("make", [rich, answer, code, partial(head, goes_on=True)])
def test_nothing_but_our_elements(make: Any, text: str) -> None:
    no_more_than_ours(make(text))


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Z")), max_size=60))
def test_a_text_without_mathematics_says_what_it_said(text: str) -> None:
    if not re.search(r"[$\\`\u2028\u2029]", text):
        assert read(rich(text)).text == text


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        (r"so \(a\) and \[b\] and $c$ and $$d$$", 4),
        (r"\boxed{\frac{1}{2}}", 1),
        (r"\begin{align*} a &= b \\ c &= d \end{align*}", 1),
        ("it costs $5, or $6 a piece", 0),
        ("$5 and $ 6", 0),
        ("a lone $ sign and \\(never closed", 0),
        ("$a$b$", 1),
        ("first $x\n\ny$ last", 0),
        (r"$\nosuchcommand{x}$", 0),
        (r"from $\$$25 a day to $\$26$", 2),
        (r"from \$25 a day, or \$26 a week", 0),
        (r"\[\renewcommand{\arraystretch}{1.5} \begin{pmatrix} a & b \\ c & d \end{pmatrix}\]", 1),
        (r"$\cos x$ and $\gcd(a, \log b)$", 2),
        (r"\[x = \begin{cases} 1 & \text{if $n$ is odd} \\ 2 & \mbox{else} \end{cases}\]", 1),
        (r"$\widetilde{AB}$, $\overarc{AB}$, $a,\allowbreak b$, $30^{\mbox{th}}$", 4),
    ],
)
def test_what_is_a_formula(text: str, formulas: int) -> None:
    html = rich(text)
    assert html.count("<math") == formulas
    if not formulas:
        assert read(html).text == text


def test_text_in_a_formula_may_hold_formulas() -> None:
    html = rich(r"\[\text{if $n^2$ is odd}\]")
    assert "<msup><mi>n</mi><mn>2</mn></msup>" in html
    assert read(html).text.split() == ["if", "n2", "is", "odd"]


@pytest.mark.parametrize(
    ("text", "goes_on", "formulas", "ends_in"),
    [
        ("What is $x^2$?", False, 1, "x2?"),
        ("word " * 46 + "$x^{2" + "+1" * 100 + "}$ is it", False, 1, "+1…"),
        ("word " * 60 + "$x^2$", True, 0, "word word…"),
        ("word " * 30 + r"\[x^2 + " + "1 + " * 112, True, 0, "word word…"),
        (r"\[x^2 + " + "1 + " * 148, True, 0, "1 +…"),
        ("word " * 30 + r"\[x^2 + ", False, 0, r"word \[x^2 + "),
        ("It costs $5, " + "word " * 117, True, 0, "word word…"),
        ("x" * 600, True, 0, "xxx…"),
        ("$a$" + "word " * 46 + "$b$", True, 2, "b…"),
    ],
)
def test_a_head_of_a_question_holds_whole_formulas(text: str, goes_on: bool, formulas: int, ends_in: str) -> None:
    html = head(text, goes_on=goes_on)
    assert html.count("<math") == formulas
    assert read(html).text.endswith(ends_in)
    assert len(read(html).text) <= 480


def test_display_and_inline() -> None:
    assert 'display="block"' in rich(r"\[x\]")
    assert 'display="block"' not in rich(r"\(x\)")


def test_code_is_highlighted_and_no_formula_in_it() -> None:
    html = rich("Look:\n```python\ndef f(x):\n    return '$x$'\n```\nso $y$")
    assert '<span class="k">def</span>' in html
    assert html.count("<math") == 1
    assert read(html).text.startswith("Look:\ndef f(x):\n    return '$x$'\n")


def test_code_that_was_cut_off_is_code_to_its_end() -> None:
    assert '<span class="k">def</span>' in rich("```py\ndef f():\n  $x$ ")
    assert "<math" not in rich("```py\ndef f():\n  $x$ ")


def test_a_language_that_is_none_is_shown_plain() -> None:
    assert rich("```brainfog\n<x>\n```") == '<code class="block">&lt;x&gt;\n</code>'


def test_hidden_characters_are_seen() -> None:
    assert read(shown("a\u202eb\u200bc\x07\r\nd")).text == "aU+202EbU+200BcU+0007\nd"
    assert "<math" not in rich("$a\u202eb$")


def test_answers_without_delimiters() -> None:
    assert "<mfrac>" in answer(r"\frac{1}{2}")
    assert answer("yes & no") == "yes &amp; no"
    assert answer("x_") == "x_"


def test_a_formula_that_is_too_long_or_too_deep_is_shown_as_written() -> None:
    assert mathml("x" * (LONGEST + 1), block=False) is None
    assert mathml("{" * 500 + "x" + "}" * 500, block=False) is None
    assert mathml("x^{" * 90 + "1" + "}" * 90, block=False) is not None


def test_what_would_move_a_formula_across_the_page_is_left_out() -> None:
    for width in ("-99em", "9999999px", "500em"):
        html = mathml(rf"a\hspace{{{width}}}b", block=False) or ""
        assert width not in html
