"""`hipo-data doctor`: everything that is looked at, all at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from hipo_data.graders import probe_sandbox
from hipo_data.pipeline.doctor.finding import Finding, Look, State, note
from hipo_data.pipeline.doctor.machine import disk, gpus, memory, processor, shared_memory
from hipo_data.pipeline.doctor.services import ANSWER_S, endpoints, hub_token
from hipo_data.pipeline.doctor.software import IMPORT_S, JOIN_S, compiler, python, ray, vllm
from hipo_data.pipeline.ray_session import address_of
from hipo_data.pipeline.store.run_dir import run_dir_of
from hipo_data.schemas.config import EngineConfig, OpenAIEngine, RayConfig, RunConfig, VllmEngine
from hipo_data.schemas.grading import GradingConfig

_QUICK_S = 15.0
_SANDBOX_S = 60.0


def examine(config: RunConfig | None, grading: GradingConfig | None = None) -> list[Finding]:
    """Looks at the machine, what is installed, the Hub's token and the sandbox; with a recipe also at what that needs.

    Args:
        grading: the sandbox to try; by default the recipe's, or the one that graders take.
    """
    used = _used(config) if config else {}
    address = address_of(config.ray if config else RayConfig())
    here = {} if address else {name: engine for name, engine in used.items() if isinstance(engine, VllmEngine)}
    sandboxed = grading or (config.verify if config else GradingConfig())
    looks: list[tuple[str, Callable[[], list[Finding]], float]] = [
        ("hipo-data", python, _QUICK_S),
        ("GPU", partial(gpus, sum(engine.replicas * _gpus_of(engine) for engine in here.values())), _QUICK_S),
        ("vLLM", partial(vllm, needed=bool(here)), IMPORT_S + _QUICK_S),
        ("Ray", partial(ray, address), JOIN_S + _QUICK_S),
        ("processor", partial(processor, [name for name, engine in here.items() if halved_on_cpu(engine)]), _QUICK_S),
        ("memory", memory, _QUICK_S),
        ("shared memory", shared_memory, _QUICK_S),
        ("disk", partial(_place, config), _QUICK_S),
        ("C compiler", compiler, _QUICK_S),
        ("Hub token", hub_token, _QUICK_S),
        *(
            (f"endpoint of {name}", partial(endpoints, name, engine), ANSWER_S + _QUICK_S)
            for name, engine in used.items()
            if isinstance(engine, OpenAIEngine)
        ),
        ("sandbox", partial(_sandbox, sandboxed), _SANDBOX_S),
    ]
    under_way = [Look(*each) for each in looks]
    return [finding for look in under_way for finding in look.found()]


def _used(config: RunConfig) -> dict[str, EngineConfig]:
    """The engines that a role names."""
    return {role.engine: config.engines[role.engine] for role in config.roles.all}


def _gpus_of(engine: VllmEngine) -> float:
    return max(engine.resources.num_gpus, engine.workers if engine.workers > 1 else 0)


def halved_on_cpu(engine: VllmEngine) -> bool:
    """Whether it has no GPU and computes in less than float32, as models do that are stored so."""
    return not _gpus_of(engine) and engine.args.get("dtype") not in ("float32", "float")


def _place(config: RunConfig | None) -> list[Finding]:
    """Where runs go to. Raises `StorageError` where that is in storage which does not answer."""
    where = run_dir_of(config, None) if config else Path("runs").absolute()
    return disk(where) if isinstance(where, Path) else [note("disk", f"the run goes to {where}, which answers")]


def _sandbox(grading: GradingConfig) -> list[Finding]:
    return [
        Finding(
            each.name if each.name == "sandbox" else f"sandbox: {each.name}",
            State.OK if each.holds else State.FAILS,
            each.detail,
        )
        for each in probe_sandbox(grading)
    ]
