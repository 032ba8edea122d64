"""What no single key of a recipe shows to be wrong: keys that contradict one another, or could do nothing.

Each check gives sentences that name the key by its dotted path and what to do. Nothing that stands in an address or in
the place of a key's variable is quoted.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hipo_data.schemas.arm_order import order_objection
from hipo_data.schemas.config_texts import address_objection, base_url_objection, is_variable, variable_objection
from hipo_data.schemas.engine_config import OpenAIEngine, RolloutsEngine, VllmEngine
from hipo_data.schemas.request_fields import OF_THE_RECIPE, OF_THE_TEMPLATE, OF_VLLM
from hipo_data.schemas.select_config import OVER_ARMS

if TYPE_CHECKING:
    from hipo_data.schemas.config import RunConfig


def objections(config: "RunConfig") -> list[str]:
    """All sentences; empty for a recipe that makes sense."""
    checks = (
        _engines,
        _fields,
        _arms,
        _control,
        _rollouts,
        _allocation,
        _came_along,
        _mix,
        _budget,
        _addresses,
        _variables,
    )
    return [said for check in checks for said in check(config)]


def _engines(config: "RunConfig") -> Iterator[str]:
    for name in config.engines:
        if not name.strip() or not name.isprintable() or "/" in name:
            shown = f"engines.{name}" if name.isprintable() else "engines"
            yield f"'{shown}': an engine's name is not empty and holds neither '/' nor control characters; name it so"
    for where, role in config.roles.named:
        if role.engine not in config.engines:
            yield f"{where}.engine is '{role.engine}', which is not one of engines: {sorted(config.engines)}"


def _arms(config: "RunConfig") -> Iterator[str]:
    roles, policy = config.roles, config.select.policy
    if roles.arms is None:
        return
    if said := order_objection(roles.arms):
        yield said
    elif not roles.is_pair and policy not in OVER_ARMS:
        yield (
            f"roles.arms names {', '.join(roles.modes)}, but select.policy is '{policy}', which chooses "
            f"between think_off and think_on; set select.policy: effort, or {', '.join(OVER_ARMS[1:])}"
        )
    if policy == "budget" and not roles.is_pair and config.select.budget.kind != "lcpo_max":
        yield (
            "select.policy is 'budget' over arms, whose budgets are tokens at most, but select.budget.kind is "
            f"'{config.select.budget.kind}'; set select.budget.kind: lcpo_max"
        )
    if policy == "budget" and not roles.is_pair and not roles.budgets:
        yield "select.policy is 'budget', but no arm of roles.arms has a budget; set some, or select.policy: effort"
    if not roles.is_pair and any(getattr(source, "import_rollouts", False) for source in config.sources):
        yield (
            "roles.arms is set, but a source has import_rollouts: true, and its responses belong to no arm; set one of "
            "them"
        )
    if not roles.is_pair and any(source.type == "rollouts" for source in config.sources):
        yield (
            "roles.arms is set, but a source is of type rollouts, whose responses are think_on or think_off and belong "
            "to no other arm; leave one of them out"
        )


def _control(config: "RunConfig") -> Iterator[str]:
    if config.roles.justifier.control is not None:
        yield "roles.justifier.control is set, but a justification is not thought about in pieces; leave it out"
    for mode in config.roles.modes:
        role, where = config.roles.of(mode), f"{config.roles.where(mode)}.control"
        control, engine = role.control, config.engines.get(role.engine)
        if control is None:
            continue
        if not mode.thinks:
            yield f"{where} is set, but think_off does not reason; leave it out"
        if config.roles.budget(mode) is not None:
            yield f"{where} is set beside a budget, which counts anew in each piece; leave one of them out"
        if control.chunk > role.sampling.max_tokens:
            yield (
                f"{where}.chunk is {control.chunk}, more than the {role.sampling.max_tokens} tokens of "
                "sampling.max_tokens, so that nothing would ever decide; make it smaller"
            )
        if engine is not None and not (
            isinstance(engine, VllmEngine) or (isinstance(engine, OpenAIEngine) and engine.batch is None)
        ):
            kind = "in batch mode" if isinstance(engine, OpenAIEngine) else f"of type {engine.type}"
            yield (
                f"{where} goes on with responses piece by piece, which the engine '{role.engine}' {kind} cannot; use "
                "one of type vllm, or of type openai without batch"
            )
        asked = None if control.controller is None else control.controller.engine
        if asked is not None and asked not in config.engines:
            yield f"{where}.controller.engine is '{asked}', which is not one of engines: {sorted(config.engines)}"
        elif asked is not None and asked != role.engine:
            yield (
                f"{where}.controller.engine is '{asked}', but a controller sits beside the engine of its arm; make it "
                f"'{role.engine}'"
            )


def _rollouts(config: "RunConfig") -> Iterator[str]:
    sample, select = config.sample, config.select
    if sample.stops and select.policy != "hipo" and not config.weighs_arms:
        yield (
            f"sample.stop is '{sample.stop}', which stops where hipo's rule is decided, but select.policy is "
            f"'{select.policy}'; set sample.stop: never"
        )
    if sample.stop == "likely" and config.weighs_arms:
        yield (
            f"sample.stop is 'likely', which is for hipo's rule, not select.policy: {select.policy} over arms; "
            "set sample.stop: decided"
        )
    if sample.stop == "likely" and select.by_posterior:
        yield (
            "sample.stop is 'likely', which predicts what the rule margin decides, but select.rule is posterior; "
            "set sample.stop: decided or never"
        )
    if all(sample.count(mode) == 0 for mode in config.roles.modes):
        yield "sample asks for no rollouts in either mode; set sample.n to at least 1"
    for mode in config.roles.modes:
        if 0 < sample.count(mode) < select.min_graded:
            yield (
                f"select.min_graded is {select.min_graded}, but sample asks for {sample.count(mode)} rollouts "
                f"in {mode}, so that its pass rate would never count; set it to at most {sample.count(mode)}"
            )
    pseudo, n = config.verify.pseudo_gold, sample.count(config.roles.voter)
    voters = "think-on" if config.roles.is_pair else f"'{config.roles.voter}'"
    if pseudo is not None and sample.stops:
        yield (
            f"sample.stop is '{sample.stop}', which stops by verdicts, but verify.pseudo_gold needs the "
            f"{voters} responses before there are any; set sample.stop: never"
        )
    elif pseudo is not None and n < pseudo.needs:
        yield (
            f"verify.pseudo_gold.rule '{pseudo.rule}' needs {pseudo.needs} {voters} responses that agree, but "
            f"there are {n} a problem; raise sample.n or sample.n_on"
        )


def _allocation(config: "RunConfig") -> Iterator[str]:
    if not config.sample.adapts:
        return
    said, engines = (
        "sample.allocate is 'adaptive', which",
        {config.roles.of(mode).engine for mode in config.roles.modes},
    )
    if config.select.policy != "hipo":
        yield (
            f"{said} spends rollouts where hipo's rule is unsure, but select.policy is '{config.select.policy}'; "
            "set sample.allocate: uniform"
        )
    if config.sample.stops:
        yield (
            f"{said} spends all rollouts, but sample.stop is '{config.sample.stop}', which saves some; set one of them"
        )
    if config.verify.pseudo_gold is not None:
        yield f"{said} goes by verdicts while it samples, but verify.pseudo_gold has them later; set one of them"
    if len(engines) > 1:
        yield (
            f"{said} samples both modes in turns, but roles.think_on and roles.think_off have two engines, "
            f"{' and '.join(sorted(engines))}; give both one engine, or set sample.allocate: uniform"
        )
    if any(config.sample.count(mode) == 0 for mode in config.roles.modes):
        yield f"{said} weighs both modes, but sample asks for no rollouts in one of them; set sample.n"
    if any(getattr(source, "import_rollouts", False) for source in config.sources):
        yield f"{said} asks for every rollout itself, but a source has import_rollouts: true; set one of them"
    if any(source.type == "rollouts" for source in config.sources):
        yield f"{said} asks for every rollout itself, but a source brings its rollouts; set sample.allocate: uniform"


def _came_along(config: "RunConfig") -> Iterator[str]:
    """What an engine of type rollouts cannot do, and what verdicts that came along cannot be in."""
    sources = [source for source in config.sources if source.type == "rollouts"]
    for mode in config.roles.modes:
        engine = config.roles.of(mode).engine
        if not isinstance(config.engines.get(engine), RolloutsEngine):
            continue
        where = f"{config.roles.where(mode)}.engine is '{engine}' of type rollouts, which samples nothing"
        if not sources:
            yield f"{where}, but no source is of type rollouts either; add one, or name an engine that samples"
        elif config.sample.stops:
            yield f"{where}, but sample.stop is '{config.sample.stop}', which saves sampling; set sample.stop: never"
    if config.select.policy == "groups" and any(getattr(source, "grades", None) == "theirs" for source in sources):
        yield (
            "select.policy is 'groups', which publishes each verdict as ours, but a source of type rollouts has "
            "grades: theirs; set grades: again"
        )


def _mix(config: "RunConfig") -> Iterator[str]:
    policy = config.select.policy
    if config.publish.mix is not None and policy in ("preference", "groups"):
        yield (
            f"publish.mix is set, which chooses rows of sft/, but select.policy is '{policy}', which keeps responses "
            "together elsewhere; leave one of them out"
        )


def _budget(config: "RunConfig") -> Iterator[str]:
    engines = [config.engines[role.engine] for role in config.roles.all if role.engine in config.engines]
    prices = [engine.price for engine in engines if isinstance(engine, OpenAIEngine) and engine.price]
    if config.budget.cost is not None and not prices:
        yield "budget.cost is set, but no engine in use says its price; set engines.*.price, or budget.tokens"
    currencies = sorted({price.currency for price in prices})
    if config.budget.cost is not None and len(currencies) > 1:
        yield f"budget.cost needs one currency, but engines charge in {' and '.join(currencies)}"
    with_gpus = any(
        isinstance(engine, VllmEngine) and (engine.resources.num_gpus > 0 or engine.workers > 1) for engine in engines
    )
    if config.budget.gpu_hours is not None and engines and not with_gpus:
        yield (
            "budget.gpu_hours is set, but no engine in use holds a GPU; set engines.*.resources.num_gpus, "
            "or budget.tokens"
        )


def _addresses(config: "RunConfig") -> Iterator[str]:
    for where, engine in _endpoints(config):
        if engine.base_url is not None and (said := base_url_objection(engine.base_url)):
            yield f"'{where}.base_url' {said}"
    for where, url in (("watch.webhook", config.watch.webhook), ("verify.sandbox_url", config.verify.sandbox_url)):
        if url is not None and (said := address_objection(url)):
            yield f"'{where}' {said}"


def _variables(config: "RunConfig") -> Iterator[str]:
    for where, engine in _endpoints(config):
        if engine.api_key_env is not None and (said := variable_objection(engine.api_key_env)):
            yield f"'{where}.api_key_env' {said}"
    for name, each in config.engines.items():
        for variable in each.env if isinstance(each, VllmEngine) else ():
            if not is_variable(variable):
                yield f"'engines.{name}.env' has a key that no environment variable can be called; write NAME: value"


def _endpoints(config: "RunConfig") -> Iterator[tuple[str, Any]]:
    for name, engine in config.engines.items():
        if isinstance(engine, OpenAIEngine):
            yield f"engines.{name}", engine
            for place, endpoint in enumerate(engine.endpoints):
                yield f"engines.{name}.endpoints.{place}", endpoint


def _fields(config: "RunConfig") -> Iterator[str]:
    for where, role in config.roles.named:
        engine = config.engines.get(role.engine)
        further = OF_VLLM if isinstance(engine, VllmEngine) else {}
        yield from _owned(role.sampling.extra, f"{where}.sampling.extra", OF_THE_RECIPE | further)
        yield from _owned(role.chat_template_kwargs, f"{where}.chat_template_kwargs", OF_THE_TEMPLATE)
    for name, engine in config.engines.items():
        if isinstance(engine, OpenAIEngine):
            yield from _owned(engine.extra_body, f"engines.{name}.extra_body", OF_THE_RECIPE)


def _owned(fields: Mapping[str, Any], where: str, owned: Mapping[str, str]) -> Iterator[str]:
    for field, why in owned.items():
        if fields.get(field) is not None:
            yield f"'{where}.{field}' is not set there: {why}"
