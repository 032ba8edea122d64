"""What cluster.yaml and deploy/ ask for exists, and what schedulers are told of exit codes is what happens."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingReply, SchedulingRequest
from ray.autoscaler.v2.utils import ResourceRequestUtil
from ray.core.generated.common_pb2 import LABEL_OPERATOR_IN
from typer.main import get_command

from hipo_data.engines.placement import placement
from hipo_data.graders.inside import landlock
from hipo_data.pipeline.cli import app
from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.ray_options import ray_options
from hipo_data.schemas.config import ResourceConfig, RunConfig
from hipo_data.schemas.errors import ExitCode
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
IN_IMAGE = "/opt/hipo-data/"
SLURM = (DEPLOY / "slurm.sh").read_text()
SCRIPTS = sorted(DEPLOY.glob("*.sh"))
TEXTS = [ROOT / "cluster.yaml", *(path for path in sorted(DEPLOY.rglob("*")) if path.is_file())]

# Of KubeRay's v1 resources; Ray's autoscaler, which reads them below, overlooks names that it does not know.
JOB_FIELDS = {
    "activeDeadlineSeconds", "backoffLimit", "clusterSelector", "deletionStrategy", "entrypoint", "entrypointNumCpus",
    "entrypointNumGpus", "entrypointResources", "jobId", "managedBy", "metadata", "preRunningDeadlineSeconds",
    "rayClusterSpec", "runtimeEnvYAML", "shutdownAfterJobFinishes", "submissionMode", "submitterConfig",
    "submitterPodTemplate", "suspend", "ttlSecondsAfterFinished",
}  # fmt: skip
CLUSTER_FIELDS = {
    "authOptions", "autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions", "headGroupSpec",
    "headServiceAnnotations", "managedBy", "rayVersion", "suspend", "upgradeStrategy", "workerGroupSpecs",
}  # fmt: skip
GROUP_FIELDS = {
    "groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts", "rayStartParams",
    "replicas", "resources", "scaleStrategy", "suspend", "template",
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def shown(script: str, text: str) -> list[str]:
    """The command that `script` runs, as the example in the comment of `text` calls it."""
    return ["hipo-data", "run", "--config", *shlex.split(re.search(rf"^#   {script} (.*)", text, re.MULTILINE)[1])]


RAY_JOB = read(KUBERNETES / "rayjob.yaml")["spec"]
RAY_CLUSTER = RAY_JOB["rayClusterSpec"]
GROUPS = [RAY_CLUSTER["headGroupSpec"], *RAY_CLUSTER["workerGroupSpecs"]]
CRON_JOB = read(KUBERNETES / "cronjob.yaml")
ENTRYPOINTS = {
    "rayjob": shlex.split(RAY_JOB["entrypoint"]),
    "cronjob": CRON_JOB["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"],
    "cluster": shown("deploy/submit.sh", (ROOT / "cluster.yaml").read_text()),
    "slurm": shown("sbatch deploy/slurm.sh", SLURM),
}


def on_aws() -> AutoscalingConfig:
    """As `ray up` reads it: with Ray's defaults, and refused where it does not fit Ray's schema."""
    return AutoscalingConfig(read(ROOT / "cluster.yaml"), skip_content_hash=True)


def on_kubernetes() -> AutoscalingConfig:
    """As the autoscaler beside KubeRay's head reads it."""
    resource = {"metadata": {"name": "hipo-data", "namespace": "default"}, "spec": RAY_CLUSTER}
    return AutoscalingConfig(_derive_autoscaling_config_from_ray_cr(resource), skip_content_hash=True)


CLUSTERS = pytest.mark.parametrize("cluster", [on_aws, on_kubernetes])


def params(words: list[str]) -> dict[str, Any]:
    """What `hipo-data WORDS` would be called with. Raises what the command line refuses."""
    group: Any = get_command(app)
    command: Command = group.commands[words[1]]
    with command.make_context(words[1], list(words[2:])) as context:
        return context.params


def recipe_of(words: list[str]) -> RunConfig:
    found = params(words)
    return load_config(ROOT / str(found["config"]).removeprefix(IN_IMAGE), list(found["overrides"] or []))


def asked_for(config: RunConfig) -> list[dict[str, Any]]:
    """Options of the actors and tasks that are there at the same time, for a cluster without any node yet."""
    engines = {role.engine: config.engines[role.engine] for role in config.roles.all}
    asked: list[ResourceConfig] = [config.ray.task, config.ray.verify]
    for engine in engines.values():
        asked += [engine.resources] * engine.replicas
    return [ray_options(resources) for resources in asked]


def schedule(cluster: AutoscalingConfig, asked: list[dict[str, Any]]) -> SchedulingReply:
    """What Ray's autoscaler would start for `asked`, from nothing."""
    requests = []
    for options in asked:
        resources = {"CPU": options["num_cpus"], "GPU": options["num_gpus"], **options.get("resources", {})}
        labels = [(key, LABEL_OPERATOR_IN, [value]) for key, value in options.get("label_selector", {}).items()]
        wanted = {name: amount for name, amount in resources.items() if amount}
        requests.append(ResourceRequestUtil.make(wanted, label_selectors=[labels] if labels else None))
    return ResourceDemandScheduler().schedule(
        SchedulingRequest(
            disable_launch_config_check=True,
            node_type_configs=cluster.get_node_type_configs(),
            max_num_nodes=cluster.get_max_num_nodes(),
            resource_requests=ResourceRequestUtil.group_by_count(requests),
        )
    )


@CLUSTERS
def test_all_nodes_that_the_cluster_recipe_asks_for_can_be_started(cluster: Any) -> None:
    config = recipe_of(ENTRYPOINTS["cluster" if cluster is on_aws else "rayjob"])
    # Also while the only GPU node that is up has one GPU.
    assert placement(config.engines["teacher"], gpus_of_a_node=1).bundles == []
    reply = schedule(cluster(), asked_for(config))
    assert not reply.infeasible_resource_requests
    nodes = Counter({launch.instance_type.removesuffix("-spot"): launch.count for launch in reply.to_launch})
    assert nodes["gpu-8"] == config.engines["teacher"].replicas
    assert nodes["gpu-1"] == 1


@CLUSTERS
@pytest.mark.parametrize("wrong", [{"label_selector": {"pool": "tpu"}}, {"resources": {"disk": 1.0}}, {"num_gpus": 16}])
def test_what_no_node_type_has_would_be_noticed(cluster: Any, wrong: dict[str, Any]) -> None:
    assert schedule(cluster(), [{"num_cpus": 1, "num_gpus": 0, **wrong}]).infeasible_resource_requests


@CLUSTERS
def test_every_pool_can_be_selected_by_its_label(cluster: Any) -> None:
    pools = {each.labels["pool"] for each in cluster().get_node_type_configs().values() if each.labels}
    assert pools >= {"cpu", "gpu-1", "gpu-8"}
    asked = [{"num_cpus": 1, "num_gpus": 0, "label_selector": {"pool": pool}} for pool in ("cpu", "gpu-1", "gpu-8")]
    reply = schedule(cluster(), asked)
    assert {launch.instance_type.removesuffix("-spot") for launch in reply.to_launch} == {"cpu", "gpu-1", "gpu-8"}


@CLUSTERS
def test_the_head_does_no_work_and_workers_come_and_go(cluster: Any) -> None:
    nodes = cluster().get_node_type_configs()
    head = nodes.pop(cluster().get_head_node_type())
    assert head.resources["CPU"] == 0 and "GPU" not in head.resources
    assert all(node.min_worker_nodes == 0 < node.max_worker_nodes for node in nodes.values())


def test_the_launcher_adds_no_commands_of_its_own_defaults() -> None:
    # Ray's defaults for AWS install a nightly Ray on every node.
    config = on_aws()._configs
    assert not [*config["setup_commands"], *config["head_setup_commands"], *config["worker_setup_commands"]]


@pytest.mark.parametrize("name", ENTRYPOINTS)
def test_commands_and_recipes_in_the_files_exist(name: str) -> None:
    assert recipe_of(ENTRYPOINTS[name]).engines


def grading_check() -> str:
    """What a pod that grades runs before Ray starts in it."""
    (group,) = [group for group in GROUPS if group.get("groupName") == "cpu"]
    command: list[str] = group["template"]["spec"]["initContainers"][0]["command"]
    assert command[:2] == ["bash", "-c"]
    return command[2]


def test_a_pod_that_grades_tries_the_sandbox_that_the_run_asks_for() -> None:
    words = shlex.split(grading_check().partition("|")[0])
    assert params(words)["sandbox"] == recipe_of(ENTRYPOINTS["rayjob"]).verify.sandbox


@pytest.mark.slow
@pytest.mark.skipif(not landlock.version(), reason="the kernel has no landlock")
def test_a_pod_that_can_grade_starts() -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", grading_check()], env=environment, check=True, timeout=300)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_options_of_ray_start_exist(path: Path) -> None:
    from ray.scripts.scripts import start

    known = {option for parameter in start.params for option in parameter.opts}
    lines = path.read_text().replace("\\\n", " ").splitlines()
    calls = [
        re.split(r"ray start|start\[@\]", line)[1] for line in lines if re.search(r"ray start --|start\[@\]", line)
    ]
    used = {option for call in calls for option in re.findall(r"(?<![\w-])--[a-z-]+", call)}
    assert used or path.name not in ("slurm.sh", "cluster.yaml")
    assert used <= known


def test_fields_of_kuberay_are_spelt_as_it_knows_them() -> None:
    assert RAY_JOB.keys() <= JOB_FIELDS
    assert RAY_CLUSTER.keys() <= CLUSTER_FIELDS
    assert all(group.keys() <= GROUP_FIELDS for group in GROUPS)


def test_the_nightly_ray_job_is_the_ray_job() -> None:
    nightly = read(KUBERNETES / "raycronjob.yaml")["spec"]
    assert nightly.keys() <= {"jobTemplate", "schedule", "suspend", "timeZone"}
    assert nightly["jobTemplate"] == RAY_JOB


def test_every_cluster_asks_for_a_token() -> None:
    # Ray 2.60 decides by whether a home folder holds one, so half of a cluster might.
    assert "-e RAY_AUTH_MODE=token" in on_aws()._configs["docker"]["run_options"]
    assert "RAY_AUTH_MODE=token" in SLURM
    assert RAY_CLUSTER["authOptions"] == {"mode": "token"}


def test_kuberay_is_told_the_ray_of_the_image() -> None:
    assert f"ray=={RAY_CLUSTER['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()


def test_manifests_fit_the_schema_of_kubernetes() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed").validate
    pods = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]} for group in GROUPS]
    for resource in (CRON_JOB, *pods):
        validate(resource, "1.31", strict=True)


def test_a_used_up_budget_and_a_wrong_recipe_are_not_tried_again() -> None:
    job = CRON_JOB["spec"]["jobTemplate"]["spec"]
    rules = job["podFailurePolicy"]["rules"]
    (final,) = [rule["onExitCodes"] for rule in rules if rule["action"] == "FailJob"]
    assert (final["operator"], set(final["values"])) == ("In", {ExitCode.WRONG_USE, ExitCode.BUDGET_USED_UP})
    pod = job["template"]["spec"]
    assert final["containerName"] in [container["name"] for container in pod["containers"]]
    assert pod["restartPolicy"] == "Never"  # Kubernetes refuses a podFailurePolicy with any other
    assert job["backoffLimit"] > 0
    assert RAY_JOB["backoffLimit"] == 0  # Ray's jobs do not tell these codes from a failure


def test_the_image_holds_every_room_and_what_the_installer_reads() -> None:
    copied = [word for line in re.findall(r"^COPY (.*)", CONTAINERFILE, re.MULTILINE) for word in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = {name.partition("/")[0] for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]}
    files = ["pyproject.toml", "constraints.txt", "scripts", project["project"]["readme"]]
    assert {*packed, *files, *project["project"]["license-files"]} <= set(copied)
    assert set(re.findall(r"/opt/[\w-]+/", CONTAINERFILE)) == {IN_IMAGE}
    assert {"bubblewrap", "libnuma1"} <= set(CONTAINERFILE.split())


@pytest.mark.parametrize(("tool", "files"), [("shellcheck", SCRIPTS), ("hadolint", [DEPLOY / "Containerfile"])])
def test_linters_find_nothing(tool: str, files: list[Path]) -> None:
    binary = Path(sys.executable).with_name(tool)
    if not binary.exists():
        pytest.skip(f"{tool} is not installed beside {Path(sys.executable).name}")
    done = subprocess.run([str(binary), *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    "path", [path for path in TEXTS if path.suffix not in (".sh", ".json")], ids=lambda path: path.name
)
def test_files_begin_with_what_they_need(path: Path) -> None:
    top = "".join(line for line in path.read_text().splitlines(keepends=True)[:12] if line.startswith("#"))
    assert "Needs: " in top


FAKES = {
    "srun": '[ "${!#}" = --all-ip-addresses ] && echo 10.0.0.1; echo "srun $*" >>"$LOG"',
    "scontrol": 'echo "scontrol $*" >>"$LOG"; [ "$1" = requeue ] || printf "node1\\nnode2\\n"',
    "ray": 'printf "%s\\n" ray "$@" >>"$LOG"; '
    'while [ $# -gt 0 ]; do [ "$1" != --working-dir ] || ls "$2" >>"$LOG"; shift; done',
    "hipo-data": 'echo "hipo-data $*" >>"$LOG"; trap "echo stopped >>$LOG; exit 130" TERM\n'
    'touch "$READY"; [ -z "$SLEEP" ] || while :; do sleep 0.05; done; exit "$CODE"',
}  # fmt: skip


@pytest.fixture
def fakes(tmp_path: Path) -> dict[str, str]:
    """An environment in which these programs write down how they were called."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, body in FAKES.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (programs / name).chmod(0o755)
    slurm = {"JOB_ID": "7", "JOB_NUM_NODES": "2", "JOB_NODELIST": "node[1-2]", "SUBMIT_DIR": str(tmp_path)}
    own = {"LOG": str(tmp_path / "log"), "READY": str(tmp_path / "ready"), "SLEEP": "", "CODE": "0"}
    path = f"{programs}:{os.environ['PATH']}"
    return {"PATH": path, "TMPDIR": str(tmp_path), **{f"SLURM_{key}": value for key, value in slurm.items()}, **own}


def slurm_job(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [str(DEPLOY / "slurm.sh"), "recipe.yaml", "--limit", "9"], env=environment, stderr=subprocess.DEVNULL
    )


@pytest.mark.parametrize(("code", "restarts", "again"), [(0, 0, 0), (1, 0, 1), (1, 3, 0), (2, 0, 0), (3, 0, 0)])
def test_slurm_queues_only_a_failed_run_again(fakes: dict[str, str], code: int, restarts: int, again: int) -> None:
    job = slurm_job({**fakes, "CODE": str(code), "SLURM_RESTART_COUNT": str(restarts)})
    assert job.wait(120) == code
    log = Path(fakes["LOG"]).read_text()
    assert log.count("scontrol requeue 7") == again
    assert "hipo-data run --config recipe.yaml --ray-address 10.0.0.1:20007 --limit 9\n" in log


@pytest.mark.parametrize(("sent", "again"), [(signal.SIGUSR1, 1), (signal.SIGTERM, 0)])
def test_slurm_stops_the_driver_before_the_time_limit_and_goes_on_later(
    fakes: dict[str, str], sent: signal.Signals, again: int
) -> None:
    job = slurm_job({**fakes, "SLEEP": "yes"})
    while not Path(fakes["READY"]).exists():
        assert job.poll() is None
        time.sleep(0.05)
    job.send_signal(sent)
    assert job.wait(120) == 130
    log = Path(fakes["LOG"]).read_text()
    assert "stopped\n" in log
    assert log.count("scontrol requeue 7") == again


def test_slurm_asks_for_as_many_gpus_as_all_engines_hold() -> None:
    nodes, gpus = (int(re.search(rf"#SBATCH --{name}=(\d+)", SLURM)[1]) for name in ("nodes", "gpus-per-node"))
    asked = asked_for(recipe_of(ENTRYPOINTS["slurm"]))
    assert 0 < sum(options["num_gpus"] for options in asked) <= nodes * gpus


def test_slurm_reads_all_of_its_own_lines() -> None:
    # It stops looking for them at the first command.
    before = SLURM.partition("\nset -euo")
    assert "#SBATCH --signal=B:USR1@" in before[0]
    assert "#SBATCH" not in before[2]


def test_submit_sends_the_recipe_alone_and_keeps_quotes(fakes: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: x\nrun_dir: /shared/runs/x\n")
    script = [str(DEPLOY / "submit.sh"), "--no-wait", str(tmp_path / "mine.yaml"), "--set", "name=a b"]
    subprocess.run(script, env=fakes, check=True)
    called = Path(fakes["LOG"]).read_text().splitlines()
    assert called[:3] == ["ray", "job", "submit"]
    sent = called[called.index("--") + 1 :]
    assert sent == ["hipo-data", "run", "--config", "recipe.yaml", "--set", "name=a b", "recipe.yaml"]
    assert "--no-wait" in called
    assert params(sent[:-1])["overrides"] == ["name=a b"]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("name: x\n", [], 2),
        ("run_dir: runs/x\n", [], 2),
        ("run_dir: '/shared/x'\n", [], 0),
        ("run_dir: s3://bucket/x\n", [], 0),
        ("name: x\n", ["--run-dir", "runs/x"], 2),
        ("name: x\n", ["--run-dir", "/shared/x"], 0),
        ("name: x\n", ["--run-dir=s3://bucket/x"], 0),
        ("name: x\n", ["--set", "run_dir=/shared/x"], 0),
    ],
)
def test_submit_refuses_a_run_that_would_be_gone_with_its_node(
    fakes: dict[str, str], tmp_path: Path, text: str, options: list[str], code: int
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    script = [str(DEPLOY / "submit.sh"), str(tmp_path / "mine.yaml"), *options]
    assert subprocess.run(script, env=fakes, stderr=subprocess.DEVNULL, check=False).returncode == code


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["missing.yaml"], 2)])
def test_submit_says_how_to_use_it(fakes: dict[str, str], arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [str(DEPLOY / "submit.sh"), *arguments], env=fakes, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "missing.yaml" in done.stderr if arguments == ["missing.yaml"] else "RECIPE" in done.stdout + done.stderr
    assert not Path(fakes["LOG"]).exists()
