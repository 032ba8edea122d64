"""Which files a source has, on this machine and on the Hub, and that they hold what the commit holds."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants, snapshot_download

from hipo_data.schemas.config import EvaluationSet
from hipo_data.schemas.errors import SourceError
from hipo_data.stages.ingest.reading import hub as hub_module
from hipo_data.stages.ingest.reading.files import declared_licence, resolved_revision, source_files
from hipo_data.stages.ingest.reading.hub_requests import Patience
from hipo_data.stages.ingest.sources.table import TableSource
from tests.stages.ingest.hub_sources import (
    FILES,
    LINES,
    REPO,
    as_a_new_process,
    content,
    on_hub,
    only,
    parquet,
    refusal,
)
from tests.support.hub import Hub, hub_environment


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
    assert served.requests == []


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
