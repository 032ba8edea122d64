"""Source files, on this machine and from a Hub that fails: the right bytes, or one sentence that says what to do."""

import io
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants, file_download, snapshot_download
from huggingface_hub.utils import _http

from schemas.config import EvaluationSet, TableSource
from stages.sources import hub as hub_module
from stages.sources.files import (
    Patience,
    SourceError,
    SourceFile,
    declared_licence,
    resolved_revision,
    source_files,
)
from tests.support.hub import Hub, hub, hub_environment, use_hub

REPO = "org/name"
LINES = b"".join(b'{"n": %d}\n' % n for n in range(2_000))
TOKEN = "hf_secretsecretsecret"


def parquet(rows: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(rows))}), sink, row_group_size=100)
    return sink.getvalue()


FILES = {
    "rows.jsonl": LINES,
    "more/rows.jsonl": b'{"n": -1}\n',
    "data/train.parquet": parquet(1_000),
    "data/test-0.parquet": parquet(3),
    "README.md": b"---\nlicense: cc-by-4.0\n---\n# Rows\n",
}


def as_a_new_process() -> None:
    """Forgets what is looked up once a process."""
    hub_module._looked_up.cache_clear()
    hub_module._listed.cache_clear()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub({REPO: {"main": FILES}}) as served:
        use_hub(monkeypatch, served, tmp_path / "home")
        as_a_new_process()  # a server before may have had this one's port
        yield served


@pytest.fixture
def slept() -> list[float]:
    """The waits that were asked for; none is waited."""
    return []


@pytest.fixture
def patience(slept: list[float]) -> Patience:
    return Patience(tries=4, sleep=slept.append)


@pytest.fixture
def huggingface_slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of huggingface_hub itself; none is waited."""
    waits: list[float] = []
    for module in (_http, file_download):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waits.append))
    return waits


def on_hub(files: str | None = "rows.jsonl", revision: str = "main", **more: Any) -> TableSource:
    return TableSource(type="table", name=REPO, revision=revision, files=files, **more)


def only(source: TableSource, patience: Patience) -> SourceFile:
    (file,) = source_files(source, None, None, patience)
    return file


def content(file: SourceFile) -> bytes:
    with file.open() as opened:
        return opened.read()


def refusal(source: TableSource | EvaluationSet, patience: Patience) -> str:
    """The sentence with which a source is refused, when it is listed or when its file is read."""
    with pytest.raises(SourceError) as caught:
        for file in source_files(source, None, None, patience):
            content(file)
    text = str(caught.value)
    assert "\n" not in text
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown and "Signature" not in shown
    return text


def test_local_files_are_sorted_and_labelled_with_the_folders_that_the_glob_matched(tmp_path: Path) -> None:
    for name in ("b/train.jsonl", "a/train.jsonl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(name)
    found = source_files(TableSource(type="table", path=f"{tmp_path}/*/train.jsonl"), None, None)
    assert [(file.label, content(file)) for file in found] == [
        ("a/train.jsonl", b"a/train.jsonl"),
        ("b/train.jsonl", b"b/train.jsonl"),
    ]
    (alone,) = source_files(TableSource(type="table", path=f"{tmp_path}/a/train.jsonl"), None, None)
    assert alone.label == "train.jsonl"
    before = alone.identity()
    assert before == found[0].identity() != found[1].identity()
    (tmp_path / "a/train.jsonl").write_text("changed")
    assert alone.identity() != before


def test_a_missing_local_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file matches '.*/absent\.jsonl'"):
        source_files(TableSource(type="table", path=f"{tmp_path}/absent.jsonl"), None, None)


@pytest.mark.parametrize("stream", [False, True])
def test_files_from_the_hub_hold_what_the_commit_holds(served: Hub, patience: Patience, stream: bool) -> None:
    found = source_files(on_hub("**/*.jsonl data/*.parquet", stream=stream), None, None, patience)
    assert [file.label for file in found] == sorted(path for path in FILES if path != "README.md")
    for file in found:
        assert content(file) == FILES[file.label]
        with file.open() as opened:
            opened.seek(-4, io.SEEK_END)
            assert opened.read() == FILES[file.label][-4:]


@pytest.mark.parametrize("stream", [False, True])
def test_parquet_from_the_hub_is_read_in_place(served: Hub, patience: Patience, stream: bool) -> None:
    with only(on_hub("data/train.parquet", stream=stream), patience).open() as file:
        groups = pq.ParquetFile(file)
        assert groups.read_row_group(3).column("n").to_pylist() == list(range(300, 400))
        assert groups.read().num_rows == 1_000


def test_a_list_of_many_pages_is_whole(served: Hub, patience: Patience) -> None:
    served.page = 2
    found = source_files(on_hub("**/*.parquet **/*.jsonl README.md"), None, None, patience)
    assert [file.label for file in found] == sorted(FILES)


@pytest.mark.parametrize(("files", "default"), [(None, "*.jsonl"), ("*.jsonl", "**/*.parquet")])
def test_the_adapters_repository_and_files_are_defaults(
    served: Hub, patience: Patience, files: str | None, default: str
) -> None:
    source = TableSource(type="table", revision="main", files=files)
    assert [file.label for file in source_files(source, REPO, default, patience)] == ["rows.jsonl"]


def test_an_evaluation_set_takes_test_files_in_any_folder_unless_told(served: Hub, patience: Patience) -> None:
    revision = served.commit(REPO, {**FILES, "test.parquet": parquet(1)})
    found = source_files(EvaluationSet(name=REPO, revision=revision), None, None, patience)
    assert [file.label for file in found] == ["data/test-0.parquet", "test.parquet"]


def test_a_downloaded_file_is_not_asked_for_again(served: Hub, patience: Patience) -> None:
    source = on_hub(revision=served.commit(REPO, FILES))
    assert content(only(source, patience)) == LINES
    asked = len(served.requests)
    assert content(only(source, patience)) == LINES
    assert len(served.requests) == asked


def test_a_streamed_file_leaves_nothing_on_disk(served: Hub, patience: Patience, tmp_path: Path) -> None:
    assert content(only(on_hub(stream=True), patience)) == LINES
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_streaming_asks_for_the_ranges_that_are_read(
    served: Hub, patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_PIECE", 1_000)
    with only(on_hub(stream=True), patience).open() as file:
        file.seek(5_500)
        assert file.read(2_200) == LINES[5_500:7_700]
        assert file.readline() == LINES[7_700:].splitlines(keepends=True)[0]
    ranges = [request.headers.get("Range") for request in served.asked("*/rows.jsonl")]
    assert ranges == ["bytes=5500-6499", "bytes=6500-7499", "bytes=7500-8499"]


def test_the_identity_is_of_the_commit_and_needs_no_download(served: Hub, patience: Patience) -> None:
    before = [file.identity() for file in source_files(on_hub("**/*.jsonl"), None, None, patience)]
    assert len(set(before)) == 2
    assert [only(on_hub(stream=True), patience).identity()] == before[1:]
    assert served.asked("*/resolve/*") == served.asked("*/resolve/*", "HEAD") == []
    assert only(on_hub(revision=resolved_revision(REPO, "main", patience)), patience).identity() == before[1]
    served.commit(REPO, {**FILES, "rows.jsonl": b"{}\n"})
    as_a_new_process()
    assert only(on_hub(), patience).identity() not in before


def test_a_branch_is_looked_up_once_so_that_a_run_reads_one_commit(served: Hub, patience: Patience) -> None:
    before = resolved_revision(REPO, "main", patience)
    moved = served.commit(REPO, {"rows.jsonl": b"{}\n"})
    assert resolved_revision(REPO, "main", patience) == before != moved
    assert content(only(on_hub(), patience)) == LINES
    assert len(served.asked(f"/api/datasets/{REPO}/revision/*")) == 1


def test_a_commit_needs_no_look_up(served: Hub, patience: Patience) -> None:
    assert resolved_revision(REPO, "0" * 40, patience) == "0" * 40
    assert served.requests == []


def test_a_tag_is_resolved_to_its_commit(served: Hub, patience: Patience) -> None:
    commit = served.commit(REPO, {"rows.jsonl": b"{}\n"}, "v1.0")
    assert resolved_revision(REPO, "v1.0", patience) == commit
    assert content(only(on_hub(revision="v1.0"), patience)) == b"{}\n"


def test_a_file_can_be_sent_to_a_process_with_nothing_but_the_environment(served: Hub, tmp_path: Path) -> None:
    (file,) = source_files(on_hub(revision=served.commit(REPO, FILES)), None, None)
    code = "import pickle, sys; sys.stdout.buffer.write(pickle.load(sys.stdin.buffer).open().read())"
    child = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(file),
        env={**os.environ, **hub_environment(served, tmp_path / "other")},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert child.stdout == LINES


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


def test_a_glob_that_matches_nothing_is_answered_with_the_nearest_names(served: Hub, patience: Patience) -> None:
    text = refusal(on_hub("row.jsonl"), patience)
    assert text.startswith(f"no file of dataset {REPO} at main matches 'row.jsonl'; the nearest: rows.jsonl, ")
    assert "matches 'train.parquet'" in refusal(
        on_hub("rows.jsonl train.parquet"), patience
    )  # one of two is not enough
    assert "such as '*.jsonl'; it has README.md, data/test-0.parquet" in refusal(on_hub(None), patience)
    served.commit("org/empty", {})
    empty = TableSource(type="table", name="org/empty", revision="main", files="*")
    assert refusal(empty, patience).endswith("no files at all")


def test_sources_that_name_no_dataset_are_refused(served: Hub, patience: Patience) -> None:
    assert "neither 'path' nor 'name'" in refusal(TableSource(type="table", revision="main", files="*"), patience)
    assert "neither 'path' nor 'revision'" in refusal(EvaluationSet(name=REPO), patience)
    for name in ("https://huggingface.co/datasets/org/name", "table"):
        odd = TableSource(type="table", name=name, revision="main", files="*")
        assert f"'{name}' is not a dataset's name on the Hub" in refusal(odd, patience)
    assert served.requests == []


def test_a_server_that_is_no_hub_is_an_error_in_one_sentence(served: Hub, patience: Patience) -> None:
    served.fail("/api/*", status=200, body=b"<html>Welcome</html>")
    text = refusal(on_hub(), patience)
    assert f"see whether {served.address} is the Hub" in text


def go_offline(served: Hub, monkeypatch: pytest.MonkeyPatch) -> int:
    """As HF_HUB_OFFLINE=1 does for a new process; returns the requests so far."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    as_a_new_process()
    return len(served.requests)


def test_a_commit_that_was_read_once_can_be_read_offline(
    served: Hub, patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = on_hub("**/*.jsonl", revision=served.commit(REPO, FILES))
    assert source.revision is not None
    before = [(file.label, content(file)) for file in source_files(source, None, None, patience)]
    licence = declared_licence(REPO, source.revision, patience=patience)
    asked = go_offline(served, monkeypatch)
    assert [(file.label, content(file)) for file in source_files(source, None, None, patience)] == before
    assert declared_licence(REPO, source.revision, patience=patience) == licence == "cc-by-4.0"
    assert len(served.requests) == asked


def test_a_commit_that_huggingface_hub_fetched_can_be_read_offline(
    served: Hub, patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = served.commit(REPO, FILES)
    snapshot_download(REPO, repo_type="dataset", revision=commit, endpoint=served.address)
    asked = go_offline(served, monkeypatch)
    assert content(only(on_hub(revision=commit), patience)) == LINES
    assert declared_licence(REPO, commit, patience=patience) == "cc-by-4.0"
    assert len(served.requests) == asked


def test_what_is_not_in_the_cache_is_named_offline_with_what_to_do(
    served: Hub, slept: list[float], patience: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = served.commit(REPO, FILES)
    source_files(on_hub(revision=listed), None, None, patience)
    asked = go_offline(served, monkeypatch)
    command = f"'hf download {REPO} --repo-type dataset --revision "
    text = refusal(on_hub(revision=listed), patience)
    assert text.startswith(f"rows.jsonl of dataset {REPO} at {listed} is not in the cache") and command in text
    text = refusal(on_hub(revision="f" * 40), patience)
    assert text.startswith(f"dataset {REPO} at {'f' * 40} is not in the cache") and command in text
    assert "give the commit, 40 hexadecimal digits, as 'revision'" in refusal(on_hub(), patience)
    assert "set 'stream: false'" in refusal(on_hub(revision=listed, stream=True), patience)
    assert (slept, len(served.requests)) == ([], asked)


def test_a_cache_that_cannot_be_written_is_named(
    served: Hub, patience: Patience, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", str(tmp_path / "file" / "assets"))
    assert "so set HF_HOME to a folder that can be written" in refusal(on_hub(), patience)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (b"---\nlicense: mit\n---\n", "mit"),
        (b"---\nlicense:\n- mit\n- apache-2.0\n---\n", "mit, apache-2.0"),
        (b"---\nlicense: other\nlicense_name: my-licence\n---\n", "my-licence"),
        (b"---\nlicense: other\n---\n", "other"),
        (b"---\ntags: [math]\n---\n", None),
        (b"Only text.\n", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_licence_is_what_the_card_of_that_revision_declares(
    served: Hub, patience: Patience, card: bytes | None, licence: str | None, stream: bool
) -> None:
    served.commit(REPO, {"rows.jsonl": LINES} | ({"README.md": card} if card is not None else {}), "v2")
    assert declared_licence(REPO, "v2", stream, patience) == licence
    assert declared_licence(REPO, "main", stream, patience) == "cc-by-4.0"


def test_a_licence_that_cannot_be_known_is_an_error(served: Hub, patience: Patience) -> None:
    served.commit(REPO, {"README.md": b"---\nlicense: [mit\n---\n"}, "broken")
    with pytest.raises(SourceError, match=r"the head of README.md of dataset org/name at broken .* set 'licence'"):
        declared_licence(REPO, "broken", patience=patience)
    served.fail("*/README.md", times=100)
    with pytest.raises(SourceError, match=r"README.md of dataset org/name at main .* HTTP 503"):
        declared_licence(REPO, "main", patience=patience)


@pytest.mark.slow
def test_datasets_reads_the_loopback_hub_so_it_speaks_the_protocol(served: Hub, tmp_path: Path) -> None:
    served.commit("org/lines", {"rows.jsonl": LINES})
    served.commit("org/parquet", {"data/train.parquet": FILES["data/train.parquet"]})
    code = """
import datasets
for repo in ("org/lines", "org/parquet"):
    print(sum(row["n"] for row in datasets.load_dataset(repo, split="train", streaming=True)))
"""
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **hub_environment(served, tmp_path / "home")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert child.stdout.split() == [str(sum(range(2_000))), str(sum(range(1_000)))]
