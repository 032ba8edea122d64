"""What lengths of responses are counted in: one unit for both modes, since select compares them.

A vLLM engine counts tokens of its model, and an endpoint says how many there were. Recorded responses are texts alone:
a tokenizer counts their tokens, and without one they are counted in characters, which no place calls tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from hipo_data.schemas.engine_config import EngineConfig, RecordedEngine, VllmEngine
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded

if TYPE_CHECKING:
    from hipo_data.schemas.config import RunConfig

TOKENIZER_FILE = "tokenizer.json"


class Unit(StrEnum):
    """A unit of length, in the plural, as people read it."""

    TOKENS = "tokens"
    CHARACTERS = "characters"


@dataclass(frozen=True)
class Lengths:
    """How long responses are said to be."""

    unit: Unit
    tokenizers: tuple[str, ...] = ()
    """Names of those that count recorded responses."""
    recorded: bool = False
    """Whether all responses are recorded ones."""

    @property
    def in_words(self) -> str:
        """Such as `in characters` or `in tokens of the tokenizer Qwen3-8B`."""
        if self.unit is Unit.CHARACTERS:
            return "in characters"
        if not self.tokenizers:
            return "in the teacher's tokens"
        named = f"the tokenizer {self.tokenizers[0]}"
        return f"in tokens of {named}" if self.recorded else f"in the teacher's tokens, recorded responses by {named}"


def unit_of(engine: EngineConfig) -> Unit:
    """What an engine says lengths in; `engine` is its config."""
    recorded = isinstance(engine, RecordedEngine) and engine.tokenizer is None
    return Unit.CHARACTERS if recorded else Unit.TOKENS


def lengths_of(config: "RunConfig") -> Lengths:
    """Of the responses of both modes."""
    engines = [engine for _, engine in _sampling(config)]
    recorded = [engine for engine in engines if isinstance(engine, RecordedEngine)]
    named = dict.fromkeys(_shown(engine.tokenizer) for engine in recorded if engine.tokenizer is not None)
    unit = Unit.CHARACTERS if any(unit_of(engine) is Unit.CHARACTERS for engine in engines) else Unit.TOKENS
    return Lengths(unit, tuple(named), recorded=len(recorded) == len(engines))


def with_tokenizers(config: "RunConfig") -> "RunConfig":
    """The config with the tokenizer of each engine of recorded responses written out: its own, else the recipe's model.

    Raises `UserError` for a tokenizer that is not there, for modes that would be counted in different units, and for a
    policy that asks for tokens where characters are counted.
    """
    for name, each in config.engines.items():
        if isinstance(each, RecordedEngine) and each.tokenizer is not None:
            _check_there(name, each.tokenizer)
    known = _model_tokenizer(config)
    engines = {
        name: each.model_copy(update={"tokenizer": known})
        if isinstance(each, RecordedEngine) and each.tokenizer is None
        else each
        for name, each in config.engines.items()
    }
    config = config.model_copy(update={"engines": engines})
    _check_one_unit(config)
    return config


def _sampling(config: "RunConfig") -> Iterator[tuple[str, EngineConfig]]:
    """Engines that either mode's responses come from."""
    names = [config.roles.of(mode).engine for mode in reversed(config.roles.modes) if config.sample.count(mode)]
    for name in dict.fromkeys(names):
        yield name, config.engines[name]


def _model_tokenizer(config: "RunConfig") -> str | None:
    """That of the first model that a role of the recipe loads; null where none is known."""
    for role in config.roles.all:
        engine = config.engines[role.engine]
        if isinstance(engine, VllmEngine):
            named = str(engine.args.get("tokenizer") or engine.model)
            folder = Path(embedded(named))
            if not folder.exists() or (folder / TOKENIZER_FILE).exists():
                return named
    return None


def _check_there(engine: str, tokenizer: str) -> None:
    """What is no path may be a name on the Hub, which is looked up as the engine starts."""
    path, where = Path(embedded(tokenizer)), f"engines.{engine}.tokenizer"
    if path.is_dir() and not (path / TOKENIZER_FILE).exists():
        raise UserError(f"{where}: the folder '{tokenizer}' has no {TOKENIZER_FILE}; name one that has")
    local = path.is_absolute() or tokenizer.startswith((".", "~")) or len(path.parts) > 2 or path.suffix == ".json"
    if local and not path.exists():
        raise UserError(
            f"{where}: there is no file or folder '{tokenizer}' (relative paths start at {Path.cwd()}); name a folder "
            f"with a {TOKENIZER_FILE}, or a model on the Hub"
        )


def _check_one_unit(config: "RunConfig") -> None:
    sampling = dict(_sampling(config))
    by_unit = {unit_of(engine): name for name, engine in sampling.items()}
    if len(by_unit) > 1:
        bare, other = by_unit[Unit.CHARACTERS], by_unit[Unit.TOKENS]
        raise UserError(
            f"engines.{bare} would count its responses in characters, and engines.{other} counts tokens, so that the "
            f"lengths of both modes could not be compared; set engines.{bare}.tokenizer to that of the model"
        )
    named = {each.tokenizer: name for name, each in sampling.items() if isinstance(each, RecordedEngine)}
    if len(named) > 1:
        raise UserError(
            f"{' and '.join(f'engines.{name}' for name in named.values())} count by two tokenizers, so that the "
            "lengths of both modes could not be compared; give them the same one"
        )
    asks = config.select.policy == "preference" or (
        config.select.policy == "budget"
        and not config.weighs_arms
        and config.select.budget.kind in ("lcpo_exact", "lcpo_max")
    )
    if Unit.CHARACTERS in by_unit and asks:
        raise UserError(
            f"select.policy '{config.select.policy}' weighs lengths against a limit in tokens, and "
            f"engines.{by_unit[Unit.CHARACTERS]} counts characters; set its tokenizer"
        )


def _shown(tokenizer: str) -> str:
    """The name of a folder, else the name as configured."""
    path = Path(embedded(tokenizer))
    if path.name == TOKENIZER_FILE:
        path = path.parent
    return path.name if path.exists() else tokenizer
