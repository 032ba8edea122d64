"""A Hub that fails: the right bytes in the end, or one sentence that says what to do, and never a secret."""

import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

from hipo_data.schemas.errors import SourceError
from hipo_data.stages.ingest.reading import hub as hub_module
from hipo_data.stages.ingest.reading.files import resolved_revision
from hipo_data.stages.ingest.reading.hub_requests import Patience
from hipo_data.stages.ingest.sources.table import TableSource
from tests.stages.ingest.hub_sources import (
    FILES,
    LINES,
    REPO,
    TOKEN,
    content,
    on_hub,
    only,
    refusal,
)
from tests.support.hub import Hub, hub, use_hub


@pytest.mark.parametrize("path", ["/api/datasets/*/revision/main", "/api/datasets/*/tree/*"])
def test_a_busy_hub_is_asked_again_after_growing_waits(
    served: Hub, slept: list[float], patience: Patience, path: str
) -> None:
    served.fail(path, times=3)
    assert content(only(on_hub(), patience)) == LINES
    assert len(slept) == 3
    assert all(2**n <= wait <= 2**n + 1 for n, wait in enumerate(slept))
    assert len(set(slept)) == 3 and not all(wait.is_integer() for wait in slept)  # jittered


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 8),
        ({"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 56),
        ({"Retry-After": "86400"}, 600),
    ],
)
def test_a_hub_that_names_a_wait_is_given_it_within_reason(
    served: Hub, slept: list[float], patience: Patience, headers: dict[str, str], wait: float
) -> None:
    served.fail("/api/datasets/*/tree/*", status=429, headers=headers)
    assert content(only(on_hub(), patience)) == LINES
    assert slept == [wait]


def test_what_does_not_pass_ends_after_so_many_tries_and_says_so(
    served: Hub, slept: list[float], patience: Patience
) -> None:
    served.fail("/api/datasets/*/tree/*", times=100)
    text = refusal(on_hub(), patience)
    assert text.startswith(f"dataset {REPO} at main could not be read, after 4 tries: HTTP 503 Service Unavailable")
    assert len(served.asked("/api/datasets/*/tree/*")) == 4
    assert len(slept) == 3


def test_a_hub_that_never_answers_is_not_waited_for_for_ever(
    served: Hub, patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    served.fail("/api/datasets/*/revision/main", stall=True)
    served.fail("/api/datasets/*/tree/*", stall=True)
    served.fail("*/rows.jsonl", method="HEAD", stall=True)
    served.fail("*/rows.jsonl", stall=True)
    assert content(only(on_hub(stream=True), patience)) == LINES
    served.fail("/api/datasets/*/tree/*", stall=True, times=100)
    assert "after 4 tries: ReadTimeout" in refusal(on_hub(revision=served.commit(REPO, FILES)), patience)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("path", ["rows.jsonl", "data/train.parquet"])
def test_a_download_that_breaks_off_is_made_whole(
    served: Hub, patience: Patience, huggingface_slept: list[float], path: str, reset: bool
) -> None:
    address = "/store/*" if path.endswith("parquet") else f"*/{path}"
    served.fail(address, times=2, cut=1_000, reset=reset)
    assert content(only(on_hub(path), patience)) == FILES[path]


def test_a_download_that_finds_the_hub_busy_is_repeated(
    served: Hub, slept: list[float], patience: Patience, huggingface_slept: list[float]
) -> None:
    served.fail("*/rows.jsonl", times=2)
    assert content(only(on_hub(), patience)) == LINES
    assert (len(slept), len(huggingface_slept)) == (2, 0)


def test_a_download_is_repeated_by_one_party_only(
    served: Hub, slept: list[float], patience: Patience, huggingface_slept: list[float]
) -> None:
    file = only(on_hub(), patience)
    served.fail("*/rows.jsonl", method="HEAD", times=100)
    with pytest.raises(
        SourceError, match=r"rows\.jsonl of dataset org/name at main .* that huggingface_hub makes: HTTP"
    ):
        file.open()
    assert (len(slept), len(huggingface_slept)) == (0, 5)
    served.failures.clear()
    served.fail("*/rows.jsonl", times=100)
    with pytest.raises(SourceError, match="after 4 tries: HTTP 503"):
        file.open()
    assert (len(slept), len(huggingface_slept)) == (3, 5)
    served.failures.clear()
    served.fail("*/rows.jsonl", times=100, cut=0)
    with pytest.raises(SourceError, match="that huggingface_hub makes: RemoteProtocolError"):
        file.open()
    assert (len(slept), len(huggingface_slept)) == (3, 10)


def test_a_dead_hub_is_named_with_what_is_wrong(
    patience: Patience, huggingface_slept: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with hub({REPO: {"main": FILES}}) as served:
        use_hub(monkeypatch, served, tmp_path)
        file = only(on_hub(), patience)
    with pytest.raises(SourceError, match=r"rows\.jsonl of .* huggingface_hub makes: ConnectError.*check the network"):
        file.open()
    text = refusal(on_hub(revision="v2"), patience)
    assert text.startswith(f"dataset {REPO} at v2 could not be read, after 4 tries: ConnectError")


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("path", ["rows.jsonl", "data/train.parquet"])
def test_a_stream_that_breaks_off_goes_on_at_the_same_byte(
    served: Hub, slept: list[float], patience: Patience, path: str, reset: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_PIECE", 2_000)
    address = "/store/*" if path.endswith("parquet") else f"*/{path}"
    with only(on_hub(path, stream=True), patience).open() as file:
        head = file.read(2_000)
        served.fail(address, times=3, cut=700, reset=reset)
        assert head + file.read() == FILES[path]
    ranges = [request.headers.get("Range") for request in served.asked(address)]
    assert ranges[1:5] == ["bytes=2000-3999"] * 4
    assert len(slept) == 3


def test_a_stream_that_stays_broken_says_of_which_file(served: Hub, patience: Patience) -> None:
    with only(on_hub(stream=True), patience).open() as file:
        served.fail("*/rows.jsonl", times=100, cut=10)
        with pytest.raises(
            SourceError, match=r"rows\.jsonl of dataset org/name at main .*, after 4 tries: RemoteProtocol"
        ):
            file.read()


def test_a_stream_that_breaks_within_parquet_keeps_its_sentence(served: Hub, patience: Patience) -> None:
    served.fail("/store/*", times=100)
    with (
        only(on_hub("data/train.parquet", stream=True), patience).open() as file,
        pytest.raises(
            SourceError, match=r"data/train\.parquet of dataset org/name at main .*, after 4 tries: HTTP 503"
        ),
    ):
        pq.ParquetFile(file)


def test_a_signed_address_is_never_shown(served: Hub, patience: Patience) -> None:
    served.fail("/store/*", status=404, times=2)
    for stream in (False, True):
        assert "HTTP 404 Not Found" in refusal(on_hub("data/train.parquet", stream=stream), patience)


def test_a_server_that_ignores_ranges_is_not_taken_at_its_word(
    served: Hub, slept: list[float], patience: Patience
) -> None:
    with only(on_hub(stream=True), patience).open() as file:
        served.fail("*/rows.jsonl", status=200, body=LINES)
        file.seek(100)
        with pytest.raises(SourceError, match="does not send the range that it was asked for"):
            file.read()
    assert slept == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("sent", "known"), [(None, "none is set"), (TOKEN, "the one in use gives none")])
def test_a_gated_dataset_says_where_to_ask_and_what_to_set(
    served: Hub,
    slept: list[float],
    patience: Patience,
    monkeypatch: pytest.MonkeyPatch,
    stream: bool,
    sent: str | None,
    known: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", sent or "")
    served.repositories[REPO].gate = "hf_another"
    text = refusal(on_hub(stream=stream), patience)
    assert text == (
        f"rows.jsonl of dataset {REPO} at main is gated; ask for access at {served.address}/datasets/{REPO}, "
        f"then set HF_TOKEN to a token with access ({known})"
    )
    assert slept == []
    assert len(served.asked("*/rows.jsonl", "HEAD")) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_token_opens_a_gated_dataset_and_is_not_shown_to_the_store(
    served: Hub, patience: Patience, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    served.repositories[REPO].gate = TOKEN
    assert content(only(on_hub("data/train.parquet", stream=stream), patience)) == FILES["data/train.parquet"]
    assert served.asked("/store/*")
    assert not [request for request in served.asked("/store/*") if TOKEN in request.headers.as_string()]


@pytest.mark.parametrize("stream", [False, True])
def test_no_token_is_ever_shown(
    served: Hub,
    patience: Patience,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    huggingface_slept: list[float],
    stream: bool,
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    loud = {"X-Error-Message": f"not with Bearer {TOKEN}"}
    with caplog.at_level(logging.DEBUG, logger="stages"):
        for path, method in (("*/tree/*", "GET"), ("*/rows.jsonl", "HEAD"), ("*/rows.jsonl", "GET")):
            for status in (401, 403, 500):
                served.fail(path, method=method, status=status, headers=loud, times=20)
                text = refusal(on_hub(revision=served.commit(REPO, FILES), stream=stream), patience)
                assert TOKEN not in text
                assert f"{status}" in text
                served.failures.clear()
    assert caplog.records
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("sent", ["", TOKEN])
def test_what_will_never_be_there_is_named_and_asked_for_once(
    served: Hub, slept: list[float], patience: Patience, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", sent)
    absent = TableSource(type="table", name="org/absent", revision="main", files="*.jsonl")
    assert refusal(absent, patience).startswith(f"dataset org/absent is not to be found at {served.address}; check")
    for revision in ("no-such-branch", "f" * 40):
        assert refusal(on_hub(revision=revision), patience).startswith(f"dataset {REPO} has no revision '{revision}'")
    assert slept == []
    assert len(served.requests) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_is_gone_is_named(served: Hub, slept: list[float], patience: Patience, stream: bool) -> None:
    file = only(on_hub(stream=stream), patience)
    commit = resolved_revision(REPO, "main", patience)
    served.repositories[REPO].commits[commit] = {}
    with pytest.raises(SourceError, match=r"dataset org/name has no file rows\.jsonl at main"):
        file.open()
    assert slept == []


def test_a_server_that_is_no_hub_is_an_error_in_one_sentence(served: Hub, patience: Patience) -> None:
    served.fail("/api/*", status=200, body=b"<html>Welcome</html>")
    text = refusal(on_hub(), patience)
    assert f"see whether {served.address} is the Hub" in text


def test_a_cache_that_cannot_be_written_is_named(
    served: Hub, patience: Patience, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file" / "assets"))
    assert "so set HF_HOME to a folder that can be written" in refusal(on_hub(), patience)
