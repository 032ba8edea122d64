"""The server of the viewer: whom it answers, what it refuses, and what it says of runs that are not well."""

import json
import signal
import socket
import subprocess
from pathlib import Path

import aiohttp
import polars as pl
import pytest

from hipo_data.pipeline.commands.view import view
from hipo_data.pipeline.store.run_dir import record_run
from hipo_data.pipeline.viewer.server import HOST, Viewer, serve
from hipo_data.pipeline.viewer.shown_run import ShownRun
from hipo_data.schemas.errors import DamagedError, UserError
from tests.pipeline.viewer.conftest import Serve
from tests.support.commands import COMMAND
from tests.support.made_up_run import config, make_run


async def got(url: str, **options: object) -> tuple[int, str, dict[str, str]]:
    method = str(options.pop("method", "GET"))
    options["allow_redirects"] = False
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as answer:  # type: ignore[arg-type]
        return answer.status, await answer.text(), dict(answer.headers)


async def test_only_the_whole_address_is_answered(made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address:
        assert (await got(address))[0] == 302
        status, page, headers = await got(f"{address}0/")
        assert status == 200
        assert "1–50 of 120 problems" in page
        start, _, token = address.rstrip("/").rpartition("/")
        for wrong in ("", token[:-1], f"{token}x", token.swapcase(), "é", "%00", f"{token}%20"):
            status, said, refused = await got(f"{start}/{wrong}/0/")
            assert status == 404
            assert "made-up" not in said
            assert refused["Content-Security-Policy"] == headers["Content-Security-Policy"]
        assert len(token) >= 32


async def test_no_script_but_the_page_s_own_may_run(made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address:
        _, _, headers = await got(f"{address}0/")
    said = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert said.pop("script-src").startswith("'sha256-")
    assert said.pop("style-src").startswith("'sha256-")
    assert said == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["Cache-Control"] == "no-store"


async def test_a_name_that_is_made_to_mean_this_machine_is_refused(made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address:
        port = address.split(":")[2].split("/")[0]
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "0.0.0.0", "[::]", "192.0.2.1"):
            status, page, _ = await got(f"{address}0/", headers={"Host": host})
            assert (status, "made-up" in page) == (421, False)
        for host in (f"localhost:{port}", "localhost:9", f"127.0.0.1:{port}", "[::1]:80"):
            assert (await got(f"{address}0/", headers={"Host": host}))[0] == 200


async def test_nothing_but_a_flag_changes_anything(tmp_path: Path, serving: Serve) -> None:
    make_run(tmp_path / "run", 4, n=1, bits=0)
    problem = pl.read_parquet(tmp_path / "run" / "ingest" / "00-0000.parquet")["problem_id"][0]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    flag = {"problem_id": problem, "remark": "no"}
    async with serving(tmp_path / "run") as address:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await got(f"{address}0/", method=method))[0] == 405
        assert (await got(f"{address}0/flag"))[0] == 405
        foreign = {"Origin": "http://evil.example"}
        assert (await got(f"{address}0/flag", method="POST", data=flag, headers=foreign))[0] == 403
        token = address.rstrip("/").rpartition("/")[2]
        wrong = address.replace(token, "x" * len(token))
        assert (await got(f"{wrong}0/flag", method="POST", data=flag))[0] == 404
        status, page, _ = await got(f"{address}0/flag", method="POST", data={"problem_id": "../../etc", "remark": "x"})
        assert (status, "no such problem" in page) == (400, True)
        assert before.items() <= {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}.items()
        assert not (tmp_path / "run" / "flagged.jsonl").exists()
        status, _, headers = await got(f"{address}0/flag", method="POST", data=flag | {"query": "mode=think_on"})
        assert (status, headers["Location"]) == (303, f"p/{problem}?mode=think_on")
    (line,) = (tmp_path / "run" / "flagged.jsonl").read_text().splitlines()
    assert json.loads(line) == flag


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "mode=sometimes",
            "Mode is one of think_on, think_off, dropped, undecided in this run, not &#39;sometimes&#39;.",
        ),
        ("page=0", "Page is a number from 1 on"),
        ("tokens_from=many", "Tokens_from is a number"),
        ("difficulty_to=nan", "Difficulty_to is a number"),
        ("sort=-luck", "Sort is one of id"),
        ("verdict=%3Cscript%3E", "not &#39;&lt;script&gt;&#39;."),
    ],
)
async def test_a_filter_that_is_none_is_answered_in_a_sentence(
    made_run: Path, serving: Serve, query: str, said: str
) -> None:
    async with serving(made_run) as address:
        status, page, _ = await got(f"{address}0/?{query}")
    assert (status, said in page) == (400, True)


async def test_a_problem_that_is_none_is_answered_in_a_sentence(made_run: Path, serving: Serve) -> None:
    async with serving(made_run) as address:
        status, page, _ = await got(f"{address}0/p/{'0' * 32}")
        assert (status, "has no problem 00000000" in page) == (400, True)
        assert (await got(f"{address}1/"))[0] == 404


async def test_damage_costs_what_it_hits_and_is_told(tmp_path: Path, serving: Serve) -> None:
    make_run(tmp_path / "run", 60, n=2, bits=1)
    verdicts = tmp_path / "run" / "verify.think_on" / "01-0001.parquet"
    verdicts.write_bytes(verdicts.read_bytes()[:-40])
    ids = [pl.read_parquet(tmp_path / "run" / "ingest" / f"01-000{shard}.parquet")["problem_id"][0] for shard in (0, 1)]
    async with serving(tmp_path / "run") as address:
        status, page, _ = await got(f"{address}0/?verdict=correct&of=think_on")
        assert status == 200
        assert f"{verdicts} has " in page
        assert "hipo-data verify" in page
        assert ids[1] not in page
        status, page, _ = await got(f"{address}0/p/{ids[0]}")
        assert status == 200
        status, page, _ = await got(f"{address}0/p/{ids[1]}")
        assert (status, f"{verdicts} has " in page) == (500, True)


async def test_a_flipped_bit_is_found_when_its_problem_is_opened(tmp_path: Path, serving: Serve) -> None:
    make_run(tmp_path / "run", 6, n=1, bits=0)
    rollouts = tmp_path / "run" / "sample.think_off" / "00-0000.parquet"
    data = bytearray(rollouts.read_bytes())
    data[len(data) // 2] ^= 1
    rollouts.write_bytes(data)
    async with serving(tmp_path / "run") as address:
        problem = pl.read_parquet(tmp_path / "run" / "ingest" / "00-0000.parquet")["problem_id"][0]
        status, page, _ = await got(f"{address}0/p/{problem}")
    assert (status, "does not fit its checksum" in page) == (500, True)


async def test_a_run_that_has_only_begun_says_so(tmp_path: Path, serving: Serve) -> None:
    record_run(tmp_path / "run", config(2))
    async with serving(tmp_path / "run") as address:
        status, page, _ = await got(f"{address}0/")
    assert (status, "has ingested nothing yet" in page, 'http-equiv="refresh"' in page) == (200, True, True)


async def test_several_runs_are_listed(made_run: Path, tmp_path: Path, serving: Serve) -> None:
    make_run(tmp_path / "other", 7, n=1, bits=0)
    async with serving(made_run, tmp_path / "other") as address:
        _, page, _ = await got(address)
        assert "120 problems" in page
        assert "7 problems" in page
        assert "of 7 problems" in (await got(f"{address}1/"))[1]


def test_what_is_no_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run; give the directory that"):
        view([str(tmp_path)])
    record_run(tmp_path / "run", config(2))
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(DamagedError, match=r"run\.json"):
        view([str(tmp_path / "run")])


def test_a_port_in_use_is_refused_in_a_sentence(made_run: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} cannot be had .*; choose another --port"):
            serve(Viewer([ShownRun(made_run)]), port, print)


@pytest.mark.slow
async def test_the_command_serves_until_it_is_interrupted(made_run: Path) -> None:
    with subprocess.Popen([str(COMMAND), "view", str(made_run)], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout
        address = command.stdout.readline().strip()
        status, page, _ = await got(f"{address}0/")
        assert (status, "made-up" in page) == (200, True)
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 0
