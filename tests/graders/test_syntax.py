"""Python's parser for texts of strangers, from several threads."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hipo_data.graders import syntax
from tests.conftest import ROOT

PROGRAM = "def f(n): return [[(i, {'a': [j]}) for i in range(n)] for j in range(n)]\n" * 4


@pytest.fixture
def much_collected() -> Iterator[None]:
    """Garbage is collected every few objects, and other threads go on meanwhile."""

    def let_go(phase: str, about: dict[str, int]) -> None:
        time.sleep(0)

    threshold = gc.get_threshold()
    gc.callbacks.append(let_go)
    gc.set_threshold(5, 1, 1)
    yield
    gc.set_threshold(*threshold)
    gc.callbacks.remove(let_go)


@pytest.mark.usefixtures("much_collected")
def test_threads_that_parse_at_once_all_get_their_trees() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert [len(tree.body) for tree in pool.map(syntax.module, [PROGRAM] * 150)] == [4] * 150


def test_nothing_else_that_grades_parses() -> None:
    parsers = [path for path in (ROOT / "graders").rglob("*.py") if "ast.parse(" in path.read_text()]
    assert {str(path.relative_to(ROOT / "graders")) for path in parsers if path.parent.name != "inside"} == {
        "syntax.py"
    }


@pytest.mark.parametrize("text", ["def f(:", "a\0b", "(" * 1000, "-" * 100_000 + "1", "x = '\ud800'"])
def test_text_that_is_no_program_is_a_syntax_error(text: str) -> None:
    with pytest.raises(SyntaxError):
        syntax.module(text)


@pytest.mark.parametrize(("text", "value"), [(" [1, 'a'] ", [1, "a"]), ("{'a': None}", {"a": None}), ("-1.5", -1.5)])
def test_literals(text: str, value: object) -> None:
    assert syntax.literal(text) == value


@pytest.mark.parametrize("text", ["f(1)", "{[]: 1}", "a"])
def test_what_is_more_than_a_literal_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        syntax.literal(text)
    assert not isinstance(caught.value, SyntaxError)
