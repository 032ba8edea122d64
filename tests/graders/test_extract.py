"""The program in a response, wherever models put it."""

import pytest

from hipo_data.graders.code.extract import program

CODE = "n = int(input())\nprint(n + 1)\n"
INDENTED = "".join(f"   {line}\n" for line in CODE.splitlines())
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
        ("Use `print` and ```input``` here.", None),
        ("```cpp\nint main() {}\n```", None),
        ("I do not know.", None),
        (BACKTICKS, None),
    ],
    ids=lambda value: (value or "none")[:20],
)  # fmt: skip
def test_the_program_of_a_response(response: str, found: str | None) -> None:
    assert program(response) == found


def test_many_blocks_are_not_all_tried() -> None:
    assert program("```python\nx\n```\n" * 100_000) == "x\n"
    assert program("```python\nx\n```\n" * 100_000, ["f"], "def f():") is not None


def test_a_block_that_defines_the_name_is_taken() -> None:
    response = "```python\ndef f(x): return x\n```\nTest:\n```python\nprint(f(1))\n```"
    assert program(response, ["f"]) == "def f(x): return x\n"
