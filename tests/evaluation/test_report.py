"""What people see of evaluations is what was measured, and stands alone."""

import io
import re
import shlex
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from hipo_data.evaluation.cli import register
from hipo_data.evaluation.evaluate import evaluate, report
from hipo_data.evaluation.report import compare, print_comparison, print_result, write_comparison, write_report
from hipo_data.evaluation.result import EvaluationResult
from hipo_data.schemas.errors import UserError
from tests.evaluation.evaluating import Scripted, sums
from tests.support.commands import COMMAND, fail, succeed, write_lines


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three evaluations of the same sums: of a model that always thinks, one that does at times, one that never."""
    base = tmp_path_factory.mktemp("evaluations")
    problems = sums(base / "sums.jsonl", count=20)
    for name, below in (("always", 20), ("sometimes", 10), ("never", 0)):
        evaluate("m", problems, "hipo", [0], True, base / name, Scripted(thinks_below=below))
    return [base / name for name in ("always", "sometimes", "never")]


def result(folder: Path) -> EvaluationResult:
    return EvaluationResult.model_validate_json((folder / "evaluation.json").read_bytes())


def printed(width: int = 200) -> tuple[Console, io.StringIO]:
    said = io.StringIO()
    return Console(file=said, width=width), said


def test_the_terminal_shows_the_figures(folders: list[Path]) -> None:
    console, said = printed()
    print_result(console, result(folders[1]))
    # Of 20: right on 0 to 9 by thinking, on five of the others without.
    free = next(line for line in said.getvalue().splitlines() if line.startswith("free choice"))
    assert free.split()[:3] == ["free", "choice", "75.0%"]
    assert "50.0%" in free  # the share of think-on
    assert "Hybrid accuracy 50.0%" in said.getvalue()
    assert "By family" in said.getvalue()


def test_of_multiple_choice_accuracy_is_shown_without_luck_as_well(folders: list[Path], tmp_path: Path) -> None:
    rows = [
        {"question": f"{i}+{i}?", "options": [str(2 * i + more) for more in range(4)], "answer": "A"} for i in range(20)
    ]
    problems = write_lines(tmp_path / "choices.jsonl", rows)
    evaluate("m", problems, "hipo", [0], False, tmp_path / "out", Scripted(thinks_below=10))
    console, said = printed()
    print_result(console, result(tmp_path / "out"))
    free = next(line for line in said.getvalue().splitlines() if line.startswith("free choice"))
    assert free.split()[:4] == ["free", "choice", "75.0%", "66.7%"]  # (3/4 - 1/4) / (1 - 1/4)
    assert "without luck" in said.getvalue().replace("\n", " ")
    assert "luck" not in printed_wide(folders[1])


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_narrow_terminal_cuts_no_figure(folders: list[Path], width: int) -> None:
    console, said = printed(width)
    print_result(console, result(folders[1]))
    assert "…" not in said.getvalue()
    assert said.getvalue().count("75.0%") == printed_wide(folders[1]).count("75.0%")


def printed_wide(folder: Path) -> str:
    console, said = printed(400)
    print_result(console, result(folder))
    return said.getvalue()


def test_the_page_and_the_charts_need_nothing_else(folders: list[Path]) -> None:
    page, svg, png = write_report(folders[1], result(folders[1]))
    text = page.read_text()
    assert "75.0%" in text and "forced think-off" in text and "<svg" in text
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)""", text)
    assert not loaded and "<script" not in text and "@import" not in text
    assert svg.read_text().startswith("<svg")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_models_name_cannot_break_the_page(tmp_path: Path) -> None:
    found = evaluate("<b>&m", sums(tmp_path / "s.jsonl"), "hipo", [0], False, tmp_path / "out", Scripted())
    text = write_report(tmp_path / "out", found)[0].read_text()
    assert "&lt;b&gt;&amp;m" in text and "<b>" not in text


def test_evaluations_are_compared_with_the_first(folders: list[Path]) -> None:
    found = compare(folders)
    assert list(found.results) == ["always", "sometimes", "never"]
    assert [found.against_first[name].value for name in ("sometimes", "never")] == [-0.25, -0.5]
    console, said = printed()
    print_comparison(console, found)
    lines = {line.split()[0]: line for line in said.getvalue().splitlines() if line.strip()}
    budgets = [[point.budget for point in curve] for curve in found.curves.values()]
    assert budgets[0] == budgets[1] == budgets[2]
    assert [found.curves[name][-1].accuracy for name in found.results] == [1.0, 0.75, 0.5]
    assert [found.curves[name][0].accuracy for name in found.results] == [0.0, 0.25, 0.5]  # 8 tokens
    assert "-25.0 (" in lines["sometimes"]
    assert "-42.0%" in lines["sometimes"]  # (10 · 50 + 10 · 8) / 20 = 29 tokens against 50
    assert "-50.0" in lines["sometimes"]  # points of the share of think-on


def test_a_comparison_is_written(folders: list[Path], tmp_path: Path) -> None:
    paths = write_comparison(tmp_path, compare(folders))
    assert sorted(path.name for path in paths) == [
        "comparison.html",
        "comparison.json",
        "comparison.png",
        "comparison.svg",
    ]
    assert all(name in (tmp_path / "comparison.svg").read_text() for name in ("always", "sometimes", "never"))


def test_folders_of_one_name_are_told_apart(folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "always").symlink_to(folders[0])
    other = tmp_path / "other" / "always"
    evaluate("m", folders[0].parent / "sums.jsonl", "hipo", [0], False, other, Scripted())
    assert list(compare([folders[0], other]).results) == [f"{folders[0].parent.name}/always", "other/always"]
    with pytest.raises(UserError, match="the same folder is given twice"):
        compare([folders[0], tmp_path / "b" / "always"])


def test_only_the_same_problems_are_compared(folders: list[Path], tmp_path: Path) -> None:
    evaluate("m", sums(tmp_path / "few.jsonl", count=3), "hipo", [0], False, tmp_path / "few", Scripted())
    with pytest.raises(UserError, match=r"few asked other problems \(.*few\.jsonl\) than .*cannot be compared"):
        compare([folders[0], tmp_path / "few"])
    with pytest.raises(UserError, match="takes two to 8 folders; given were 1"):
        compare(folders[:1])
    with pytest.raises(UserError, match="holds no finished evaluation"):
        compare([folders[0], tmp_path / "nowhere"])


def test_the_commands_report_and_compare(folders: list[Path], tmp_path: Path) -> None:
    said = succeed("eval", "report", folders[0], cwd=tmp_path)
    assert "free choice" in said and "wrote " in said
    said = succeed("eval", "report", folders[0], "-q", cwd=tmp_path)
    assert "free choice" in said and "wrote " not in said
    said = succeed("eval", "compare", *folders, "--out", tmp_path / "compared", cwd=tmp_path)
    assert "against the first" in said
    assert (tmp_path / "compared" / "comparison.html").is_file()


def test_budgets_are_a_table_a_way(folders: list[Path], tmp_path: Path) -> None:
    found = report(folders[1], budgets=[8, 50])
    console, said = printed()
    print_result(console, found)
    lines = [line.strip() for line in said.getvalue().splitlines()]
    at = lines.index("Budgets, free choice")
    # Ten responses of 50 tokens, ten of 8, of which five are right: over 8 by 42, over 50 by nothing.
    assert lines[at + 2].split() == ["8", "all", "20", "50.0%", "42.0", "42.0", "42", "25.0%", "50.0%"]
    assert lines[at + 3].split() == ["50", "all", "20", "0.0%", "–", "–", "–", "75.0%", "75.0%"]
    assert "Budgets, forced think-off" in lines
    page, *_ = write_report(tmp_path, found)
    assert "Budgets, forced think-on" in page.read_text()
    assert report(folders[1]).compliance == []


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    bare = write_lines(tmp_path / "bare.jsonl", [{"question": "1+1?"}])
    assert "row 0 has no gold" in fail("eval", "run", "m", "--out", "out", "--problems", bare, cwd=tmp_path)


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    app = typer.Typer()
    register(app)
    problems = sums(tmp_path / "sums.jsonl")
    run = ("eval", "run", "m", "--out", str(tmp_path / "out"), "--problems")
    for args, said in [
        ((*run, "nowhere.jsonl"), "there is no evaluation set"),
        ((*run, problems, "--format", "hypo"), "there is no format 'hypo'"),
        ((*run, problems, "--format", "plain", "--forced"), "a plain model has no modes to force"),
        ((*run, problems, "--backend", "tgi"), "there is no backend 'tgi'"),
        ((*run, problems, "--engine-args", "{"), "--engine-args is not JSON"),
        ((*run, problems, "--tokenizer", "x"), "give its --base-url too"),
        ((*run, problems, "--budgets", "500,0"), "--budgets has '0'; it takes numbers of tokens above 0"),
        (("eval", "report", tmp_path, "--budgets", "5,many"), "--budgets has 'many'"),
        ((*run, problems, "--sandbox", "chroot"), "--sandbox is bubblewrap, landlock or none"),
        (("eval", "compare", "a"), "a comparison takes two to 8 folders"),
        (("eval", "report", tmp_path), "holds no rows of an evaluation"),
    ]:
        done = CliRunner().invoke(app, [str(arg) for arg in args])
        assert isinstance(done.exception, UserError), args
        assert said in str(done.exception)


def test_help_is_light() -> None:
    import subprocess

    code = "import sys, hipo_data.evaluation.cli; print(*sys.modules)"
    python = str(Path(COMMAND).parent / "python")
    loaded = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "vllm", "polars", "altair", "openai", "numpy"} & set(loaded)


def test_the_commands_of_the_page_are_understood(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*args: object, **kwargs: object) -> None:
        raise UserError("reached")

    for name in ("evaluate.evaluate", "evaluate.report", "report.compare"):
        monkeypatch.setattr(f"hipo_data.evaluation.{name}", reached)
    app = typer.Typer()
    register(app)
    commands = re.findall(r"`hipo-data (eval [^`]+)`", (repo_root / "docs" / "evaluation.md").read_text())
    assert len(commands) >= 7
    for command in commands:
        assert str(CliRunner().invoke(app, shlex.split(command)).exception) == "reached", command
