"""Answers compared as expressions: what is equal, what is not, and what is left to math-verify."""

import pytest

from hipo_data.graders.math.expressions.answers import decide

EQUAL = [
    ("75", "15(5)"),
    ("33", "2(15)+3=33"),
    ("75", "(15)(5)=75"),
    (r"\sqrt{xy}", r"\sqrt{x}\sqrt{y}"),
    (r"\sqrt{1/n}", r"\frac{1}{\sqrt{n}}"),
    ("x^2+2xi-1", "(x+i)^2"),
    (r"\frac{a+bi}{2}", r"\frac{a}{2}+\frac{b}{2} i"),
    (r"\frac{2}{\pi}-1", r"\frac2\pi-1"),
    (r"\ln(ab)", r"\ln a+\ln b"),
    (r"\log 100", "2"),
    (r"\log_2 8", "3"),
    (r"(-1)^n", r"\cos(n\pi)"),
    ("n!", "n(n-1)!"),
    (r"\sin 2x", r"2\sin x\cos x"),
    (r"\ln^2 x", r"\ln(x)^2"),
    (r"\log{\left(2 \right)}^{2}", r"\ln^2 2"),
    (r"\operatorname{atan}{\left(2 \right)}", r"\tan^{-1} 2"),
    (r"\frac{\operatorname{asin}{\left(x \right)}}{2}", r"\frac12\arcsin x"),
    (r"\operatorname{tg} x", r"\tan x"),
    (r"\overline{x}", r"\bar x"),
    (r"(\log_2 x)^2", r"\log_2{\left(x \right)}^{2}"),
    (r"1-\sin^2 x", r"\cos(x)^2"),
    (r"\frac{1}{\sin x}", r"\sin(x)^{-1}"),
    (r"\sin(45)^\circ", r"\frac{\sqrt2}{2}"),
    ("10^{-9}", "1e-9"),
    (r"\sqrt{7+4\sqrt3}", r"2+\sqrt3"),
    ("512 and 729", "729, 512"),
    ("153, 370, 371, 407", "407, 371, 370, 153"),
    (r"\frac{3 \pm i\sqrt{3}}{2}", r"\frac{3 - i\sqrt{3}}{2}, \frac{3 + i\sqrt{3}}{2}"),
    ("(0,2),(0,-2)", "(x, y):(0,-2),(0,2)"),
    ("1,2,\\dots,5", "1,2,3,4,5"),
    (r"I_{\max }=\frac{q}{2L}", r"\frac{q}{2L}"),
    ("f(x)=2x+3", "y=2x+3"),
    ("y=2x+3", "2x-y+3=0"),
    ("x^2+y^2=1", "2x^2+2y^2=2"),
    (r"(-\infty,2) \cup (2,\infty)", r"(2,\infty)\cup(-\infty,2)"),
    ("[0,3)", r"[0,2)\cup[1,3)"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1,2)"),
    ("-3.141592", r"-\pi"),
    (r"24\pi", r"24\pi\text{ cm}^2"),
    ("3√5", r"3\sqrt5"),
    ("2½", "5/2"),
    ("3/5", "λ=3/5"),
    ("45", "(045)"),
    ("10^{10^{10^{10}}}", "10^{10^{10^{10}}}"),
    ("x=2, y=3", "y=3, x=2"),
    ("x_1=1, x_2=2", "x_1=2, x_2=1"),
    ("(x,y)=(2,3)", "(y,x)=(3,2)"),
    ("(1,2)", "y=2, x=1"),
    ("(3,1)", "n=3, k=1"),
    (r"x=1,y=2 \text{ or } x=3,y=4", "x=3,y=4; x=1,y=2"),
    ("(1,2),(3,4)", r"x=3,y=4 \text{ or } x=1,y=2"),
    ("y=2x+3", r"x=\frac{y-3}{2}"),
    (
        r"\begin{cases}x^2 & x\ge 0\\-x & x<0\end{cases}",
        r"\begin{cases}-x, & \text{if } 0>x\\x^2, & \text{if } x\ge 0\end{cases}",
    ),
    (r"a_n=\begin{cases}1,&n=1\\2n,&n\geq 2\end{cases}", r"\left\{\begin{array}{l}1,n=1\\2n,n\geq 2\end{array}\right."),
    (r"\left\{\begin{array}{l}x=2\\y=3\end{array}\right.", "x=2, y=3"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\left(\begin{array}{cc}1&2\\3&4\end{array}\right)"),
    (r"\begin{aligned}x&=2\\y&=3\end{aligned}", "x=2, y=3"),
    (r"\begin{cases}x=1\\y=2\end{cases} \text{ or } \begin{cases}x=3\\y=4\end{cases}", "(3,4), (1,2)"),
    (r"A=\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
    (r"\begin{pmatrix}1\\2\\3\end{pmatrix}", "(1,2,3)^T"),
    ("A(1,2)", "(1,2)"),
    ("P(1,2), Q(3,4)", "Q(3,4), P(1,2)"),
    (r"y=\pm\frac{3}{4}x", r"3x \pm 4y=0"),
    (r"\frac{3}{11}", r"0.\dot{2}\dot{7}"),
    (r"5^{\circ}30'", r"5.5^\circ"),
    (r"2^{\gcd(m,n)}-1", r"2^{\operatorname{gcd}(n,m)}-1"),
    (r"\frac{mn}{\gcd(m,n)}", r"\operatorname{lcm}(m,n)"),
    (r"\max\{a,b\}", r"\frac{a+b+|a-b|}{2}"),
    (r"\left\lceil\frac{n}{2}\right\rceil", r"\left\lfloor\frac{n+1}{2}\right\rfloor"),
]
DIFFERENT = [
    (r"\overline{z}", "z"),
    (r"\tan(x^3)", r"\tan(x)^3"),
    (r"\operatorname{atan}{\left(2 \right)}", r"\arctan 3"),
    (r"\ln(4)", r"\ln(2)^2"),
    (r"\sin^2(x)", r"\sin{x}^2"),
    ("20", "15(5)"),
    ("x=20", "x=15(5)"),
    ("9", "2(3)(4)"),
    ("1", "7=1"),
    ("1", "2x+z=1"),
    (r"\frac{1}{20!}", r"\frac{1}{21!}"),
    ("e^{-50}", "2e^{-50}"),
    ("e^{-500}", "0"),
    ("10^{10^{10^{10}}}", "10^{10}"),
    ("|x|", "x"),
    (r"\sqrt{(a-b)^2}", "a-b"),
    ("1, 2, \\ldots, n", "1, 3, 5, \\ldots, 2n-1"),
    ("512 and 729", "512729"),
    ("1, 2, 5", "1, 2"),
    ("1, 2, 5", "1, 2, 5, 6"),
    ("5", "x = 5, y = 6"),
    (r"\frac{-1 \pm \sqrt{5}}{2}", r"\frac{-1+\sqrt5}{2}"),
    (r"\sin(x)=\frac12", r"\cos(x)=\frac12"),
    (r"24\pi \text{ cm}", r"24\pi\text{ cm}^2"),
    ("(1,2)", "(2,1)"),
    ("[0,1]", "[0,1)"),
    (r"(-\infty,2)\cup(2,\infty)", r"(-\infty,2]\cup(2,\infty)"),
    (r"\sqrt{2}", "1.4142"),
    (r"\sqrt{2}", "1.41421357"),
    ("f(2x)", "f(x)"),
    ("2i", "2j"),
    ("12", r"\mbox{Saturday}"),
    ("x^2+y^2=1", "x^2+y^2=2"),
    ("x=2, y=3", "x=3, y=2"),
    (r"\begin{cases}x=2\\y=3\end{cases}", "x=3, y=2"),
    ("p=2, q=3", "(p,q)=(3,2)"),
    ("(1,2)", "y=1, x=2"),
    (r"\text{max}=5, \text{min}=3", r"\text{max}=3, \text{min}=5"),
    ("A=(1,2), B=(3,4)", "A=(3,4), B=(1,2)"),
    ("P(1,2), Q(3,4)", "P(3,4), Q(1,2)"),
    ("A(1,2)", "(2,1)"),
    (r"y=\pm\frac{3}{4}x", r"4x \pm 3y=0"),
    (r"5^{\circ}30'", r"5.3^\circ"),
    ("f(x)=x, g(x)=2x", "f(x)=2x, g(x)=x"),
    (r"x=1,y=2 \text{ or } x=3,y=4", r"x=1,y=4 \text{ or } x=3,y=2"),
    ("x=1", "y=1"),
    (r"\begin{cases}1 & x>0\\0 & x\le 0\end{cases}", r"\begin{cases}0 & x>0\\1 & x\le 0\end{cases}"),
    (r"\begin{cases}1 & x>0\\0 & x\le 0\end{cases}", r"\begin{cases}1 & x>2\\0 & x\le 2\end{cases}"),
    (r"a_n=\begin{cases}1,&n=1\\2n,&n\geq 2\end{cases}", r"a_n=\begin{cases}1,&n=1\\2n+1,&n\geq 2\end{cases}"),
    (r"a_n=\begin{cases}1,&n=1\\2n,&n\geq 2\end{cases}", "2n"),
    (r"\left\{\begin{array}{l}x=2\\y=3\end{array}\right.", "3"),
    (r"\gcd(m,n)", r"\gcd(m,k)"),
    (r"2^{\gcd(m,n)}-1", "1"),
    (r"m+n-\gcd(m,n)", "m+n-1"),
    (r"\min(x,100)", r"\min(x,200)"),
    ("|x-700|", "700-x"),
    (r"\lfloor n/900 \rfloor", r"\lfloor n/800 \rfloor"),
    (r"\lfloor n/2 \rfloor", r"\frac n2"),
]
LEFT = [
    ("x > 5", "5"),
    (r"\int_0^1 x dx", "1/2"),
    ("no solution", "0"),
    ("f(2x)", "2f(x)"),
    (r"\frac{1}{2\pi}", r"1/2\pi"),
    ("N(0,1)", "U(0,1)"),
    (r"\begin{cases}1 & n=1\\2 & n>1\end{cases}", r"\begin{cases}1 & n=1\\2 & n\ge 2\end{cases}"),
    (r"\begin{cases}x & x>0\\0 & x\le 0\end{cases}", r"\begin{cases}x & x\ge 0\\0 & x<0\end{cases}"),
]


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
def test_equal_expressions(gold: str, answer: str) -> None:
    assert decide(gold, answer) is True
    assert decide(answer, gold) is not False


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_different_expressions(gold: str, answer: str) -> None:
    assert decide(gold, answer) is False


@pytest.mark.parametrize(("gold", "answer"), LEFT)
def test_what_is_not_read_for_certain_is_left_alone(gold: str, answer: str) -> None:
    assert decide(gold, answer) is None


def test_a_left_side_that_the_question_asks_for_only_names_the_value() -> None:
    assert decide("1", "2x+z=1", "Find $2x+z$.") is True
    assert decide("1", "2x+z=1", "Find $x+z$.") is False
