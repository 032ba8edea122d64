"""Runs whose modes are not what they say, as a user sees them: stopped with a sentence and exit code 4, resumable."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.schemas.errors import ExitCode
from tests.support.commands import fail, succeed, write_lines

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]

PROBLEMS = 12
Answers = Callable[[bool, int], tuple[int, str]]
"""Status and text, by whether thinking is asked for and how many requests of that mode there were."""


def honest(thinks: bool, asked: int) -> tuple[int, str]:
    return 200, "<think>\nadding\n</think>\n\n\\boxed{4}" if thinks else "\\boxed{4}"


def always_thinks(thinks: bool, asked: int) -> tuple[int, str]:
    return honest(True, asked)


def never_thinks(thinks: bool, asked: int) -> tuple[int, str]:
    return honest(False, asked)


def refuses_off(thinks: bool, asked: int) -> tuple[int, str]:
    return honest(True, asked) if thinks else (400, "unknown field 'enable_thinking'")


def refuses_on(thinks: bool, asked: int) -> tuple[int, str]:
    return (400, "reasoning is not enabled for this key") if thinks else honest(False, asked)


def slips_later(thinks: bool, asked: int) -> tuple[int, str]:
    return honest(thinks or asked > 8, asked)


@contextmanager
def endpoint(answers: Answers) -> Iterator[str]:
    counts = {True: 0, False: 0}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": "teacher", "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            thinks = body["chat_template_kwargs"]["enable_thinking"]
            counts[thinks] += 1
            status, text = answers(thinks, counts[thinks])
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
            reply = {"id": "x", "object": "chat.completion", "created": 0, "model": "teacher", "choices": [choice]}
            self._send(status, reply | {"usage": usage} if status == 200 else {"error": {"message": text}})

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

        def _send(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def recipe(folder: Path, url: str, **changes: Any) -> Path:
    sums = [{"question": f"What is {i} plus {7 * i}?", "answer": "4"} for i in range(10, 10 + PROBLEMS)]
    write_lines(folder / "sums.jsonl", sums)
    role = {"engine": "teacher", "sampling": {"max_tokens": 64}}
    config = {
        "name": "modes",
        "run_dir": str(folder / "run"),
        "sources": [{"type": "table", "path": str(folder / "sums.jsonl")}],
        "ingest": {"near_duplicates": None},
        "engines": {"teacher": {"type": "openai", "model": "teacher", "base_url": url, "max_attempts": 2}},
        "roles": {
            "think_on": {**role, "chat_template_kwargs": {"enable_thinking": True}},
            "think_off": {**role, "chat_template_kwargs": {"enable_thinking": False}},
            "justifier": {**role, "chat_template_kwargs": {"enable_thinking": False}},
        },
        "sample": {"n": 2},
        "publish": {"format": "thinkless"},  # asks for no justifications
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            always_thinks,
            "roles.think_off: asked 3 questions before the run, and 3 of 3 think-off responses hold reasoning",
        ),
        pytest.param(
            never_thinks,
            "roles.think_on: asked 3 questions before the run, and 3 of 3 think-on responses hold no reasoning",
            marks=pytest.mark.long,
        ),
        pytest.param(refuses_off, "unknown field 'enable_thinking'", marks=pytest.mark.long),
        (refuses_on, "reasoning is not enabled for this key"),
    ],
)
def test_a_run_stops_before_it_spends_anything(answers: Answers, said: str, tmp_path: Path) -> None:
    with endpoint(answers) as url:
        path = recipe(tmp_path, url)
        assert said in fail("run", "--config", path, cwd=tmp_path, code=ExitCode.UNFIT)
        assert said in fail("check", "--config", path, cwd=tmp_path, code=ExitCode.UNFIT)
    assert not (tmp_path / "run" / "dataset").exists()


def test_a_mended_server_is_asked_again_and_the_run_goes_on(tmp_path: Path) -> None:
    with endpoint(refuses_off) as url:
        said = fail("run", "--config", recipe(tmp_path, url), "--set", "check.questions=0", cwd=tmp_path, code=4)
    assert "requests of think-off failed (" in said and "unknown field 'enable_thinking'" in said
    assert "shown: think-off" in (status := succeed("status", tmp_path / "run", cwd=tmp_path))
    assert "unknown field 'enable_thinking'" in status
    with endpoint(honest) as url:
        done = succeed("run", "--config", recipe(tmp_path, url), cwd=tmp_path)
    assert "think-off 100.0 % without" in done
    rollouts = pl.read_parquet(str(tmp_path / "run" / "sample.*" / "??-????.parquet"))
    assert rollouts.height == PROBLEMS * 2 * 2 and rollouts["error"].is_null().all()


@pytest.mark.long
def test_a_mode_that_slips_while_the_run_goes_on_publishes_nothing(tmp_path: Path) -> None:
    with endpoint(slips_later) as url:
        path = recipe(tmp_path, url)
        said = fail("run", "--config", path, cwd=tmp_path, code=ExitCode.UNFIT)
        assert "think-off responses hold reasoning" in said
        assert not (tmp_path / "run" / "dataset").exists()
        succeed("run", "--config", path, "--no-check", cwd=tmp_path)
    assert (tmp_path / "run" / "dataset").exists()


def test_check_shows_both_modes(tmp_path: Path) -> None:
    with endpoint(honest) as url:
        said = succeed("check", "--config", recipe(tmp_path, url), cwd=tmp_path)
    assert "adding" in said and "\\boxed{4}" in said and "Both modes are what they say." in said


@pytest.mark.long
def test_sources_of_which_no_row_is_accepted_are_said(tmp_path: Path) -> None:
    with endpoint(honest) as url:
        path = recipe(tmp_path, url)
        write_lines(tmp_path / "sums.jsonl", [{"problem": "What is 1 plus 1?", "solution": "2"}] * 5)
        for command in ("plan", "run", "run", "check", "plan"):
            said = fail(command, "--config", path, cwd=tmp_path, code=ExitCode.UNFIT)
            assert "0 of 5 rows of sums.jsonl kept: columns 'question' and 'answer' are missing; the file has" in said
        assert "5 of 5 rows" in succeed("show", "run", "--stage", "rejected", cwd=tmp_path)
        write_lines(tmp_path / "sums.jsonl", [{"question": "What is 1 plus 1?", "answer": "2"}, {"question": "Why?"}])
        said = succeed("run", "--stage", "ingest", "--config", path, cwd=tmp_path)
        assert "ingest: 2 rows in, 1 kept as 1 problem, 1 quarantined: no_gold 1" in said


def test_modes_that_ask_for_the_same_are_refused_at_load(tmp_path: Path) -> None:
    path = recipe(tmp_path, "http://127.0.0.1:9/v1")
    config = yaml.safe_load(path.read_text())
    config["roles"]["think_on"] = config["roles"]["think_off"]
    path.write_text(yaml.safe_dump(config))
    said = fail("plan", "--config", path, cwd=tmp_path, code=ExitCode.WRONG_USE)
    assert "roles.think_on and roles.think_off send the same requests" in said
