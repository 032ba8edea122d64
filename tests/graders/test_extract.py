"""The program in a response, wherever models put it."""

import ast
from collections.abc import Callable

import pytest

from hipo_data.graders.code.extract import program

CODE = "n = int(input())\nprint(n + 1)\n"
INDENTED = "".join(f"   {line}\n" for line in CODE.splitlines())
FURTHER_IN = "".join(f"    {line}\n" for line in CODE.splitlines())
QUOTED = "".join(f"> {line}\n" for line in CODE.splitlines())
FENCED_EXAMPLE = f'"""\nExample:\n    ```python\n    f(1)\n    ```\n"""\n{CODE}'
DOCSTRING = f'"""\nExample:\n    ```\n    1\n    ```\n"""\n{CODE}'
BACKTICKS = "`" * 3_000_000


@pytest.mark.parametrize(
    ("response", "found"),
    [
        (f"```python\n{CODE}```", CODE),
        (f"```python\r\n{CODE}```".replace("\n", "\r\n"), CODE),
        (f"~~~py\n{CODE}~~~", CODE),
        (f"1. So:\n\n   ```python\n{INDENTED}   ```\n2. Done", CODE),
        (f"```python\n{DOCSTRING}```", DOCSTRING),
        (f"\ufeff```python\n\ufeff{CODE}```", CODE),
        (f"```python\n{CODE}```\nRun it:\n```bash\npython a.py\n```\nwith\n```\n5\n```", CODE),
        (f"```cpp\nint main() {{}}\n```\n```python\n{CODE}```", CODE),
        (f"```python\nprint(input())\n```\nNo:\n```python\n{CODE}```", CODE),
        (f"<think>```python\nprint(input())\n```</think></think>\n```python\n{CODE}", CODE),
        (f"<answer>\n{CODE}</answer>", CODE.strip()),
        (f"[PYTHON]\n{CODE}[/PYTHON] is it", CODE.strip()),
        (CODE, CODE),
        (f"Here it is: ```python\n{CODE}```", CODE),
        (f"**Code:**```\n{CODE}```\nthat was it", CODE),
        (f"- ```python\n{FURTHER_IN}  ```\n- next", CODE),
        (f"2. ```python\n{INDENTED}   ```", CODE),
        (f"```python\n{CODE}    ```\nDone.", CODE),
        (f"    ```python\n{FURTHER_IN}    ```\nDone.", CODE),
        (f"    ```python\n{CODE}    ```\nDone.", CODE),
        (f"```python\n{CODE}``` That is all.", CODE),
        (f"```python\n{CODE.rstrip()}```\nDone", CODE),
        (f"> So:\n>\n> ```python\n{QUOTED}> ```\n\nDone", CODE),
        (f"> ```python\n{QUOTED}\nDone", CODE),
        (f"```py3\n{CODE}```", CODE),
        (f"```python3.11\n{CODE}```", CODE),
        (f"``` Python 3\n{CODE}```", CODE),
        (f"```{{.python .numberLines}}\n{CODE}```", CODE),
        (f"```python\n{CODE}\nThis reads a number and prints the next.\n", CODE),
        (f"```python\n{CODE}\n**Why:** it adds one.\n\nThen it prints.", CODE),
        (f"```python\nprint(input())\n\nNow the better one:\n```python\n{CODE}```", CODE),
        (f"{CODE}```\nDone", CODE),
        (f"```python\n{FENCED_EXAMPLE}```", FENCED_EXAMPLE),
        (f"```python\n{CODE}print('``` ends')\n```", f"{CODE}print('``` ends')\n"),
        (f"```python\n{CODE})\n\nThis is it.", f"{CODE})\n\nThis is it.\n"),
        (f"```python\n{CODE}\nFoo = Bar(\n", f"{CODE}\nFoo = Bar(\n"),
        ("Use `print` and ```input``` here.", None),
        ("```cpp\nint main() {}\n```", None),
        ("I do not know.", None),
        (BACKTICKS, None),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_the_program_of_a_response(response: str, found: str | None) -> None:
    got = program(response)
    assert (got and got.strip()) == (found and found.strip())


PROGRAMS = [CODE, DOCSTRING, FENCED_EXAMPLE, 'def f(x):\n    """Say ``` or\n\n    Some words here."""\n    return x\n']


def shifted(text: str, by: str) -> str:
    return "".join(f"{by}{line}\n" for line in text.splitlines())


WRAPPED: dict[str, Callable[[str], str]] = {
    "after words": lambda text: f"So here it is: ```python\n{text}```\nIt works.",
    "closed further in": lambda text: f"```python\n{text}     ```\nDone.",
    "indented": lambda text: f"    ```python\n{shifted(text, '    ')}    ```\nDone.",
    "quoted": lambda text: f"> So:\n>\n> ```python\n{shifted(text, '> ')}> ```\n\nDone.",
    "in a list": lambda text: f"1. First\n2. ```python\n{shifted(text, '   ')}   ```\n3. Done.",
    "py3": lambda text: f"```py3\n{text}```",
    "not closed": lambda text: f"```python\n{text}",
    "words after it": lambda text: f"```python\n{text}\nThis program is right since it was tested.\n",
    "words in the last line": lambda text: f"```python\n{text}``` And that is all.\n",
    "after another": lambda text: f"```python\nx = 1\n```\nBetter:\n```python\n{text}```\n```bash\npython a.py\n```",
}


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("text", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_is_the_same_however_it_is_wrapped(text: str, wrapped: str) -> None:
    found = program(WRAPPED[wrapped](text)) or ""
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(text))


def test_many_blocks_are_not_all_tried() -> None:
    assert program("```python\nx\n```\n" * 100_000) == "x\n"
    assert program("```python\nx\n```\n" * 100_000, ["f"], "def f():") is not None


def test_the_end_of_a_block_is_not_looked_for_without_end() -> None:
    assert program("```python\n(\n" + "    ``` x\n" * 100_000) is not None
    assert program("```python\n(\n" + "\nThese are some words.\n" * 40_000) is not None
    assert program("```python\nx = 1\n" + "\n> ```python\n" * 50_000) is not None


def test_a_block_that_defines_the_name_is_taken() -> None:
    response = "```python\ndef f(x): return x\n```\nTest:\n```python\nprint(f(1))\n```"
    assert program(response, ["f"]) == "def f(x): return x\n"
