"""The pages in a real browser: what is seen, keys, flags, widths, and what hostile rows cannot do."""

from pathlib import Path

import polars as pl
import pytest
from playwright.async_api import Browser, expect

from hipo_data.pipeline.viewer.export import write_pages
from hipo_data.pipeline.viewer.filters import Filters
from hipo_data.pipeline.viewer.shown_run import ShownRun
from tests.pipeline.viewer.conftest import Serve
from tests.pipeline.viewer.hostile_run import make_hostile_run
from tests.support.browser import DESKTOP, PHONE, Seen, page_of
from tests.support.made_up_run import make_run, replace_table

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]


def harmless(seen: Seen, address: str) -> None:
    assert seen.dialogs == []
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith((address, "data:,"))] == []


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
async def test_a_problem_is_read_on_one_page(browser: Browser, tmp_path: Path, serving: Serve, width: int) -> None:
    make_run(tmp_path / "run", 6, n=3, bits=0)
    path = tmp_path / "run" / "ingest" / "00-0000.parquet"
    asked = r"What is \(\frac{1}{2} + x^2\) for $x = 3$? It costs $5 or $6."
    gold = '{"type":"math","answers":["\\\\frac{19}{2}"]}'
    replace_table(tmp_path / "run", path, pl.read_parquet(path).with_columns(question=pl.lit(asked), gold=pl.lit(gold)))
    async with serving(tmp_path / "run") as address, page_of(browser, width) as seen:
        page = seen.page
        await page.goto(address)
        assert await seen.overflow() == 0
        await page.locator(".rows a", has_text="math").first.click()
        assert await seen.overflow() == 0
        assert await page.locator(".question math").count() == 2
        assert "$5 or $6" in await page.locator(".question").inner_text()
        assert await page.locator(".question mfrac, .gold mfrac").count() == 2
        for mode in ("think_on", "think_off"):
            rollouts = page.locator(f".side.{mode} .rollout")
            assert await rollouts.count() == 3
            for text in ("correct", "tokens", "stop", "seed 1"):
                await expect(rollouts.first.locator("summary").first).to_contain_text(text)
        on, off = [await page.locator(f".side.{mode}").bounding_box() for mode in ("think_on", "think_off")]
        assert on and off
        assert (on["y"] == off["y"]) == (width == DESKTOP)
        await expect(page.locator(".decision")).to_contain_text("margin")
        assert await page.locator(".decision svg.rate").count() == 2
        reasoning = page.locator(".side.think_on .reasoning").first
        assert not await reasoning.locator(".text").is_visible()
        harmless(seen, address)


async def test_keys_alone_lead_through_a_run(browser: Browser, made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address, page_of(browser, DESKTOP) as seen:
        page = seen.page
        await page.goto(address)
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        await page.keyboard.press("ArrowDown")
        second = await page.locator(".rows a").nth(1).get_attribute("href")
        assert second
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/{second}")
        await expect(page.locator(".steps")).to_contain_text("2 of 120")
        await page.keyboard.press("j")
        await expect(page.locator(".steps")).to_contain_text("3 of 120")
        await page.keyboard.press("ArrowLeft")
        await page.wait_for_url(f"**/{second}")
        await page.keyboard.press("o")
        assert await page.locator(".rollout:not([open])").count() == 0
        await page.keyboard.press("r")
        await expect(page.locator(".reasoning .text").first).to_be_visible()
        await page.keyboard.press("w")
        await page.wait_for_url("**?written=1")
        await page.keyboard.press("u")
        await expect(page.locator(".rows a").first).to_be_visible()
        await page.keyboard.press("/")
        await page.keyboard.type("What is 77 plus")
        await page.keyboard.press("Enter")
        await expect(page.locator(".rows a")).to_have_count(1)
        assert page.url.endswith("?text=What+is+77+plus")
        harmless(seen, address)


async def test_tab_reaches_every_control(browser: Browser, made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address, page_of(browser, DESKTOP) as seen:
        page = seen.page
        await page.goto(address)
        reached = []
        for _ in range(8):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.name || document.activeElement.localName"))
            assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        assert reached[:5] == ["text", "mode", "sort", "button", "summary"]
        assert "a" in reached


async def test_dark_where_the_system_is_dark(browser: Browser, made_run: Path, serving: Serve) -> None:
    shades = {}
    async with serving(made_run) as address:
        for scheme in ("light", "dark"):
            async with page_of(browser, PHONE, scheme) as seen:  # type: ignore[arg-type]
                await seen.page.goto(address)
                shades[scheme] = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shades == {"light": "rgb(253, 253, 252)", "dark": "rgb(22, 25, 28)"}


async def test_a_flag_is_written_down_and_taken_away(browser: Browser, tmp_path: Path, serving: Serve) -> None:
    make_run(tmp_path / "run", 6, n=2, bits=0)
    async with serving(tmp_path / "run") as address, page_of(browser, PHONE) as seen:
        page = seen.page
        await page.goto(address)
        await page.locator(".rows a").first.click()
        await page.keyboard.press("f")
        await page.keyboard.type('the gold is "wrong" <b>')
        await page.keyboard.press("Enter")
        await expect(page.locator("h1 .flagged")).to_be_visible()
        await expect(page.locator("input[name=remark]")).to_have_value('the gold is "wrong" <b>')
        (flagged,) = ShownRun(tmp_path / "run").flags().items()
        assert flagged[0] in page.url
        assert flagged[1] == 'the gold is "wrong" <b>'
        await page.get_by_role("button", name="Take the flag away").click()
        await expect(page.locator("h1 .flagged")).to_have_count(0)
        assert ShownRun(tmp_path / "run").flags() == {}
        harmless(seen, address)


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
async def test_hostile_rows_do_nothing(browser: Browser, tmp_path: Path, serving: Serve, width: int) -> None:
    ids = make_hostile_run(tmp_path / "run")
    ShownRun(tmp_path / "run").flag(ids[0], "<script>alert(15)</script>\" onfocus='alert(16)' autofocus='")
    async with serving(tmp_path / "run") as address, page_of(browser, width) as seen:
        for place in ("", "?text=%3Cscript%3E&reason=%22%3E%3Cimg", f"0/p/{ids[0]}", f"0/p/{ids[1]}?written=1"):
            await seen.page.goto(address + place)
            await everything_opened(seen)
        harmless(seen, address)


async def test_hostile_rows_do_nothing_in_a_file(browser: Browser, tmp_path: Path) -> None:
    ids = make_hostile_run(tmp_path / "run")
    write_pages([ShownRun(tmp_path / "run")], tmp_path / "pages", Filters(), 10)
    async with page_of(browser, DESKTOP) as seen:
        for place in ("index.html", f"problems/{ids[0]}.html"):
            await seen.page.goto((tmp_path / "pages" / place).as_uri())
            await everything_opened(seen)
        assert await seen.page.locator("form").count() == 0
        await seen.page.keyboard.press("j")
        await seen.page.wait_for_url(f"**/{ids[1]}.html")
        harmless(seen, tmp_path.as_uri())


async def everything_opened(seen: Seen) -> None:
    await seen.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    await seen.page.mouse.move(200, 300)
    await seen.page.wait_for_timeout(100)
    assert await seen.page.evaluate("window.harmed") is None
    assert await seen.overflow() == 0
    shown = await seen.page.locator("body").inner_text()
    assert "<script>" in shown
    assert "U+202E" in shown
    assert await seen.page.locator("body script, body style, iframe, img, body link, body meta, object").count() == 1
