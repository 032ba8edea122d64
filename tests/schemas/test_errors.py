"""One list of what ends a command: the code has it in one file, and what the documentation says is that."""

import ast
import re
from pathlib import Path

import pytest

from hipo_data.schemas import errors
from hipo_data.schemas.errors import ExitCode, RunFailedError, StorageError, UserError
from tests.conftest import ROOT

ROOMS = [
    "engines",
    "evaluation",
    "graders",
    "models",
    "pipeline",
    "prompts",
    "reproduce",
    "schemas",
    "stages",
    "trainer",
]
PAGE = (ROOT / "docs/errors.md").read_text()
DOCUMENTED = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *(ROOT / "docs").glob("*.md"),
    *(path for path in (ROOT / "deploy").rglob("*") if path.suffix in (".sh", ".yaml")),
]
_MENTION = re.compile(r"exit(?:s with| code|ed with|,)? (\d+)(?: on SIGTERM)?")
_MESSAGE = re.compile(r"`([^`]+?) ?(?:…|\()[^`]*`, exit (\d+)")

ENDS = {
    "programs cannot be isolated from this machine's files": errors.SandboxUnavailable,
    "another hipo-data is at work in": UserError,
    "the storage refuses these credentials": StorageError,
    "the storage does not answer": StorageError,
    "the local Ray died": errors.RunFailedError,
}
"""Messages whose exit codes the documentation says, with what is raised."""


def in_rooms() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def listed() -> dict[str, type[UserError]]:
    return {name: made for name, made in vars(errors).items() if isinstance(made, type) and issubclass(made, UserError)}


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == list(ExitCode)


def test_the_table_of_errors_has_each_with_its_exit_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert rows == {name: str(int(made.exit_code)) for name, made in listed().items()}


def test_no_other_file_defines_an_error_that_ends_a_command_nor_an_exit_code() -> None:
    for path in in_rooms():
        if path == ROOT / "schemas/errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert not {ast.unparse(base).rpartition(".")[2] for base in node.bases} & set(listed()), path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "Exit", "SystemExit"):
                assert not any(isinstance(each, ast.Constant) and isinstance(each.value, int) for each in node.args), (
                    path
                )


@pytest.mark.parametrize("page", DOCUMENTED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_exit_code_that_is_written_anywhere_is_one_of_these(page: Path) -> None:
    assert {int(code) for code in _MENTION.findall(page.read_text())} <= set(ExitCode)


def test_messages_with_an_exit_code_end_with_it() -> None:
    said = {message: int(code) for page in DOCUMENTED for message, code in _MESSAGE.findall(page.read_text())}
    assert said == {message: ends.exit_code for message, ends in ENDS.items()}
    sources = "\n".join(path.read_text() for path in in_rooms())
    for message in said:
        assert message in sources, f"nothing says '{message}' any more"


def test_what_documentation_says_in_words_is_so() -> None:
    says = {
        "docs/sampling.md": (r"exits with (\d+)\. The same command with more", ExitCode.BUDGET_USED_UP),
        "docs/clusters.md": (
            r"ends the run with exit code (\d+), and the same command",
            RunFailedError.exit_code,
        ),
        "deploy/slurm.sh": (r"exits with (\d+) on SIGTERM", ExitCode.STOPPED),
        "deploy/kubernetes/cronjob.yaml": (r"exits with (\d+)\.", ExitCode.STOPPED),
        "deploy/kubernetes/raycronjob.yaml": (r"still at work ends with exit code (\d+)", UserError.exit_code),
    }
    for page, (pattern, code) in says.items():
        assert re.findall(pattern, (ROOT / page).read_text()) == [str(int(code))], page
