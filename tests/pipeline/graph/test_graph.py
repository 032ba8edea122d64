"""Which pieces of a run depend on which, and when a piece is done."""

import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from hipo_data.engines.asking import asking
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.graph.fingerprints import Fingerprints
from hipo_data.pipeline.graph.nodes import (
    INGEST,
    PRIOR,
    PUBLISH,
    Node,
    overlapping,
    parents,
    relatives,
    run_nodes,
    shard_name,
    shard_nodes,
)
from hipo_data.pipeline.graph.states import state_of
from hipo_data.pipeline.store.files import file_digest
from hipo_data.pipeline.store.manifest import Manifest, Output, read_manifest, write_manifest
from hipo_data.schemas.config import OpenAIEngine, RunConfig
from hipo_data.schemas.errors import DamagedError
from hipo_data.schemas.keys import digest, problem_id, shard_of
from hipo_data.schemas.records import Mode
from hipo_data.stages.ingest.shard_count import MOST_BITS
from tests.support.made_up_run import config

SHARDS = ["01-0000", "01-0001"]


@pytest.mark.parametrize(
    "settings", [{}, {"sample": {"stop": "decided"}}, {"verify": {"pseudo_gold": {"rule": "esc"}}}]
)
def test_nodes_of_a_shard_come_after_what_they_read(settings: dict[str, Any]) -> None:
    run, seen = config(8, **{"sample": {"n": 8}, **settings}), {INGEST.name}
    votes = run.verify.pseudo_gold is not None
    for node in [*shard_nodes(SHARDS[0], votes), *shard_nodes(SHARDS[1], votes), PUBLISH]:
        assert {parent.name for parent in parents(node, SHARDS, run)} <= seen
        seen.add(node.name)


def test_shards_overlap_exactly_when_they_can_hold_the_same_problem() -> None:
    ids = [problem_id(str(i)) for i in range(2_000)]
    held = {
        shard_name(bits, index): {key for key in ids if shard_of(key, bits) == index}
        for bits in (0, 1, 3)
        for index in range(2**bits)
    }
    for (one, of_one), (other, of_other) in product(held.items(), held.items()):
        assert overlapping(one, other) == bool(of_one & of_other)


@pytest.mark.parametrize("shard", ["00-0000", "03-0005", "12-0abc", "16-ffff"])
def test_relatives_are_all_the_shards_that_overlap(shard: str) -> None:
    everything = [shard_name(bits, index) for bits in range(MOST_BITS + 1) for index in range(2**bits)]
    assert list(relatives(shard)) == [name for name in everything if overlapping(name, shard)]


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("select.delta=0.3", {"select"}),
        ("select.rule=posterior", {"select"}),
        ("select.policy=shortest", {"select", "publish"}),
        ("select.lhrm.hard_below=0.1", set()),
        ("verify.math_timeout_s=9", {"verify"}),
        ("verify.pseudo_gold.rule=esc", {"ingest", "verify"}),
        ("justify.max_attempts=9", {"justify"}),
        ("publish.title=x", {"publish"}),
        ("sample.n=9", {"sample"}),
        ("sample.stop=decided", {"sample.think_on"}),
        ("roles.think_on.sampling.temperature=0.5", {"sample.think_on"}),
        ("roles.justifier.sampling.temperature=0.5", {"justify"}),
        ("roles.think_on.reading.close=[</thought>]", {"sample.think_on"}),
        ("engines.teacher.family=auto", {"sample", "justify"}),
        ("ingest.limit=3", {"ingest"}),
        ("sources.0.licence=x", {"ingest"}),
        ("engines.teacher.args.max_model_len=400", {"sample", "justify"}),
        ("engines.teacher.max_in_flight=3", set()),
        ("engines.teacher.resources.num_cpus=3", set()),
        ("verify.workers=3", set()),
        ("ray.local_cpus=3", set()),
        ("run_dir=elsewhere", set()),
    ],
)
def test_a_config_key_touches_the_stages_that_read_it_and_no_others(
    override: str, changed: set[str], repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    before, after = (Fingerprints(load_config(Path("recipes/quickstart.yaml"), given)) for given in ([], [override]))
    nodes = [INGEST, *shard_nodes(SHARDS[0]), PUBLISH]
    touched = {node.folder for node in nodes if before.parts(node, {}) != after.parts(node, {})}
    assert {
        folder for folder in touched if not any(folder == c or folder.startswith(c + ".") for c in changed)
    } == set()
    assert all(any(folder == c or folder.startswith(c + ".") for folder in touched) for c in changed)


def test_only_a_delta_at_which_pass_rates_tie_says_where_ties_go(
    repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)

    def parts(*overrides: str) -> dict[str, str]:
        config = load_config(Path("recipes/quickstart.yaml"), [*overrides])
        return Fingerprints(config).parts(Node("select", SHARDS[0]), {})

    assert set(parts()) == {"code", "seed", "select", "format"}  # as it was when ties went to think-on
    assert "ties" not in parts("select.delta=0.15", "sample.n=8")
    assert parts("select.delta=0.25", "sample.n=8")["ties"] == "think_off"
    assert parts("select.delta=0.15", "sample.n=20")["ties"] == "think_off"
    assert "ties" not in parts("select.delta=0.25", "sample.n=8", "select.rule=posterior")


def test_the_prior_reads_counts_of_all_shards_and_no_delta_and_every_shard_is_selected_under_it(
    repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)

    def recipe(*overrides: str) -> RunConfig:
        return load_config(Path("recipes/quickstart.yaml"), [*overrides])

    posterior = recipe("select.rule=posterior")
    order = run_nodes(SHARDS, posterior)
    assert PRIOR in order
    for node in order:
        assert all(order.index(parent) < order.index(node) for parent in parents(node, SHARDS, posterior)), node
    graded = {Node(stage, shard, mode) for stage in ("sample", "verify") for shard in SHARDS for mode in Mode}
    assert set(parents(PRIOR, SHARDS, posterior)) == {INGEST, *graded}
    assert all(PRIOR in parents(Node("select", shard), SHARDS, posterior) for shard in SHARDS)
    assert PRIOR not in run_nodes(SHARDS, recipe())
    before, other_delta, other_counts, other_verdicts = (
        Fingerprints(recipe("select.rule=posterior", f"select.{change}")).parts(PRIOR, {})
        for change in ("delta=0.15", "delta=0.4", "min_graded=2", "leaking=refuse")
    )
    assert before == other_delta != other_counts
    assert before != other_verdicts


def test_a_role_without_a_family_is_fingerprinted_as_before_there_were_any(
    repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    parts = Fingerprints(load_config(Path("recipes/quickstart.yaml"), [])).parts(
        Node("sample", SHARDS[0], Mode.THINK_OFF), {}
    )
    sampling = {"temperature": 1.0, "top_p": 0.95, "max_tokens": 128, "extra": {}}
    before = {
        "chat_template_kwargs": {"enable_thinking": False}, "system_prompt": None, "question_suffix": "",
        "response_prefix": "", "starts_in_reasoning": False, "sampling": sampling,
    }  # fmt: skip
    assert parts["roles.think_off"] == digest(before)


@pytest.mark.parametrize(
    "override", ["select.delta=0.3", "verify.math_timeout_s=9", "sample.n_off=3", "sample.stop_error=0.2"]
)
def test_where_sampling_stops_depends_on_what_decides(
    override: str, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    think_on = {}
    for stop in ("never", "likely"):
        given = [f"sample.stop={stop}"]
        before, after = (
            Fingerprints(load_config(Path("recipes/quickstart.yaml"), sets)) for sets in (given, [*given, override])
        )
        node = Node("sample", SHARDS[0], Mode.THINK_ON)
        think_on[stop] = before.parts(node, {}) == after.parts(node, {})
    assert think_on == {"never": True, "likely": False}


def test_unequal_rollouts_depend_on_both_modes_and_on_what_decides(
    repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)

    def parts(mode: Mode, *sets: str) -> dict[str, str]:
        found = Fingerprints(load_config(Path("recipes/quickstart.yaml"), list(sets)))
        return found.parts(Node("sample", SHARDS[0], mode), {})

    on, off, adaptive = Mode.THINK_ON, Mode.THINK_OFF, "sample.allocate=adaptive"
    uniform = parts(off)
    assert parts(off, "sample.allocate=uniform", "sample.allocate_most=9", "select.delta=0.3") == uniform
    unequal = parts(off, adaptive)
    assert unequal.items() > uniform.items()
    for override in (
        "select.delta=0.3", "select.rule=posterior", "sample.n_on=9", "sample.allocate_most=9",
        "roles.think_on.sampling.temperature=0.5", "verify.math_timeout_s=9",
    ):  # fmt: skip
        assert parts(off, adaptive, override) != unequal, override
    assert parts(on, adaptive) == parts(on) | {"allocate": unequal["allocate"]}
    config = load_config(Path("recipes/quickstart.yaml"), [adaptive])
    assert parents(Node("sample", SHARDS[0], on), SHARDS, config) == [INGEST, Node("sample", SHARDS[0], off)]


@pytest.fixture
def done(tmp_path: Path) -> tuple[Node, Manifest]:
    """A finished node."""
    node = Node("sample", SHARDS[0], Mode.THINK_ON)
    path = node.path(tmp_path, ".parquet")
    path.parent.mkdir()
    path.write_bytes(b"12345")
    output = Output(path=str(path.relative_to(tmp_path)), rows=1, bytes=5, sha256=file_digest(path))
    parts = {"code": "1", "input problems": "a"}
    manifest = Manifest(node=node.name, parts=parts, outputs={"rows": output}, rows_in=1, rows_out=1, rows_rejected=0)
    write_manifest(node.path(tmp_path, ".json"), manifest)
    return node, manifest


def test_a_node_is_done_only_while_its_files_are_whole_and_nothing_it_read_changed(
    done: tuple[Node, Manifest], tmp_path: Path
) -> None:
    node, manifest = done
    assert state_of(node, read_manifest(node.path(tmp_path, ".json")), manifest.parts, tmp_path).done
    assert "not done yet" in state_of(node, None, manifest.parts, tmp_path).reason
    changed = {**manifest.parts, "code": "2"}
    assert state_of(node, manifest, changed, tmp_path).reason == "code changed"
    node.path(tmp_path, ".parquet").write_bytes(b"1234")
    assert "has 4 bytes and not 5" in state_of(node, manifest, manifest.parts, tmp_path).reason
    node.path(tmp_path, ".parquet").write_bytes(b"12346")
    state = state_of(node, manifest, manifest.parts, tmp_path)
    assert "does not fit its checksum" in state.reason
    assert state.damaged is not None
    node.path(tmp_path, ".parquet").unlink()
    assert "missing" in state_of(node, manifest, manifest.parts, tmp_path).reason


def test_a_file_that_was_not_touched_since_its_manifest_is_read_in_full_where_it_is_suspected(
    done: tuple[Node, Manifest], tmp_path: Path
) -> None:
    node, manifest = done
    path = node.path(tmp_path, ".parquet")
    assert isinstance(path, Path)
    path.write_bytes(b"12346")
    os.utime(path, ns=(0, 0))
    assert state_of(node, manifest, manifest.parts, tmp_path).done
    state = state_of(node, manifest, manifest.parts, tmp_path, suspects={f"{node.name}.parquet"})
    assert "does not fit its checksum" in state.reason


def test_failed_requests_make_a_node_run_again(done: tuple[Node, Manifest], tmp_path: Path) -> None:
    node, manifest = done
    state = state_of(node, manifest.model_copy(update={"retry": 3}), manifest.parts, tmp_path)
    assert not state.done
    assert "3 failed requests" in state.reason


def test_requests_that_failed_for_good_make_it_run_again_where_the_engine_is_asked_in_another_way(
    done: tuple[Node, Manifest], tmp_path: Path
) -> None:
    node, manifest = done
    failed = manifest.model_copy(update={"counts": {"failed": 2}, "asking": "before"})
    assert state_of(node, failed, manifest.parts, tmp_path, asking="before").done
    state = state_of(node, failed, manifest.parts, tmp_path, asking="now")
    assert state.reason == "2 failed requests are tried again, since the engine's config changed"
    assert not state_of(node, failed, manifest.parts, tmp_path, asking="before", retry_failed=True).done
    unsaid = failed.model_copy(update={"asking": ""})
    assert state_of(node, unsaid, manifest.parts, tmp_path, asking="now").done
    assert state_of(node, manifest, manifest.parts, tmp_path, asking="now", retry_failed=True).done


def test_how_fast_an_engine_is_asked_makes_no_failed_request_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    def way(**changes: Any) -> str:
        return asking(OpenAIEngine.model_validate({"type": "openai", "model": "m", **changes}))

    assert way() == way(max_in_flight=3, replicas=2, requests_per_minute=9)
    others: list[dict[str, Any]] = [
        {"base_url": "http://a/v1"},
        {"extra_body": {"x": 1}},
        {"model": "n"},
        {"max_attempts": 2},
    ]
    assert len({way(), *(way(**other) for other in others)}) == 1 + len(others)
    assert way(base_url="http://u:one@a/v1") == way(base_url="http://u:two@a/v1")  # no digest of a secret
    before = way()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://b/v1")
    assert way() != before


def test_rows_that_vanish_stop_the_commit(tmp_path: Path) -> None:
    manifest = Manifest(node="x/y", parts={}, outputs={}, rows_in=5, rows_out=3, rows_rejected=1)
    with pytest.raises(RuntimeError, match="5 rows came in but 4 are accounted for"):
        write_manifest(tmp_path / "y.json", manifest)
    assert not (tmp_path / "y.json").exists()


def test_a_torn_manifest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "y.json"
    assert read_manifest(path) is None
    path.write_bytes(b'{"node": "x/y", "parts"')
    with pytest.raises(DamagedError, match=r"y\.json is no JSON"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("source", "grader"),
    [
        ({"kind": "choice"}, {"choice"}),
        ({"columns": {"kind": "sort"}}, {"choice"}),
        ({"columns": {"unit": "unit"}}, {"quantities"}),
        ({"tolerance": 0.01}, {"quantities"}),
        ({}, set()),
    ],
)
def test_verdicts_hang_on_the_graders_of_science_where_a_source_has_such_golds(
    source: dict[str, Any], grader: set[str]
) -> None:
    run = config(8, sources=[{"type": "table", "path": "rows.jsonl", **source}])
    parts = Fingerprints(run).parts(Node("verify", SHARDS[0], Mode.THINK_ON), {})
    assert set(parts) == {"code", "graders", "verify"} | grader
