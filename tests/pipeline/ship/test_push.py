"""Pushes to a Hub on this machine that speaks the real client's protocol, and fails as the real one does."""

import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hipo_data.pipeline.cli import app
from hipo_data.pipeline.ship.push import _may_pass, push, rehearse
from hipo_data.schemas.errors import RunFailedError, UserError
from hipo_data.stages.ingest.reading.hub_requests import Patience
from tests.support.commands import COMMAND
from tests.support.hub import Hub, hub_environment
from tests.support.hub_writes import TOKEN, Writes
from tests.support.published import Rows, make_published

REPO = "me/sums"
COMMIT = f"/api/datasets/{REPO}/commit/main"
BATCH = f"/datasets/{REPO}.git/info/lfs/objects/batch"
HURRIED = Patience(tries=4, sleep=lambda seconds: None)
push = partial(push, patience=HURRIED)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_published(tmp_path / "data")


def on_disk(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def on_hub(served: Hub, repo: str = REPO) -> dict[str, bytes]:
    repository = served.repositories[repo]
    return {
        path: data for path, data in repository.commits[repository.refs["main"]].items() if path != ".gitattributes"
    }


def test_a_new_dataset_is_made_and_gets_all_files_in_one_commit(served: Hub, writes: Writes, data: Path) -> None:
    said = push(data, REPO)
    assert on_hub(served) == on_disk(data)
    assert writes.commits == 1
    assert not served.repositories[REPO].private
    assert said.startswith(f"pushed 9 files (0.1 MB): {served.address}/datasets/{REPO} (commit ")


def test_a_second_push_finds_nothing_to_do_and_uploads_nothing(served: Hub, writes: Writes, data: Path) -> None:
    push(data, REPO)
    before = len([request for request in served.requests if request.method != "GET"])
    assert push(data, REPO).startswith(f"nothing to push: {served.address}/datasets/{REPO} holds the same 9 files")
    assert len([request for request in served.requests if request.method != "GET"]) == before


def test_what_changed_goes_up_and_old_shards_go_but_not_files_of_others(
    served: Hub, writes: Writes, data: Path, tmp_path: Path
) -> None:
    push(data, REPO)
    served.commit(REPO, {**on_hub(served), "LICENSE": b"theirs", "sft/notes.txt": b"theirs too"})

    def only_one(part: str, split: str, rows: Rows) -> None:
        if (part, split) == ("sft", "train"):
            del rows[1:]

    smaller = make_published(tmp_path / "smaller", spoil=only_one)
    (smaller / "README.md").write_text(
        (smaller / "README.md").read_text().replace("sft | train | 6", "sft | train | 1")
    )
    said = push(smaller, REPO)
    assert on_hub(served) == {**on_disk(smaller), "LICENSE": b"theirs", "sft/notes.txt": b"theirs too"}
    assert "pushed 2 files" in said
    assert "6 were there already, 2 old ones removed" in said
    assert len(served.asked("/store/*", "PUT")) == 9  # 8 at first, and one new


def test_private_makes_a_private_dataset_and_never_uses_a_public_one(served: Hub, writes: Writes, data: Path) -> None:
    push(data, REPO, private=True)
    assert served.repositories[REPO].private
    served.commit("me/public", {"README.md": b"x"})
    with pytest.raises(UserError, match=r"^the dataset me/public is public; make it private on the Hub, or leave"):
        push(data, "me/public", private=True)
    assert on_hub(served, "me/public") == {"README.md": b"x"}


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (f"/api/datasets/{REPO}/revision/main", "GET"),
        (f"/api/datasets/{REPO}/tree/*", "GET"),
        ("/api/validate-yaml", "POST"),
        (f"/api/datasets/{REPO}/preupload/main", "POST"),
        (BATCH, "POST"),
        ("/store/*", "PUT"),
        (f"/datasets/{REPO}.git/info/lfs/objects/verify", "POST"),
        (COMMIT, "POST"),
    ],
)
@pytest.mark.parametrize(
    "how",
    [
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"status": 500},
        {"status": 503, "body": b"<html>a proxy</html>"},
        {"drop": 0},
        {"cut": 5, "reset": True},
    ],
    ids=lambda how: str(next(iter(how.values()))),
)
def test_a_failure_that_passes_costs_a_retry_and_nothing_else(
    served: Hub, writes: Writes, data: Path, path: str, method: str, how: dict[str, Any]
) -> None:
    served.commit(REPO, {"README.md": b"old"})
    served.fail(path, method=method, **how)
    push(data, REPO)
    assert on_hub(served) == on_disk(data)
    assert writes.commits == 1  # also where only the answer to the commit was lost
    assert served.failures[0].times == 0


def test_a_connection_cut_in_the_middle_of_a_file_is_taken_up_again(served: Hub, writes: Writes, data: Path) -> None:
    served.fail("/store/*", method="PUT", drop=700, times=3)
    push(data, REPO)
    assert on_hub(served) == on_disk(data)


def test_large_files_go_up_in_parts(served: Hub, data: Path) -> None:
    writes = Writes(served, part_bytes=1000)
    served.fail("/store/*/2", method="PUT", drop=100)
    push(data, REPO)
    assert len(writes.parts) > 6
    assert on_hub(served) == on_disk(data)


def test_a_push_after_one_that_gave_up_uploads_only_the_rest(served: Hub, writes: Writes, data: Path) -> None:
    served.commit(REPO, {"README.md": b"old"})
    served.fail(COMMIT, method="POST", status=503, times=99)
    with pytest.raises(
        RunFailedError, match=rf"^the push to {REPO} was not finished after 4 tries: HTTP 503 .*push again"
    ):
        push(data, REPO)
    assert on_hub(served) == {"README.md": b"old"}
    uploaded = len(served.asked("/store/*", "PUT"))
    served.failures.clear()
    assert "pushed 9 files" in push(data, REPO)
    assert len(served.asked("/store/*", "PUT")) == uploaded == 8


def test_a_hub_that_falls_silent_is_given_up_on(served: Hub, writes: Writes, data: Path) -> None:
    served.fail("/api/validate-yaml", method="POST", stall=True, times=99)
    with pytest.raises(RunFailedError, match="was not finished after 4 tries: ReadTimeout"):
        push(data, REPO, timeout_s=0.2)


def test_a_commit_whose_answer_never_comes_is_found_to_be_there(served: Hub, writes: Writes, data: Path) -> None:
    served.fail(COMMIT, method="POST", stall=True)
    assert push(data, REPO, timeout_s=1).startswith(f"pushed 9 files to {served.address}/datasets/{REPO} (commit ")
    assert writes.commits == 1


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_that_passes_costs_a_retry(served: Hub, writes: Writes, data: Path, status: int) -> None:
    served.fail(COMMIT, method="POST", status=status, body=b'{"error": "another operation is in progress"}')
    push(data, REPO)
    assert on_hub(served) == on_disk(data)
    assert writes.commits == 1


def test_others_who_change_other_files_meanwhile_are_no_hindrance(served: Hub, writes: Writes, data: Path) -> None:
    served.commit(REPO, {"README.md": b"old"})
    meanwhile(writes, lambda: served.commit(REPO, {"README.md": b"old", "LICENSE": b"theirs"}))
    push(data, REPO)
    assert on_hub(served) == {**on_disk(data), "LICENSE": b"theirs"}


def test_others_who_change_the_same_files_meanwhile_are_not_overwritten(
    served: Hub, writes: Writes, data: Path
) -> None:
    served.commit(REPO, {"README.md": b"old"})
    meanwhile(writes, lambda: served.commit(REPO, {"README.md": b"theirs"}))
    with pytest.raises(UserError, match=r"^somebody else changed README.md of the dataset me/sums while it was being"):
        push(data, REPO)
    assert on_hub(served) == {"README.md": b"theirs"}


def meanwhile(writes: Writes, act: Any) -> None:
    """Does something between a push's look at the Hub and its commit, once."""
    answer, todo = writes.answer, [act]

    def first(request: Any) -> Any:
        if request.path == COMMIT and todo:
            todo.pop()()
        return answer(request)

    writes.hub.writes = first


def test_others_who_never_stop_are_named_in_the_end(served: Hub, writes: Writes, data: Path) -> None:
    served.commit(REPO, {"README.md": b"old"})
    served.fail(COMMIT, method="POST", status=412, times=99)
    with pytest.raises(
        RunFailedError, match=r"^others kept changing the dataset me/sums, also after 4 tries: HTTP 412"
    ):
        push(data, REPO)


def test_a_token_that_may_not_write_is_refused_at_once_and_never_shown(
    served: Hub, writes: Writes, data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    served.commit(REPO, {"README.md": b"old"})
    monkeypatch.setenv("HF_TOKEN", "hf_reader987")
    with pytest.raises(RunFailedError, match=r"refuses a push to me/sums: HTTP 403 .*; set HF_TOKEN to a token that"):
        push(data, REPO)
    assert len(served.asked("/api/validate-yaml", "POST")) == 1
    assert "hf_reader987" not in "".join(capfd.readouterr())


def test_a_server_that_repeats_the_token_does_not_bring_it_into_the_message(
    served: Hub, writes: Writes, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served.commit(REPO, {"README.md": b"old"})
    body = f'{{"error": "bad token {TOKEN}"}}'.encode()
    served.fail(COMMIT, method="POST", status=500, body=body, headers={"Content-Type": "application/json"}, times=99)
    with pytest.raises(RunFailedError, match="bad token <token>") as raised:
        push(data, REPO)
    assert TOKEN not in caplog.text + str(raised.value)
    assert "next try in" in caplog.text
    assert raised.value.__cause__ is None


def test_addresses_of_uploads_are_signed_and_stay_out_of_the_log(
    served: Hub, writes: Writes, data: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    served.fail("/store/*", method="PUT", status=503, times=999)
    with pytest.raises(RunFailedError) as raised:
        push(data, REPO)
    said = caplog.text + "".join(capfd.readouterr()) + str(raised.value)
    assert "503" in said
    assert "Signature" not in said


def test_a_dataset_that_is_not_valid_is_not_pushed(served: Hub, writes: Writes, data: Path) -> None:
    (data / "rl/train-00000-of-00002.parquet").unlink()
    with pytest.raises(RunFailedError, match=r"is not pushed: it fails validation in 2 places, such as: rl/ holds 1"):
        push(data, REPO)
    assert served.requests == []


def test_hidden_files_stay_here(served: Hub, writes: Writes, data: Path) -> None:
    (data / ".env").write_text("HF_TOKEN=secret")
    push(data, REPO)
    assert ".env" not in on_hub(served)


@pytest.mark.parametrize(
    ("repo", "variables", "said"),
    [
        ("sums", {}, "'sums' is not a dataset's name on the Hub"),
        (REPO, {"HF_TOKEN": ""}, "HF_TOKEN is not set"),
        (REPO, {"HF_HUB_OFFLINE": "1"}, "nothing can be pushed while HF_HUB_OFFLINE is set"),
    ],
)
def test_what_cannot_be_pushed_is_said_before_anything_is_asked(
    served: Hub, data: Path, tmp_path: Path, repo: str, variables: dict[str, str], said: str
) -> None:
    environment = {**os.environ, **hub_environment(served, tmp_path), "HF_TOKEN": TOKEN, **variables}
    done = subprocess.run(
        [COMMAND, "push", data, repo], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert served.requests == []


def test_the_command_says_what_it_pushed(served: Hub, writes: Writes, data: Path) -> None:
    done = CliRunner().invoke(app, ["push", str(data), REPO])
    assert done.exit_code == 0, done.output
    assert "pushed 9 files" in done.output


def test_a_dry_run_says_what_would_go_up_and_writes_nothing(
    served: Hub, writes: Writes, data: Path, tmp_path: Path
) -> None:
    said = CliRunner().invoke(app, ["push", str(data), REPO, "--dry-run", "--private"]).stdout
    card = (data / "README.md").stat().st_size
    assert said.startswith(f"{served.address}/datasets/{REPO}: not there yet, and made private\n")
    assert f"new      {card:>13,}  README.md\n" in said
    assert said.endswith("would upload 9 files (0.1 MB); nothing was uploaded\n")
    assert REPO not in served.repositories

    push(data, REPO)
    commit = served.repositories[REPO].refs["main"]
    before = len(served.requests)
    (data / "README.md").write_text((data / "README.md").read_text() + "\nMore.\n")
    served.commit(REPO, {**on_hub(served), "sft/train-00002-of-00003.parquet": b"old"})
    found = rehearse(data, REPO)
    assert set(found.changed) == {"README.md"} and not found.new
    assert len(found.same) == 8 and found.removed == ["sft/train-00002-of-00003.parquet"]
    assert not found.private and found.commit == served.repositories[REPO].refs["main"] != commit
    assert {request.method for request in served.requests[before:]} == {"GET"}


def test_a_dry_run_refuses_what_a_push_would(served: Hub, writes: Writes, data: Path) -> None:
    served.commit("me/public", {"README.md": b"x"})
    with pytest.raises(UserError, match=r"^the dataset me/public is public"):
        rehearse(data, "me/public", private=True, patience=HURRIED)
    served.fail(f"/api/datasets/{REPO}/*", status=503, times=9)
    with pytest.raises(RunFailedError, match="503"):
        rehearse(data, REPO, patience=HURRIED)


def test_failures_of_xet_that_pass_are_told_from_those_that_do_not() -> None:
    # As hf_xet 1.8 words them; its protocol is not spoken here.
    for text, passes in [
        ("Server error: Request error: HTTP status server error (503 Service Unavailable), domain: http://hub/x", True),
        ("Network error: Request middleware error: error sending request for url (http://hub/x)", True),
        ("Network error: Request error: HTTP status client error (404 Not Found), domain: http://hub/x", False),
    ]:
        assert _may_pass(ConnectionError(text)) is passes


def test_a_hub_without_xet_gets_a_sentence_that_helps(served: Hub, writes: Writes, data: Path, tmp_path: Path) -> None:
    environment = {**os.environ, **hub_environment(served, tmp_path), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "0"}
    done = subprocess.run(
        [COMMAND, "push", data, REPO], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "set HF_HUB_DISABLE_XET=1" in done.stderr
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr
