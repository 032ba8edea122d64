"""Draws what docs/ says of the code, from the code: what stands between `<!-- drawn: NAME -->` and `<!-- end -->`.

`make architecture` rewrites the pages; the test suite fails where one is not what is drawn.
"""

import ast
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/architecture.md", "docs/README.md", "docs/families.md")

# A row's way: the stage, the function, and the file or folder that uses it. What it does, its docstring says first.
WAY = [
    ("start", "pipeline/commands/run.py:run", None),
    ("start", "pipeline/config_file.py:load_config", "pipeline/commands/run.py"),
    ("start", "pipeline/run/attempt.py:take_up", "pipeline/commands/run.py"),
    ("start", "pipeline/graph/states.py:state_of", "pipeline/run"),
    ("start", "pipeline/nodes/on_cpus.py:run_cpu_node", "pipeline/run"),
    ("ingest", "pipeline/nodes/ingest.py:run_ingest", "pipeline/nodes/on_cpus.py"),
    ("ingest", "stages/ingest/origins.py:open_source", "pipeline/nodes/ingest.py"),
    ("ingest", "stages/ingest/ingest.py:ingest", "pipeline/nodes/ingest.py"),
    ("ingest", "stages/ingest/rows.py:read_rows", "stages/ingest/ingest.py"),
    ("ingest", "stages/ingest/filters/apply.py:apply_filters", "stages/ingest/rows.py"),
    ("ingest", "stages/ingest/golds.py:parse_golds", "stages/ingest/rows.py"),
    ("ingest", "stages/ingest/merging.py:merge", "stages/ingest/ingest.py"),
    ("ingest", "stages/ingest/near_duplicate_search.py:find_near_duplicates", "stages/ingest/ingest.py"),
    ("ingest", "stages/ingest/writing.py:problem_table", "stages/ingest/ingest.py"),
    ("sample", "pipeline/nodes/sample.py:run_sample", "pipeline/replicas/actor.py"),
    ("sample", "stages/sample/sample.py:sample", "pipeline/nodes/sample.py"),
    ("sample", "stages/asking/role_requests.py:role_request", "stages/sample/sample.py"),
    ("sample", "prompts/families/reading.py:read", "stages/asking/responses.py"),
    ("sample", "stages/stopping/sampler.py:sample_until_decided", "pipeline/nodes/sample.py"),
    ("verify", "stages/verify/verify.py:verify", "pipeline/nodes/on_cpus.py"),
    ("verify", "graders/grader.py:Grader.grade", "stages/verify/verify.py"),
    ("select", "stages/select/select.py:select_picks", "pipeline/nodes/on_cpus.py"),
    ("justify", "pipeline/nodes/justify.py:run_justify", "pipeline/replicas/actor.py"),
    ("justify", "stages/justify/justify.py:justify", "pipeline/nodes/justify.py"),
    ("justify", "stages/justify/checks.py:objection", "stages/justify/justify.py"),
    ("publish", "pipeline/nodes/publish.py:write_dataset", "pipeline/nodes/on_cpus.py"),
    ("publish", "stages/publish/tables.py:rl_table", "pipeline/nodes/publish.py"),
    ("publish", "stages/publish/card.py:card", "pipeline/nodes/publish.py"),
]


def contracts() -> list[dict[str, Any]]:
    """The import contracts of pyproject.toml."""
    found: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    return found


def layers(container: str) -> list[list[str]]:
    """The layers inside a package by its contract, those above first; names of one layer know nothing of each other."""
    contract = next(each for each in contracts() if each.get("containers") == [container])
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def rooms() -> str:
    """A row for each room and sub-room, those that know the least first."""
    lines = ["| path | owns |", "| --- | --- |"]
    for layer in reversed(layers("hipo_data")):
        for room in layer:
            for init in sorted((ROOT / room).rglob("__init__.py")):
                path = init.parent.relative_to(ROOT)
                name = f"**`{path}/`**" if path == Path(room) else f"`{path}/`"
                lines.append(f"| {name} | {first_sentence(ast.get_docstring(parsed(init)))} |")
    return "\n".join(lines)


def directions() -> str:
    """A row for each room: which rooms its files may import."""
    order = [room for layer in reversed(layers("hipo_data")) for room in layer]
    lines = ["| room | may import |", "| --- | --- |"]
    for room in order:
        beside = next(layer for layer in layers("hipo_data") if room in layer)
        below = [other for other in order[: order.index(room)] if other not in beside]
        may = [f"`{other}`" for other in below if other not in forbidden(room)]
        lines.append(f"| `{room}` | {', '.join(may) or 'no other room'} |")
    return "\n".join(lines)


def forbidden(room: str) -> set[str]:
    """The rooms that a contract of its own keeps from a room."""
    return {
        name.removeprefix("hipo_data.")
        for contract in contracts()
        if contract["type"] == "forbidden" and f"hipo_data.{room}" in contract["source_modules"]
        for name in contract["forbidden_modules"]
    }


def inside() -> str:
    """A line for each room with a way of its own, what may import all else first."""
    containers = [each["containers"][0] for each in contracts() if each["type"] == "layers"]
    lines = []
    for container in containers:
        if container != "hipo_data":
            way = " → ".join(" \\| ".join(f"`{name}`" for name in layer) for layer in layers(container))
            lines.append(f"| `{container.removeprefix('hipo_data.')}` | {way} |")
    return "\n".join(["| room | from the top down |", "| --- | --- |", *lines])


def way() -> str:
    """A row for each function that a source row passes, in order. Raises `ValueError` where one is not called there."""
    lines = ["| stage | function | what it does |", "| --- | --- | --- |"]
    for stage, place, caller in WAY:
        file, _, name = place.partition(":")
        if caller is not None and name.rpartition(".")[2] not in names_in(ROOT / caller):
            raise ValueError(f"scripts/architecture.py: {caller} does not use {name}; mend WAY")
        says = first_sentence(ast.get_docstring(function(parsed(ROOT / file), name, place)))
        lines.append(f"| {stage} | `{name}` in [{file}](../{file}) | {says} |")
    return "\n".join(lines)


def decisions() -> str:
    """A line for each decision record, by its title."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    titles = [path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for path in records]
    return "\n".join(f"- [{title}](decisions/{path.name})" for path, title in zip(records, titles, strict=True))


def families() -> str:
    """A row for each family of models."""
    from hipo_data.prompts.families.table import markdown

    return markdown()


DRAWN: dict[str, Callable[[], str]] = {
    "rooms": rooms,
    "directions": directions,
    "inside": inside,
    "way": way,
    "decisions": decisions,
    "families": families,
}


def drawn(text: str) -> str:
    """A page with all its drawn parts as they should be."""
    return re.sub(
        r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{DRAWN[found[2]]()}\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def names_in(place: Path) -> set[str]:
    """Every name that a file, or those of a folder, reads, also as an attribute."""
    files = place.rglob("*.py") if place.is_dir() else [place]
    nodes = [node for file in files for node in ast.walk(parsed(file))]
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def function(tree: ast.AST, name: str, place: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef:
    """A function, or a method as `Class.method`. Raises `ValueError` where there is none."""
    first, _, rest = name.partition(".")
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == first:
            return function(node, rest, place) if rest else node
    raise ValueError(f"scripts/architecture.py: there is no {place}; mend WAY")


def first_sentence(docstring: str | None) -> str:
    """Of a docstring, on one line and fit for a table."""
    paragraph = " ".join((docstring or "").partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0].removesuffix(".").replace("|", "\\|")


def main() -> None:
    """Rewrites the pages."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(drawn(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
