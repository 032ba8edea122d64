"""The pages of runs as files, for somebody without them: problems in pages of a list, and a page for each."""

import re
from collections.abc import Sequence
from pathlib import Path

from hipo_data.pipeline.viewer.filters import PAGE, Filters, matching
from hipo_data.pipeline.viewer.pages import Links, Look, problem_page, problems_page, runs_page
from hipo_data.pipeline.viewer.shown_run import ShownRun, nothing_yet
from hipo_data.schemas.errors import UserError

PROBLEMS = "problems"
"""Folder of the pages of problems."""


def write_pages(runs: Sequence[ShownRun], out: Path, asked: Filters, most: int) -> dict[Path, tuple[int, int]]:
    """Writes the pages; returns for each run's first page how many problems it has and how many are meant.

    Args:
        out: a folder, new or empty.
        asked: which problems, and in which order.
        most: of each run, at most so many.

    Raises `UserError` where the folder holds something, where a run has nothing yet, or where no problem is meant.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already and not an empty folder; choose another --html")
    written = {}
    rows = []
    for at, run in enumerate(runs):
        folder = out if len(runs) == 1 else out / f"{at + 1}-{re.sub(r'[^A-Za-z0-9._-]', '_', run.name)[:60]}"
        written[folder / "index.html"] = counted = _write_run(run, folder, asked, most, alone=len(runs) == 1)
        place = f"{folder.name}/index.html"
        rows.append({"href": place, "name": run.name, "place": str(run.run_dir), "problems": counted[0]})
    if len(runs) > 1:
        (out / "index.html").write_text(runs_page(rows, served=False), encoding="utf-8")
    return written


def _write_run(run: ShownRun, folder: Path, asked: Filters, most: int, *, alone: bool) -> tuple[int, int]:
    index = run.index()
    if not index.files.shards:
        raise UserError(nothing_yet(run.run_dir))
    flags, rows = run.flags(), None
    if asked.text:
        search = run.search(index, asked.text)
        while not search.wait(60):
            pass
        rows = search.rows
    meant = matching(index, asked, rows, flags)
    if meant.is_empty():
        raise UserError(f"no problem of {run.run_dir} is as --where asks")
    found = meant.head(most)
    listed = Look(run.name, str(run.run_dir), _links("", alone=alone))
    (folder / PROBLEMS).mkdir(parents=True)
    all_are_here = found.height == meant.height
    said = None if all_are_here else f"The first {found.height:,} of {meant.height:,} problems are in these files."
    for page in range(1, -(-found.height // PAGE) + 1):
        of_page = Filters(page=page)
        text = problems_page(listed, index, found, of_page, flags, remark=said)
        (folder / _name(page)).write_text(text, encoding="utf-8")
    look = Look(run.name, str(run.run_dir), _links("../", alone=alone))
    ids = found["problem_id"].to_list()
    for at, problem_id in enumerate(ids):
        of_page = Filters(page=at // PAGE + 1)
        text = problem_page(
            look,
            run.story(index, problem_id),
            of_page,
            (at + 1, len(ids)),
            ids[at - 1] if at else None,
            ids[at + 1] if at + 1 < len(ids) else None,
            served=False,
            remark=flags.get(problem_id),
        )
        (folder / PROBLEMS / f"{problem_id}.html").write_text(text, encoding="utf-8")
    return len(ids), meant.height


def _links(up: str, *, alone: bool) -> Links:
    here = "" if up else f"{PROBLEMS}/"
    home = None if alone else f"{up}../index.html"
    return Links(home, lambda asked: up + _name(asked.page), lambda problem_id, asked: f"{here}{problem_id}.html")


def _name(page: int) -> str:
    return "index.html" if page == 1 else f"page-{page}.html"
