"""`hipo-data doctor`: what is there is found, what is missing fails, nothing waits, and no secret is shown."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hipo_data.pipeline.doctor import finding, machine, services, software
from hipo_data.pipeline.doctor.examine import examine, halved_on_cpu
from hipo_data.pipeline.doctor.finding import Finding, Look, State, note
from hipo_data.schemas.config import OpenAIEngine, RunConfig, VllmEngine
from hipo_data.schemas.errors import UserError
from tests.support.commands import fail, hipo_data, recorded_recipe
from tests.support.teacher_endpoint import teacher_endpoint

TOKEN = "hf_abcdefgh0123456789"


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


def states(out: str) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(out)["findings"]}


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Puts a program in the place of nvidia-smi."""

    def put(text: str, code: int = 0) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    yield put


def test_a_sound_machine_passes_and_one_unsafe_choice_fails(tmp_path: Path) -> None:
    done = hipo_data("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    found = states(done.stdout)
    assert json.loads(done.stdout)["ok"] and "FAILS" not in found.values()
    assert {"GPU", "vLLM", "Ray", "memory", "shared memory", "disk", "Hub token", "sandbox: network"} <= set(found)
    assert "not every protection holds" in fail("doctor", "--sandbox", "none", cwd=tmp_path, code=1)
    assert "landlock, remote or none" in fail("doctor", "--sandbox", "jail", cwd=tmp_path)


def test_what_a_recipe_names_is_tried_and_shown_in_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("HF_TOKEN", "not of the Hub")
    recipe = recorded_recipe(tmp_path, verify={"sandbox": "none"})
    done = hipo_data("doctor", "-c", recipe.name, cwd=tmp_path)
    lines = {line[7:].split("  ")[0]: line for line in done.stdout.splitlines()}
    assert lines["Ray"].startswith("FAILS") and "127.0.0.1:1 does not answer" in lines["Ray"]
    assert lines["Hub token"].startswith("FAILS") and "not of the Hub" not in done.stdout
    assert lines["sandbox: network"].startswith("FAILS")
    assert f"{tmp_path}/runs/recorded" in lines["disk"]
    assert done.returncode == 1


@pytest.mark.slow
def test_endpoints_of_a_recipe_are_reached_and_their_keys_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-very-secret-123456")
    with teacher_endpoint() as url:
        engine = OpenAIEngine.model_validate(
            {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url, "api_key_env": "SOME_KEY"}
        )
        found = only(services.endpoints("teacher", engine))
        assert (found.name, found.state) == ("endpoint of teacher", State.OK)
        assert "SOME_KEY is set" in found.detail and "secret" not in found.detail
        unset = only(services.endpoints("teacher", engine.model_copy(update={"api_key_env": "UNSET_KEY"})))
        assert "UNSET_KEY is not set" in unset.detail


def test_an_endpoint_that_is_not_there_or_says_nothing_fails_in_time(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "ANSWER_S", 0.3)
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    pool = {
        "type": "openai", "model": "m", "api_key_env": None,
        "endpoints": [
            {"base_url": "http://127.0.0.1:1/v1"},
            {"base_url": f"http://127.0.0.1:{silent}/v1"},
            {"base_url": "http://127.0.0.1:1/v1", "api_key_env": "NO_SUCH_KEY"},
        ],
    }  # fmt: skip
    found = services.endpoints("teacher", OpenAIEngine.model_validate(pool))
    assert [each.state for each in found] == [State.FAILS] * 3
    assert "no answer from http://127.0.0.1:1/v1" in found[0].detail
    assert "within 0.3 s" in found[1].detail
    assert "NO_SUCH_KEY" in found[2].detail


def test_a_look_that_never_ends_is_given_up_on_and_a_bug_is_not_hidden() -> None:
    assert only(Look("it", lambda: time.sleep(60) or [], 0.1).found()) == Finding(
        "it", State.FAILS, "no answer within 0.1 s"
    )

    def refuses() -> list[Finding]:
        raise UserError("http://user:word@host is no place")

    assert only(Look("it", refuses, 5).found()) == Finding("it", State.FAILS, "http://***@host is no place")
    with pytest.raises(ZeroDivisionError):
        Look("it", lambda: [note("it", str(1 // 0))], 5).found()


@pytest.mark.parametrize(
    ("token", "state"),
    [
        ("", State.NOTE),
        (TOKEN, State.OK),
        ("hf_", State.FAILS),
        ("hf_with a space", State.FAILS),
        ("sk-1", State.FAILS),
    ],
)
def test_the_token_is_known_by_its_form_and_not_shown(
    token: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    found = only(services.hub_token())
    assert found.state is state
    assert not token or token == "hf_" or token not in found.detail


def test_gpus_are_listed_and_those_that_a_recipe_needs_have_to_be_there(smi: Any) -> None:
    smi("NVIDIA H200, 143771, 143209, 570.86.15\nNVIDIA H200, 143771, 143209, 570.86.15")
    said = "2 x NVIDIA H200, 140 GiB (140 free), driver 570.86.15"
    assert machine.gpus(2) == [Finding("GPU", State.OK, said)]
    assert only(machine.gpus(4)).state is State.FAILS
    smi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9)
    assert "couldn't communicate" in only(machine.gpus()).detail
    assert only(machine.gpus()).state is State.NOTE
    assert only(machine.gpus(1)).state is State.FAILS


def test_a_disk_that_is_full_or_read_only_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(machine.disk(tmp_path / "not" / "there")).state is State.OK
    (tmp_path / "file").touch()
    assert only(machine.disk(tmp_path / "file" / "run")).state is State.FAILS
    monkeypatch.setattr(machine, "_TOO_LITTLE_DISK", 2**60)
    assert "make room" in only(machine.disk(tmp_path)).detail


def test_memory_is_told_and_little_of_it_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(machine.memory()).state is State.OK
    (tmp_path / "memory.max").write_text(f"{2**29}\n")
    monkeypatch.setattr(machine, "_GROUP_LIMITS", (tmp_path / "none", tmp_path / "memory.max"))
    found = only(machine.memory())
    assert found.state is State.NOTE and "may use 0.5 GiB" in found.detail
    assert only(machine.shared_memory(tmp_path / "none")).state is State.NOTE
    monkeypatch.setattr(machine, "_LITTLE_SHARED", 2**60)
    assert "--shm-size" in only(machine.shared_memory(tmp_path)).detail


def test_half_precision_on_a_cpu_without_avx512_is_noted(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu sse avx2 fma\n")
    found = only(machine.processor(["judge", "teacher"], cpuinfo))
    assert found.state is State.NOTE
    assert "set engines.judge.args.dtype and engines.teacher.args.dtype to float32" in found.detail
    assert machine.processor([], cpuinfo) == []
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n")
    assert only(machine.processor(["teacher"], cpuinfo)).state is State.OK
    cpuinfo.write_text("processor\t: 0\nFeatures\t: fp asimd\n")  # as on Arm
    assert machine.processor(["teacher"], cpuinfo) == []


@pytest.mark.parametrize(
    ("engine", "halved"),
    [
        ({}, True),
        ({"args": {"dtype": "bfloat16"}}, True),
        ({"args": {"dtype": "float32"}}, False),
        ({"resources": {"num_gpus": 1}}, False),
    ],
)
def test_engines_in_half_precision_on_the_cpu_are_told_from_others(engine: dict[str, Any], halved: bool) -> None:
    config = VllmEngine.model_validate({"type": "vllm", "model": "m", **engine})
    assert halved_on_cpu(config) is halved


def test_vllm_fails_where_it_is_needed_and_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(software.vllm()).state is State.OK
    monkeypatch.setattr(software, "_VLLM", "raise ImportError('libcuda.so.1: no such file')")
    assert "libcuda.so.1: no such file" in only(software.vllm(needed=True)).detail
    monkeypatch.setattr(software, "version_of", lambda name: None)
    assert only(software.vllm()).state is State.NOTE
    assert only(software.vllm(needed=True)).state is State.FAILS


@pytest.mark.long
def test_vllm_that_is_needed_is_loaded_and_names_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "IMPORT_S", 300.0)
    found = only(software.vllm(needed=True))
    assert found.state is State.OK and "device cpu" in found.detail


def test_vllm_that_takes_too_long_to_load_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "IMPORT_S", 0.1)
    monkeypatch.setattr(software, "_VLLM", "import time; time.sleep(60)")
    found = only(software.vllm(needed=True))
    assert found.state is State.NOTE and "did not load within 0.1 s" in found.detail


@pytest.mark.slow
def test_a_cluster_is_joined_to_see_what_it_has(cluster_address: str) -> None:
    found = only(software.ray(cluster_address))
    assert found.state is State.OK, found.detail
    assert "has 2 nodes, 4 CPUs, 0 GPUs" in found.detail


def test_a_cluster_that_says_nothing_is_given_up_on(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "JOIN_S", 1.0)
    found = only(software.ray(f"127.0.0.1:{silent}"))
    assert found.state is State.FAILS and "takes nobody in" in found.detail


def test_engines_that_no_role_names_and_those_in_a_cluster_need_nothing_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}

    def see(name: str) -> Any:
        def look(*given: Any, **named: Any) -> list[Finding]:
            asked[name] = (*given, *named.values())
            return [finding.ok(name, "")]

        return look

    for name in ("gpus", "vllm", "ray", "endpoints", "probe_sandbox"):
        monkeypatch.setattr(
            f"hipo_data.pipeline.doctor.examine.{name}", see(name) if name != "probe_sandbox" else lambda grading: []
        )
    vllm = {"type": "vllm", "model": "m", "resources": {"num_gpus": 2}, "replicas": 3, "tensor_parallel_size": 2}
    recipe: dict[str, Any] = {
        "name": "r",
        "run_dir": str(tmp_path / "run"),
        "sources": [{"type": "acereason", "path": "/dev/null", "name": "a"}],
        "engines": {"used": vllm, "unused": {"type": "openai", "model": "m"}},
        "roles": {role: {"engine": "used"} for role in ("think_on", "think_off", "justifier")},
    }
    examine(RunConfig.model_validate(recipe))
    assert asked == {"gpus": (6,), "vllm": (True,), "ray": (None,)}
    asked.clear()
    examine(RunConfig.model_validate(recipe | {"ray": {"address": "host:6379"}}))
    assert asked == {"gpus": (0,), "vllm": (False,), "ray": ("host:6379",)}
