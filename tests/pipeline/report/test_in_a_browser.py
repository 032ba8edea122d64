"""The report in a real browser, on a telephone and on a desk: nothing is cut off, and charts can be read."""

from pathlib import Path

import polars as pl
import pytest
from playwright.async_api import Browser

from hipo_data.pipeline.views.run_files import open_run
from tests.pipeline.report.pages import page
from tests.support.browser import DESKTOP, PHONE, page_of
from tests.support.made_up_run import make_run, replace_table

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

_LONG = "a_name_without_any_place_to_break_it_" * 12

_OUTSIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const box = element.getBoundingClientRect();
  if (!own || !box.width || element.closest("table")) return false;  // a table scrolls within itself
  return box.left < 0 || box.right > window.innerWidth;
}).map((element) => element.textContent)"""
_WIDE_TABLES = """() => [...document.querySelectorAll("table")].filter((table) =>
  table.getBoundingClientRect().right > window.innerWidth).length"""
_SIZES = """() => [...document.querySelectorAll("svg text")].filter((text) => text.textContent.trim()).map((text) => {
  const matrix = text.getScreenCTM();
  return parseFloat(getComputedStyle(text).fontSize) * Math.hypot(matrix.a, matrix.b);
})"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with long names of datasets, questions and answers."""
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, 40, n=4, bits=0)
    for path in [*(folder / "ingest").glob("*.parquet"), *(folder / "justify").glob("00-0000.parquet")]:
        rows = pl.read_parquet(path)
        renamed = pl.element().struct.with_fields(
            pl.concat_str(pl.element().struct["dataset"], pl.lit(_LONG)).alias("dataset")
        )
        changed = [pl.col("sources").list.eval(renamed)]
        changed += [pl.lit(_LONG).alias(name) for name in ("question",) if name in rows.columns]
        replace_table(folder, path, rows.with_columns(changed))
    file = folder / "report.html"
    file.write_text(page(open_run(folder)))
    return file


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_nothing_is_cut_off_and_charts_can_be_read(browser: Browser, written: Path, width: int) -> None:
    async with page_of(browser, width) as seen:
        await seen.page.goto(written.as_uri())
        await seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert await seen.overflow() == 0
        assert await seen.page.evaluate(_OUTSIDE) == []
        assert await seen.page.evaluate(_WIDE_TABLES) == 0
        sizes = await seen.page.evaluate(_SIZES)
        assert len(sizes) > 100
        assert min(sizes) >= 10
        assert seen.requests == [written.as_uri()]
        assert seen.dialogs == seen.complaints == []
