"""What README and docs/ tell people to type works, and what they show is true."""

import re
import runpy
import shlex
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.pipeline.config_file import load_config
from tests.conftest import ROOT
from tests.support.commands import COMMAND, succeed, write_lines
from tests.support.teacher_endpoint import teacher_endpoint

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every fenced block in a language."""
    return [(page.name, text) for page in PAGES for kind, text in _BLOCK.findall(page.read_text()) if kind == language]


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line of every console block, without comments."""
    lines = chain.from_iterable([(page, line) for line in text.splitlines()] for page, text in blocks("console"))
    bare = ((page, re.sub(r"\s+#.*", "", line).strip()) for page, line in lines)
    return [(page, line) for page, line in bare if line and not line.startswith("#")]


def test_there_is_no_shell_block_that_these_tests_overlook() -> None:
    assert commands()
    assert not [page for language in ("bash", "sh", "shell") for page, _ in blocks(language)]


@pytest.mark.parametrize(("page", "command"), [item for item in commands() if item[1].startswith("make ")])
def test_make_targets_exist(page: str, command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr}"


def write_sums(folder: Path) -> None:
    """The file of docs/own-data.md, as it begins there."""
    rows = [f"sum-{i},What do {11 + i} and {30 + 7 * i} add up to?,{41 + 8 * i}" for i in range(12)]
    text = "\n".join(["id,question,answer", *rows]) + "\n"
    shown = re.search(r"```text\n(id,.*?)```", (ROOT / "docs/own-data.md").read_text(), re.DOTALL)
    assert shown and text.startswith(shown[1])
    (folder / "sums.csv").write_text(text)


@pytest.mark.slow
@pytest.mark.usefixtures("on_cluster")
def test_hipo_data_commands_run_in_the_order_of_the_page(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "problems.jsonl",
        [{"question": f"What is {i} plus {7 * i}?", "answer": str(8 * i)} for i in range(10, 22)],
    )
    answer = {"id": "a", "kind": "math", "question": "?", "gold": "1/2", "response": "\\boxed{0.5}"}
    write_lines(tmp_path / "answers.jsonl", [answer])
    write_sums(tmp_path)
    ran = 0
    with teacher_endpoint() as url:
        for page, command in commands():
            words = shlex.split(command)
            if words[0] != "hipo-data":
                continue
            if words[1:3] == ["init", "--from"]:  # the embedded teacher takes longer to start: see the test below
                words += ["--engine", "openai", "--url", url, "--model", "Qwen/Qwen3-8B"]
            out = succeed(*words[1:], cwd=tmp_path)
            ran += 1
            assert out, f"{page}: {command}"
            if words[1:3] == ["init", "recipe.yaml"]:
                recipe = tmp_path / "recipe.yaml"
                recipe.write_text(recipe.read_text().replace("http://localhost:8000/v1", url))
            if words[1] == "run":
                assert "12 → 12 examples" in out
    assert ran >= 5


@pytest.mark.long
def test_own_data_become_a_dataset_as_the_page_says(tmp_path: Path) -> None:
    write_sums(tmp_path)
    for command in [command for page, command in commands() if page == "own-data.md"]:
        out = succeed(*shlex.split(command)[1:], cwd=tmp_path)
        if " explain " in command:
            assert "id sum-3" in out
    golds = pl.read_parquet(str(tmp_path / "sums-for-trl/train.parquet"))
    assert golds.height and set(golds["solution"]) <= {rf"\boxed{{{41 + 8 * i}}}" for i in range(12)}


def test_every_other_command_is_one_that_these_tests_know() -> None:
    known = ("make ", "hipo-data ", "git ", "cd ")
    assert [item for item in commands() if not item[1].startswith(known)] == []


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_recipes_shown_are_valid(page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = yaml.safe_load(text)
    base: dict[str, Any] = yaml.safe_load((ROOT / "recipes/quickstart.yaml").read_text())
    if "engines" in shown:
        base["engines"] = {**base["engines"], **shown["engines"]}
    if "budget" in shown:  # whose parts need an engine that takes money, and one that holds a GPU
        price = {"prompt_per_million": 1, "completion_per_million": 2}
        base["engines"]["teacher"]["resources"] = {"num_gpus": 1}
        base["engines"]["paid"] = {"type": "openai", "model": "m", "base_url": "http://host/v1", "price": price}
        base["roles"]["justifier"]["engine"] = "paid"
    base |= {key: value for key, value in shown.items() if key != "engines"}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(base))
    load_config(path, [])


@pytest.fixture(scope="module")
def architecture() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "architecture.py"))


def test_pages_say_of_the_code_what_is_drawn_from_it(architecture: dict[str, Any]) -> None:
    asked: set[str] = set()
    for name in architecture["PAGES"]:
        text = (ROOT / name).read_text()
        asked.update(re.findall(r"<!-- drawn: (\w+) -->", text))
        assert text == architecture["drawn"](text), f"{name}: run `make architecture`"
    assert asked == set(architecture["DRAWN"])


def test_a_page_that_says_something_else_is_drawn_anew(architecture: dict[str, Any]) -> None:
    for name in architecture["PAGES"]:
        text = (ROOT / name).read_text()
        for part in re.findall(r"<!-- drawn: \w+ -->\n(.*?)<!-- end -->", text, re.DOTALL):
            first, *rest = part.splitlines(keepends=True)
            assert len(rest) > 3
            assert architecture["drawn"](text.replace(part, f"{first}| something else |\n")) == text


def test_a_function_that_is_gone_or_is_not_used_there_is_named(architecture: dict[str, Any]) -> None:
    way = architecture["way"]
    for step, said in (
        (("sample", "stages/sample/sample.py:gone", None), "there is no stages/sample/sample.py:gone"),
        (
            ("sample", "stages/sample/sample.py:sample", "pipeline/ray_errors.py"),
            "pipeline/ray_errors.py does not use sample",
        ),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(way.__globals__, "WAY", [step])
            with pytest.raises(ValueError, match=said):
                way()


def test_the_index_names_every_page_with_its_title_and_a_sentence() -> None:
    index = (ROOT / "docs/README.md").read_text()
    said = {
        target: (title, what) for title, target, what in re.findall(r"^\| \[(.+?)\]\((.+?)\) \| (.+) \|$", index, re.M)
    }
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert said.keys() == pages | {"../CONTRIBUTING.md"}
    for page in pages:
        title, what = said[page]
        assert (ROOT / "docs" / page).read_text().startswith(f"# {title}\n"), page
        assert len(what) > 20 and what.endswith("."), page


def test_readme_leads_to_the_index_and_to_every_page_for_users() -> None:
    linked = set(re.findall(r"\]\((docs/[^)#]+\.md)\)", (ROOT / "README.md").read_text()))
    assert linked >= {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_help_names_every_command_and_needs_no_heavy_import() -> None:
    said = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(name in said for name in ("run", "plan", "status", "show", "init"))
    loaded = subprocess.run(
        [str(Path(COMMAND).parent / "python"), "-c", "import sys, hipo_data.pipeline.cli; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not {"ray", "polars", "pyarrow", "vllm", "torch", "datasets", "altair"} & set(loaded)
