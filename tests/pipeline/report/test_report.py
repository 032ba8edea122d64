"""The report is one page that needs nothing else, as large for many problems as for few, and true to the run."""

import json
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from hipo_data.pipeline.report import figures
from hipo_data.pipeline.report.page import cut
from hipo_data.pipeline.store.manifest import read_manifest, write_manifest
from hipo_data.pipeline.views.run_files import open_run
from hipo_data.schemas.check_config import CheckConfig
from hipo_data.stages.sample.shown import Shown
from tests.pipeline.report.pages import page
from tests.support.made_up_run import make_run, replace_table, replace_text


def texts(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    make_run(path, 300, n=4, bits=2)
    return path


@pytest.fixture(scope="module")
def made(run_dir: Path) -> str:
    return page(open_run(run_dir))


def test_it_needs_no_script_and_no_network(made: str) -> None:
    assert "<script" not in made
    assert not re.search(r"""(src|href)=["'](https?:)?//""", made.replace("http://www.w3.org", ""))
    assert "@import" not in made
    assert "url(http" not in made


def test_no_heading_comes_twice(made: str) -> None:
    found = [texts(each) for each in re.findall(r"<h[1-3]>(.*?)</h[1-3]>", made)]
    assert found[1:4] == ["What came out", "Not passed on", "What to look at"]
    assert len(found) == len(set(found))
    assert found[-2:] == ["justifier", "Run and versions"]


def test_it_says_how_the_run_was_made(made: str) -> None:
    said = texts(made)
    record = "model recorded engine recorded: recorded responses, null n 4 rollouts a problem sampling as whoever"
    assert record in said
    assert "lengths in characters" in said
    assert re.search(r"last started \d{4}-\d\d-\d\d \d\d:\d\d UTC hipo-data \d", said)
    assert re.search(r"other versions python 3\.\d+\.\d+, ray \d", said)


def test_models_settings_tokens_and_cost_of_an_endpoint(tmp_path: Path) -> None:
    engine = {
        "type": "openai", "model": "org/Hybrid", "base_url": "https://me:hunter2@host.example/v1",
        "extra_body": {"api_key": "hunter2"}, "price": {"prompt_per_million": 1000, "completion_per_million": 2000},
    }  # fmt: skip
    sampling = {"temperature": 0.6, "top_p": 0.9, "max_tokens": 5000, "extra": {"top_k": 20}}
    roles = {
        role: {"engine": "teacher", "sampling": sampling, "chat_template_kwargs": {"enable_thinking": thinks}}
        for role, thinks in {"think_on": True, "think_off": False, "justifier": False}.items()
    }  # fmt: skip
    make_run(tmp_path, 6, n=2, bits=0, engines={"teacher": engine}, roles=roles)
    for mode, tokens in (("think_on", 30), ("think_off", 7)):
        path = tmp_path / f"sample.{mode}/00-0000.json"
        manifest = read_manifest(path)
        assert manifest is not None
        counts = manifest.counts | {"prompt_tokens": 1000, "completion_tokens": 1000 * tokens}
        write_manifest(path, manifest.model_copy(update={"counts": counts}))
    html = page(open_run(tmp_path))
    said = texts(html)
    assert "hunter2" not in html
    assert "model org/Hybrid engine teacher: an endpoint, https://***@host.example/v1 n 2 rollouts a problem" in said
    assert 'temperature 0.6 top_p 0.9 max_tokens 5,000 further parameters {"top_k": 20}' in said
    assert 'mode switch chat_template_kwargs: {"enable_thinking": true} extra_body: {"api_key": "***"}' in said
    assert "think-on 12 1,000 30,000 61.00 USD think-off 12 1,000 7,000 15.00 USD justifier" in said
    attempts = pl.read_parquet(tmp_path / "justify/00-0000.attempts.parquet").height
    assert f"{76 + attempts * (9 * 1000 + 30 * 2000) / 1e6:.2f} USD for its responses" in said


def test_failed_requests_are_told_with_their_reasons(tmp_path: Path) -> None:
    make_run(tmp_path, 6, n=2, bits=0)
    assert "Failed requests" not in texts(page(open_run(tmp_path)))
    path = tmp_path / "sample.think_on/00-0000.json"
    manifest = read_manifest(path)
    assert manifest is not None
    write_manifest(path, manifest.model_copy(update={"counts": manifest.counts | {"failed": 3}}))
    rows = pl.read_parquet(path.with_suffix(".parquet")).with_row_index("at")
    failed = rows.with_columns(
        finish_reason=pl.when(pl.col("at") < 3).then(pl.lit("error")).otherwise("finish_reason"),
        error=pl.when(pl.col("at") < 3).then(pl.lit("HTTP 400: <b>too long</b> key=hunter2&api_key=hunter2")),
    ).drop("at")
    replace_table(tmp_path, path.with_suffix(".parquet"), failed)
    html = page(open_run(tmp_path))
    assert "HTTP 400: &lt;b&gt;too long" in html
    assert "api_key=hunter2" not in html
    assert re.search(r"Failed requests what was answered mode requests HTTP 400: .* think-on 3 They", texts(html))


def test_every_chart_is_there(made: str) -> None:
    assert made.count("<svg") == 14
    captions = texts(made)
    for caption in (
        "From rows to examples",
        "How firm the decisions are",
        "How likely each mode is the wrong one",
        "By difficulty",
        "Dotted: the share",
    ):
        assert caption in captions


def test_its_numbers_are_those_of_the_run(run_dir: Path, made: str) -> None:
    said = texts(made)
    decisions = pl.read_parquet(str(run_dir / "select/02-????.parquet"))
    kept = decisions.filter(pl.col("mode").is_not_null()).height
    assert f"300 problems {kept} examples" in said
    drops = decisions["drop_reason"].drop_nulls().value_counts().rows()
    assert drops
    for reason, count in drops:
        assert f"select {reason} {count}" in said
    assert "ingest 302 300 2 0" in said


def test_it_says_what_the_modes_show(run_dir: Path, made: str) -> None:
    table = made[made.index('<table class="audit">') :]
    said = texts(table[: table.index("</table>")])
    assert said.startswith("think-on think-off asked 1,200 1,200 whole, with reasoning 1,1")
    assert "of those without, think aloud – 0 of those without, out of proportion in length – 0 median" in said
    assert "Over a limit" not in made
    leaking = open_run(run_dir)
    leaking.config = leaking.config.model_copy(update={"check": CheckConfig(off_reasoning=0)})
    first = next(name for name in leaking.manifests if name.startswith("sample.think_off/"))
    counts = Shown(reasoned=9, reasoning=9).counts()
    leaking.manifests[first] = leaking.manifests[first].model_copy(update={"counts": counts})
    said = r"Over a limit: 9 of \d+ think-off responses hold reasoning \(at most 0.0 % may\)"
    assert re.search(said, texts(page(leaking)))


def test_twenty_examples_take_turns_over_kinds_and_modes(made: str) -> None:
    found = re.findall(r'<details class="card (\w+)">\s*<summary><b>(\w+) ·', made)
    assert len(found) == 20
    assert {found.count(group) for group in set(found)} == {5}


def test_it_is_no_larger_for_many_problems(tmp_path: Path, made: str) -> None:
    make_run(tmp_path, 2000, n=4, bits=1, words=4000)
    assert len(page(open_run(tmp_path))) < len(made) + 20 * 7_000  # cards are cut; nothing else may grow


@pytest.mark.long
def test_a_hundred_thousand_problems_give_a_page_of_less_than_ten_megabytes(tmp_path: Path) -> None:
    make_run(tmp_path, 100_000, n=8, bits=4, words=400)
    assert len(page(open_run(tmp_path)).encode()) < 10 * 2**20


@pytest.mark.parametrize("problems", [0, 1])
def test_a_run_of_next_to_nothing_has_a_report_too(tmp_path: Path, problems: int) -> None:
    make_run(tmp_path, problems, n=2, bits=1)
    assert f"{problems} problems" in texts(page(open_run(tmp_path)))


def test_text_of_problems_is_never_markup(tmp_path: Path) -> None:
    make_run(tmp_path, 4, n=2, bits=0)
    path = tmp_path / "justify/00-0000.parquet"
    rows = pl.read_parquet(path).with_columns(question=pl.lit("<img src=x onerror=alert(1)> 2 < 3"))
    replace_table(tmp_path, path, rows)
    html = page(open_run(tmp_path))
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_what_if_reads_no_more_shards_than_it_may_and_says_so(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipo_data.pipeline.report.page._WHATIF_BYTES", 1)
    files = open_run(run_dir)
    assert figures.sample_of_shards(files, 1) == files.shards[:1]
    assert figures.sample_of_shards(files, 2**40) == files.shards
    first = pl.read_parquet(run_dir / f"ingest/{files.shards[0]}.parquet").height
    assert f"By {first} of the 300 problems, a draw by hash;" in texts(page(files))


def test_a_policy_without_flips_has_no_chart_of_them(tmp_path: Path) -> None:
    make_run(tmp_path, 40, n=3, bits=0, select={"policy": "shortest"})
    said = texts(page(open_run(tmp_path)))
    assert "How firm the decisions are" not in said
    assert "The policy 'shortest' does not read δ" in said


def test_tokens_saved_are_told_where_the_manifests_count_them(tmp_path: Path) -> None:
    make_run(tmp_path, 10, n=2, bits=0)
    path = tmp_path / "sample.think_on/00-0000.json"
    manifest = read_manifest(path)
    assert manifest is not None
    assert figures.saved(open_run(tmp_path).manifests) is None
    counts = {"saved_tokens": 3000, "capped": 4, "completion_tokens": 9000}
    write_manifest(path, manifest.model_copy(update={"counts": counts}))
    said = texts(page(open_run(tmp_path)))
    assert "cut off 4 rollouts and saved about 3,000 characters, 25.0 % of what" in said
    assert "if the rollouts that were not asked for would have been as long as those that were" in said


def frame(rows: Sequence[tuple[str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"problem_id": pl.String, "mode": pl.String}, orient="row")


def test_sources_beyond_a_dozen_are_one() -> None:
    ids = [str(number) for number in range(200)]
    decisions = frame([(key, "think_on") for key in ids])
    named = pl.DataFrame({"problem_id": ids, "dataset": [f"d{min(int(key), 40) % 20:02d}" for key in ids]})
    shares = figures.shares_by_source(decisions, named)
    assert shares["dataset"].n_unique() == 12
    assert shares["dataset"][-1] == "other sources"
    assert shares["problems"].sum() == 200
    assert shares["dataset"][0] == "d00"  # the largest


def test_difficulty_is_shown_by_tenths_of_the_problems_that_have_one() -> None:
    decisions = frame([("a", "think_on"), ("b", None), ("c", "think_off"), ("d", "think_off")])
    known = pl.DataFrame({"problem_id": ["a", "b", "c", "d"], "difficulty": [0.05, 1.0, 0.05, None]})
    assert figures.shares_by_difficulty(decisions, known).rows() == [
        ("think-off", 1, "0–10 %"),
        ("think-on", 1, "0–10 %"),
        ("dropped", 1, "90–100 %"),
    ]


def test_lengths_have_a_bin_each_from_the_shortest_to_the_longest() -> None:
    lengths = pl.DataFrame({"mode": ["think_off", "think_on", "think_on"], "completion_tokens": [3, 16, 16]})
    bins = figures.kept_token_bins(lengths)
    assert bins.filter(pl.col("count") > 0).rows() == [(8, "think-off", 1), (16, "think-on", 2)]
    assert bins["bin"].unique().sort().to_list() == [8, 10, 13, 16]


def test_long_texts_lose_their_middle() -> None:
    assert cut("a" * 10, most=10) == "a" * 10
    assert cut("a" * 50 + "b" * 50, most=10) == "aaaaa\n\n[… 90 characters left out …]\n\nbbbbb"


HOSTILE = '<script>alert(1)</script><img src="//evil" onerror=x>&lt;{{ 7 * 7 }}\x1b[2J\u202e\'"'


def test_texts_of_others_are_obeyed_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the title, names of datasets and reasons, questions, thoughts, answers, justifications; in charts as well."""
    make_run(tmp_path, 40, n=4, bits=0)
    for path in [*(tmp_path / "ingest").glob("*.parquet"), *(tmp_path / "justify").glob("*.parquet")]:
        rows = pl.read_parquet(path)
        texts_of = [name for name in ("question", "reasoning", "answer", "justification", "teacher") if name in rows]
        marked = [pl.concat_str(pl.lit(HOSTILE), name).alias(name) for name in texts_of]
        if "sources" in rows:
            renamed = pl.element().struct.with_fields(pl.lit(HOSTILE).alias("dataset"))
            marked.append(pl.col("sources").list.eval(renamed))
        replace_table(tmp_path, path, rows.with_columns(marked))
    (accounts,) = (tmp_path / "ingest").glob("*.accounts.json")
    replace_text(tmp_path, accounts, accounts.read_text().replace('"org/', json.dumps(HOSTILE)[:-1] + "org/"))
    files = open_run(tmp_path)
    files.config = files.config.model_copy(
        update={"publish": files.config.publish.model_copy(update={"title": HOSTILE})}
    )
    said = page(files)
    assert said.count("&lt;script&gt;") > 40
    assert "<script" not in said and "<img" not in said and "49" not in re.findall(r"&gt;&amp;lt;(.{2})", said)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said)
