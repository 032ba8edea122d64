"""Math grading: the rules' own examples, what math-verify errs on, its documented examples, and hostile answers."""

import signal
from contextlib import closing
from threading import Timer

import pytest

from hipo_data.graders import Grader
from hipo_data.graders.math import inequalities, rewrite, rules
from hipo_data.graders.math.extract import final_answer
from hipo_data.graders.math.pool import Pool
from hipo_data.schemas.records import Status
from tests.graders.conftest import math

CASES = [
    (rule, wanted, pair)
    for rule in rules.RULES
    for wanted, pairs in ((True, rule.accepts), (False, rule.refuses), (None, rule.leaves))
    for pair in pairs
]


@pytest.mark.parametrize(("rule", "wanted", "pair"), CASES, ids=lambda value: str(getattr(value, "name", value))[:50])
def test_a_rule_decides_its_examples(rule: rules.Rule, wanted: bool | None, pair: tuple[str, ...]) -> None:
    gold, answer, question = (*pair, "")[:3]
    assert rule.decide(gold, answer, question) is wanted


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name)
def test_every_rule_has_examples(rule: rules.Rule) -> None:
    assert (rule.accepts or rule.refuses) and rule.leaves


ACCEPTED_WRONGLY = [
    ("listen", "silent"),
    (r"\text{even}", r"\text{neve}"),
    ("2", "x=1=2"),
    ("1", "7=1"),
    ("50", r"50\%"),
    ("10 cm", "10 m"),
    (r"10\text{ cm}", r"10 \text{ m}"),
    ("1_2", "1_3"),
    ("(1,2)", r"\{1,2\}"),
    ("11:30", "11/30"),
    ("0.0000001", "0.0000002"),
    (r"\frac{1}{3}", "0.33333349"),
    ("-1,5", "-1.5"),
    (r"\sqrt{2}", "1.41421357"),
    (r"\frac{1}{2^{98}}", r"\frac{2}{2^{98}}"),
]
REFUSED_WRONGLY = [
    (r"\sqrt{2}", "1.41421356"),
    ("-1", "i^2"),
    ("-1", r"e^{i\pi}"),
    (r"\sqrt{-4}", "2i"),
    ("-2", r"\sqrt[3]{-8}"),
    ("3 + 4i", "4i + 3"),
    (r"\frac{1}{3}", r"0.\overline{3}"),
    (r"0.\overline{3}", r"\frac13"),
    ("(1,2)", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1,2)"),
    ("5", "101_2"),
    ("101_2", "5"),
    (r"(3,\infty)", "x > 3"),
    ("x > 3", r"(3,\infty)"),
    ("1 < x < 2", "(1,2)"),
    ("12", "12."),
    ("12.", "12"),
    ("0.000000001", "1e-9"),
    ("1e-9", "0.000000001"),
]
DOCUMENTED = [
    (r"\{1,3\} \cup \{2,4\}", r"\{1,2,3,4\}"),
    ("-5", "-5"),
    ("7425000", "7,425,000"),
    ("1000", "1000.0"),
    ("0.4", ".4"),
    ("1000.99", r"\$1,000.99"),
    ("10/9", r"\frac{10}{9}"),
    ("[0,1)", "[0,1)"),
    ("1/3", r"\frac13"),
    ("1", r"\frac3{3}"),
    (r"\sqrt{3}", r"\sqrt3"),
    ("1/3", r"\cfrac{1}{3}"),
    ("1/3", r"\left( \frac{1}{3} \right)"),
    ("1/3", r"\frac{1}{3} \text{meters}"),
    ("1/3", r"k = \frac{1}{3}"),
    (r"28\%", "28 percent"),
    (r"28\%", "28"),
    (r"(3, \frac{\pi}{2})", r"\left( 3, \frac{\pi}{2} \right)"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"90^\circ", "90"),
    ("14{,}916", "14 {, }916"),
    ("2-2p", "-2p+2"),
    ("f(x)=x", r"f(x)=x \text{ for all } x"),
    ("f(x)=x", r"f(x)=x, x \in \mathbb{R}"),
    (r"f(x)=cx, c \in \mathbb{R}", "f(x)=cx"),
    (r"f(x)=x \text{ for all real } x", "f(x)=x"),
    (r"a_n=2^n (n\in N^*)", "a_n=2^n"),
    (r"n \ge 3", r"\text{all integers } n \ge 3"),
    (r"(0,1)\cup(1,\infty)", r"x>0, x \ne 1"),
    (r"\{x|x\geqslant 1 且 x\neq 2\}", r"[1,2)\cup(2,+\infty)"),
    ("5", r"\textcolor{blue}{5}"),
    (r"\frac12", r"\color{red}{\frac{1}{2}}"),
    ("5", r"\underline{5}"),
    ("5.2", r"\text{approximately } 5.2 \text{ m}"),
    (r"\begin{pmatrix} 0 & 3 \\ 0 & -1 \end{pmatrix}", r"\begin{bmatrix} 0 & 3 \\ 0 & -1 \end{bmatrix}"),
]
DIFFERENT = [
    (r"\overline{z}", "z"),
    (r"\overline{z}+1", "z+1"),
    ("f(x)=x", r"f(x)=2x \text{ for all } x"),
    ("a_n=2^n (n\\in N^*)", r"a_n=2^{n+1} (n\in N^*)"),
    (r"[1,\infty)", r"\{x|x\geqslant 1 且 x\neq 2\}"),
    ("[0,9)", "[0,1)"),
    ("(0,9)", "[0,9)"),
    ("0.28", "28"),
    ("28", "28/100"),
    ("28/100", "28"),
    ("1", "-[0,1)"),
    ("x^2", "x^3"),
    (r"\sqrt{2}", "1.4"),
    ("5", "-5"),
    ("1,2", "1,3"),
    (r"\frac{1}{2}", r"\frac{2}{1}"),
    ("A", "B"),
    ("3i", "3"),
    ("3", "[-1,2]"),
    (r"(-\infty,2) \cup (2,\infty)", "5"),
]


@pytest.mark.parametrize(("gold", "answer"), [*ACCEPTED_WRONGLY, *DIFFERENT, *rewrite.NOT_EQUAL])
def test_different_answers_are_refused(grader: Grader, gold: str, answer: str) -> None:
    assert grader.grade([math(gold, rf"So \boxed{{{answer}}}.")])[0].status is Status.INCORRECT


@pytest.mark.parametrize(("gold", "answer"), [*REFUSED_WRONGLY, *DOCUMENTED, *rewrite.EQUAL_BY_REWRITING])
def test_equal_answers_are_accepted(grader: Grader, gold: str, answer: str) -> None:
    assert grader.grade([math(gold, rf"So \boxed{{{answer}}}.")])[0].status is Status.CORRECT


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\forall x, x^2 \ge 0", r"\forall x, x^2 > 0"),
        (r"\max_{x} f(x)", r"\max_{x} g(x)"),
        (r"n \equiv \pm 1 \pmod{6}", "x=1"),
        (r"\begin{cases}1 & x>0\\0 & x\le 0\end{cases}", r"\begin{cases}1 & x>0\\0 & \text{otherwise}\end{cases}"),
    ],
)
def test_what_is_read_by_half_is_unknown(grader: Grader, gold: str, answer: str) -> None:
    grade = grader.grade([math(gold, rf"So \boxed{{{answer}}}.")])[0]
    assert (grade.status, grade.reason) == (Status.UNKNOWN, "unread")


@pytest.mark.parametrize(("answer", "wanted"), inequalities.AS_INTERVALS)
def test_inequalities_become_intervals(answer: str, wanted: str) -> None:
    assert inequalities.intervals(answer) == wanted


@pytest.mark.parametrize("answer", inequalities.NOT_INTERVALS)
def test_what_is_no_inequality_in_one_variable_becomes_no_interval(answer: str) -> None:
    assert inequalities.intervals(answer) is None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (r"First \boxed{3}. Wait, that is wrong: \boxed{4}.", "4"),
        (r"<think>\boxed{1}</think> It is \boxed{2}.", "2"),
        (r"<think>a</think> \boxed{1} </think> so \boxed{2}", "2"),
        ("<think> it never ends, perhaps 5", None),
        (r"Either $x = \boxed{1}$ or $x = \boxed{2}$.", "1, 2"),
        (r"\boxed{5}. But no. The final answer is 6.", "6"),
        ("The final answer is $\\frac{1}{2}$. I hope it is correct.", r"\frac{1}{2}"),
        ("So she has 18.\nA: 18", "18"),
        ("Reasoning\n#### 1,234", "1,234"),
        ("**Answer:** 12", "12"),
        ("The answer is: B", "B"),
        ("72", "72"),
        ("I think it's 5.", "5"),
        ("There are 12 apples in total", "12"),
        ("10 square cm", "10 square cm"),
        (r"\frac{1}{2} \text{ of the cake}", r"\frac{1}{2} \text{ of the cake}"),
        ("no real solution exists", "no real solution exists"),
        ("We get 5 apples, then 7 more.\nThat makes 12 apples in all.", "12"),
        (r"Thus $x=3$." + "\n" + r"Then \[ y = 4 \]", "y = 4"),
        (r"\boxed{\frac{1}{2}} and an unclosed \boxed{3", r"\frac{1}{2}"),
        (r"\boxed 7", "7"),
        (r"\boxed{}", None),
        ("", None),
        ("I do not know.\nReally.", None),
    ],
)
def test_the_last_answer_counts(response: str, answer: str | None) -> None:
    assert final_answer(response) == answer


LONG = 390_000


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("A: x" + " " * LONG + "y", "x y"),
        ("the answer is x" + " " * LONG + "y", "x y"),
        (r"\boxed{1}" + " " * LONG + r"\boxed{2}", "2"),
        (r"\boxed{1}" + "$" * LONG + r"\boxed{2}", "2"),
        (r"\(" * (LONG // 2), None),
        (r"\[ x" * (LONG // 4), None),
        (r"\boxed{" * (LONG // 7), None),
        ("answer is " * (LONG // 10) + "5", None),
    ],
    ids=["A:", "answer is", "boxes", "dollars", "formulas", "displays", "open boxes", "phrases"],
)
def test_a_long_response_is_read_in_time_that_grows_with_its_length(response: str, answer: str | None) -> None:
    """Were it read in time that grows with the square of its length, this would hang."""
    found = final_answer(response)
    assert answer is None or found == answer


def test_any_acceptable_gold_will_do(grader: Grader) -> None:
    request = math(["7", r"\frac{1}{2}"], r"\boxed{0.5}")
    assert grader.grade([request])[0].status is Status.CORRECT


@pytest.mark.parametrize(
    "answer",
    [
        "10^{10^{10}}",
        "(10^9)!",
        "9^{9^{9^9}}",
        "(" * 5000 + "1" + ")" * 5000,
        "{" * 5000 + "}" * 5000,
        "1" * 100_000,
        r"\frac{" * 3000,
        r"\sqrt{" * 2000 + "2" + "}" * 2000,
        "2^{3^{4^{5}}}!",
        "((10!)!)!",
        "\x00\ud800",
        "x" * 1_000_000,
    ],
    ids=lambda answer: answer[:20].encode("unicode_escape").decode(),
)
def test_a_hostile_answer_is_never_right_and_the_workers_live_on(grader: Grader, answer: str) -> None:
    grade = grader.grade([math("12", rf"\boxed{{{answer}}}")])[0]
    assert grade.status is not Status.CORRECT
    assert grader.grade([math("x+y", r"\boxed{y+x}")])[0].status is Status.CORRECT


def test_a_comparison_that_does_not_end_is_unknown(grader: Grader) -> None:
    slow = r"\int_0^1 \frac{\ln(1+x^{2+\sqrt{3}})}{1+x} dx"
    grade = grader.grade([math(r"\frac{\pi^2}{12}(1-\sqrt{3})+\ln(2)\ln(1+\sqrt{3})", rf"\boxed{{{slow}}}")])[0]
    assert (grade.status, grade.reason) == (Status.UNKNOWN, "time_limit")
    assert grade.cpu_ms > 500  # about the second that it may take of a processor, however long it waits for one


def test_a_comparison_that_waits_for_a_processor_takes_time_and_none_of_a_processor() -> None:
    with closing(Pool(1, 1.0)) as pool:
        pool.compare([("x+y", "y+x", "")])
        worker = pool._idle[0]
        assert worker is not None
        worker._process.send_signal(signal.SIGSTOP)
        Timer(1.0, worker._process.send_signal, [signal.SIGCONT]).start()
        (reply,) = pool.compare([("x+z", "z+x", "")])
    assert reply["equal"] and reply["wall_s"] > 0.9
    assert 0 < reply["cpu_s"] < reply["wall_s"] - 0.5


@pytest.mark.slow
def test_a_poisoned_batch_costs_its_own_timeouts(grader: Grader) -> None:
    slow = r"\int_0^1 \frac{\ln(1+x^{2+\sqrt{3}})}{1+x} dx"
    batch = [math("x+y", rf"\boxed{{y+x+0 \cdot {number}}}") for number in range(100)]
    batch[50] = math(r"\frac{\pi^2}{12}", rf"\boxed{{{slow}}}")
    grades = grader.grade(batch)
    assert [index for index, grade in enumerate(grades) if grade.status is not Status.CORRECT] == [50]


def test_equal_pairs_are_compared_once(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    grader.grade([math("x+y", r"\boxed{y+x}")])
    assert grader._math is not None
    compared: list[tuple[str, str, str]] = []
    compare = grader._math._pool.compare
    monkeypatch.setattr(grader._math._pool, "compare", lambda pairs: compared.extend(pairs) or compare(pairs))
    batch = [math("a+b+c", r"\boxed{c+b+a}")] * 500
    assert {grade.status for grade in [*grader.grade(batch), *grader.grade(batch)]} == {Status.CORRECT}
    assert compared == [("a+b+c", "c+b+a", "")]
