"""Runs against endpoints that misbehave, as a user sees them: what stops, what is kept, and what is said."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from hipo_data.pipeline.cli import main
from tests.engines.misbehaving import Endpoint, Reply, answer, cut, endless, fails, good, serve
from tests.engines.odd_replies import ODD
from tests.support.commands import hipo_data, succeed, write_lines
from tests.support.fixtures import TEACHER_KEY as KEY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cluster")]

PROBLEMS = 9
ATTEMPTS = 2


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serve() as server:
        yield server


def recipe(folder: Path, endpoint: Endpoint, **engine: Any) -> Path:
    sums = [{"question": f"What is {i} plus {7 * i}?", "answer": "4"} for i in range(10, 10 + PROBLEMS)]
    write_lines(folder / "sums.jsonl", sums)
    path = folder / "recipe.yaml"
    base = {"type": "openai", "model": "teacher", "base_url": endpoint.url, "api_key_env": "TEACHER_KEY"}
    role = {"engine": "teacher", "sampling": {"max_tokens": 64}}
    config = {
        "name": "bad-endpoint",
        "run_dir": str(folder / "run"),
        "sources": [{"type": "table", "path": str(folder / "sums.jsonl")}],
        "ingest": {"near_duplicates": None},
        "engines": {"teacher": {**base, "max_attempts": ATTEMPTS, **engine}},
        "roles": {"think_on": role, "think_off": role, "justifier": role},
        "sample": {"n": 2},
        "check": None,  # these answers show no mode
        "publish": {"format": "thinkless"},  # asks for no justifications
    }
    path.write_text(yaml.safe_dump(config))
    return path


def everything_written(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())


SECRETS = {
    name: f"{name}-Qx7Zk93Lw"
    for name in ("password", "query", "hook", "header", "variable", "body", "argument", "other")
}


@pytest.mark.parametrize("at_the_start", [pytest.param(True, marks=pytest.mark.long), False])
def test_a_refused_key_stops_the_run_at_once_and_no_secret_stands_anywhere(
    endpoint: Endpoint,
    tmp_path: Path,
    at_the_start: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the address, its query, a pool's second address, the body, the hook, the command: all echoed by the server."""
    echo = f"Incorrect API key provided: {KEY}, {SECRETS['query']}, {endpoint.url}/?key={SECRETS['other']}"
    refusal = fails(401, f"{echo}, Bearer {SECRETS['header']}")
    if at_the_start:
        endpoint.models = refusal
    else:
        endpoint.replies = [refusal] * 1000
    address = f"{endpoint.url}?key={SECRETS['query']}"
    config = yaml.safe_load(recipe(tmp_path, endpoint, max_in_flight=1, base_url=address).read_text())
    config["engines"]["teacher"]["extra_body"] = {
        "user_token": SECRETS["body"],
        "headers": {"X-Key": SECRETS["header"]},
    }
    unused = {"model": "m", "base_url": endpoint.url.replace("//", f"//user:{SECRETS['password']}@")}
    config["engines"]["unused"] = {"type": "openai", **unused}
    config["engines"]["local"] = {"type": "vllm", "model": "m", "env": {"HF_TOKEN": SECRETS["variable"]}}
    config["watch"] = {
        "webhook": f"http://127.0.0.1:9/{SECRETS['hook']}",
        "command": ["false", "--token", SECRETS["argument"], f"http://u:{SECRETS['argument']}@host/"],
    }
    path = tmp_path / "recipe.yaml"

    path.write_text(yaml.safe_dump(config))
    done = hipo_data("run", "--config", path, cwd=tmp_path)
    first = done.stdout + done.stderr
    (line,) = [line for line in first.splitlines() if line.startswith("error: ")]
    assert "answered 401: Incorrect API key provided: ***" in line
    assert len(endpoint.paths) <= 3
    assert set(endpoint.keys) == {f"Bearer {KEY}"}
    assert all(f"key={SECRETS['query']}" in asked for asked in endpoint.paths)
    assert "watch.webhook was not told" in first and "watch.command failed (it ended with 1)" in first

    def told(*command: object) -> str:
        monkeypatch.setattr("sys.argv", ["hipo-data", *map(str, command)])
        with pytest.raises(SystemExit):
            main()
        return "".join(capsys.readouterr())

    # What is asked afterwards, under a config whose secrets are others, and under two that cannot be loaded.
    config["engines"]["unused"]["base_url"] = endpoint.url.replace("//", f"//other:{SECRETS['other']}@other.")
    path.write_text(yaml.safe_dump(config))
    planned = told("plan", "--config", path)
    assert "changed: engines.unused.base_url: http://***@127" in planned
    said = [first, planned, told("status", tmp_path / "run")]
    for key in ("extra_body.api_key.x", "api_key"):
        said.append(told("plan", "--config", path, "--set", f"engines.teacher.{key}={SECRETS['body']}"))
    written = everything_written(tmp_path / "run")
    assert "401" in written
    for secret in (KEY, *SECRETS.values()):
        assert secret not in "".join(said)
        assert secret not in written


ODD_IN_A_RUN = ["content, a number", "refusal, an object", "finish_reason, a list", "prompt_tokens -3"]
ODD_IN_A_RUN += [f"completion_tokens {10**25}"]
GOOD = good("\\boxed{4}")
FOR_GOOD: dict[str, Reply] = {
    "maximum context length": fails(400, "This model's maximum context length is 512 tokens"),
    "content filter": good("4", "content_filter"),
}
FOR_NOW: dict[str, Reply] = {
    "answered 429": fails(429, "slow down", headers={"Retry-After": "0"}),
    "answered 500": fails(500, "oops"),
    "answered 503": fails(503, "busy", headers={"Retry-After": "0"}),
    "no whole answer": cut,
    "not JSON": answer('{"choices": [{"mess'),
    "no choices": answer({"choices": []}),
    "no usage": answer({"choices": [{"message": {"content": "4"}}]}),
    "levels": answer("[" * 100_000 + "]" * 100_000),
    "larger than 1 MB": endless,
    "no finish_reason": good("4", None),
    **{ODD[name][1]: answer(ODD[name][0]) for name in ODD_IN_A_RUN},
}
EMPTY = good(None)


def test_failed_rollouts_are_recorded_with_their_reasons_and_those_worth_it_asked_again(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    """Two of the four rollouts of each question fail, each by one of the replies, as often as there are attempts."""
    bad = [*FOR_GOOD.values(), *FOR_NOW.values(), EMPTY]
    assert len(bad) == PROBLEMS * 2
    seeds: dict[str, list[int]] = {}
    asked: Counter[int] = Counter()
    replies: dict[int, Reply] = {}

    def choose(body: dict[str, Any]) -> Reply:
        question = body["messages"][-1]["content"]
        if " plus " not in question:  # a trial, by which the engine tells these requests from an endpoint that fails
            return GOOD
        seen, seed = seeds.setdefault(question, []), body["seed"]
        if seed not in seen:
            seen.append(seed)
            if seen.index(seed) % 2 == 0:
                replies[seed] = bad.pop()
        asked[seed] += 1
        return replies[seed] if seed in replies and asked[seed] <= ATTEMPTS else GOOD

    endpoint.choose = choose
    path = recipe(tmp_path, endpoint, max_in_flight=1, max_reply_mb=1)
    done = hipo_data("run", "--config", path, cwd=tmp_path)
    assert bad == []
    failed = rollouts(tmp_path).filter(finish_reason="error")
    assert rollouts(tmp_path).height == PROBLEMS * 2 * 2
    for reasons, permanent in ((FOR_GOOD, True), (FOR_NOW, False)):
        errors = failed.filter(error_permanent=permanent)["error"].to_list()
        assert len(errors) == len(reasons)
        assert all(sum(reason in error for error in errors) == 1 for reason in reasons), errors
    verdicts = pl.read_parquet(str(tmp_path / "run" / "verify.*" / "??-????.parquet"))
    unknown = verdicts.filter(status="unknown")["reason"].value_counts()
    assert dict(unknown.rows()) == {"engine_error": len(failed), "empty_response": 1}
    (empty,) = rollouts(tmp_path).filter(finish_reason="empty").to_dicts()
    assert "holds nothing" in empty["error"] and not empty["error_permanent"]
    assert "% empty" in done.stdout
    before = len(endpoint.bodies)
    succeed("run", "--config", path, cwd=tmp_path)
    assert rollouts(tmp_path).filter(finish_reason="error", error_permanent=False).is_empty()
    assert rollouts(tmp_path).filter(finish_reason="empty").is_empty()
    again = {body["seed"] for body in endpoint.bodies[before:] if body.get("seed") in asked}
    assert len(FOR_NOW) < len(again) and again <= set(replies)


@pytest.mark.long
def test_requests_that_failed_for_good_are_asked_again_where_the_engine_changed_and_on_demand(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    refused = fails(400, "This model's maximum context length is 512 tokens")
    endpoint.choose = lambda body: GOOD
    endpoint.replies = [refused] * 2
    run = ("run", "--config", recipe(tmp_path, endpoint, max_in_flight=1))
    told = succeed(*run, cwd=tmp_path)
    assert re.search(r"[12] think-o(ff|n) requests?: ", told) and "maximum context length" in told
    asked = len(endpoint.bodies)
    told = succeed(*run, cwd=tmp_path)
    assert len(endpoint.bodies) == asked and "Nothing to do" in told and "--retry-failed" in told

    changed = ("--set", "engines.teacher.extra_body.truncate=1")
    assert "since the engine's config changed" in " ".join(succeed("plan", *run[1:], *changed, cwd=tmp_path).split())
    endpoint.replies = [refused] * 2
    succeed(*run, *changed, cwd=tmp_path)
    assert len(endpoint.bodies) == asked + 2 and endpoint.bodies[-1]["truncate"] == 1
    succeed(*run, *changed, "--retry-failed", cwd=tmp_path)
    assert len(endpoint.bodies) == asked + 4 and rollouts(tmp_path)["error"].is_null().all()


def rollouts(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(str(folder / "run" / "sample.*" / "??-????.parquet"))
