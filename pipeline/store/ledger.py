"""What a run has spent, over all attempts at it, and whether that is as much as it may.

The ledger is a file of the run directory, written every few seconds by the driver, so that a killed one forgets little.
"""

import time
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.sealed import seal, unseal
from hipo_data.schemas.config import BudgetConfig, EngineConfig, OpenAIEngine, Price, RunConfig
from hipo_data.schemas.errors import DamagedError, UserError
from hipo_data.schemas.length_unit import Unit, unit_of

_WRITE_EVERY_S = 5.0
_LATER = ("recounted", "characters")


class Spent(BaseModel):
    """Tokens of finished requests, what they cost, and the hours for which GPUs were held.

    Recorded responses without a tokenizer come in characters, which no budget is held against.
    """

    model_config = ConfigDict(extra="forbid")
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    currency: str | None = None
    gpu_hours: float = 0.0
    characters: int = 0
    recounted: bool = False
    """Whether it is what the rollouts and justifications that are there took, since the account was damaged or lost:
    what was thrown away, and hours of GPUs, are not in it."""

    def plus(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=self.cost + other.cost,
            currency=self.currency or other.currency,
            gpu_hours=self.gpu_hours + other.gpu_hours,
            characters=self.characters + other.characters,
            recounted=self.recounted or other.recounted,
        )

    def __str__(self) -> str:
        tokens = self.prompt_tokens + self.completion_tokens
        parts = [f"{tokens:,} tokens"] if tokens or not self.characters else []
        if self.characters:
            parts.append(f"{self.characters:,} characters")
        if self.cost:
            parts.append(f"{self.cost:,.2f} {self.currency}")
        if self.gpu_hours:
            parts.append(f"{self.gpu_hours:,.2f} GPU hours")
        return ", ".join(parts) + (" at least (counted again from what is left)" if self.recounted else "")


def spent_on(engine: EngineConfig, prompt_tokens: int, completion_tokens: int, gpu_seconds: float) -> Spent:
    """What so much use of an engine comes to; `engine` is its config."""
    if unit_of(engine) is Unit.CHARACTERS:
        return Spent(characters=prompt_tokens + completion_tokens, gpu_hours=gpu_seconds / 3600)
    price = engine.price if isinstance(engine, OpenAIEngine) else None
    return Spent(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cost=price.cost(prompt_tokens, completion_tokens) if price else 0.0,
        currency=price.currency if price else None,
        gpu_hours=gpu_seconds / 3600,
    )


class Ledger:
    """Keeps account of a run. Raises `UserError` where the budget asks for what the engines cannot say."""

    def __init__(self, run_dir: RunPath, config: RunConfig) -> None:
        self._path = run_dir / "spent.json"
        self._budget = config.budget
        self._before = read_spent(run_dir)
        self._now: dict[str, Spent] = {}
        self._written = 0.0
        _check(config)

    def update(self, by_engine: Mapping[str, Spent]) -> None:
        """Takes in what this attempt has spent so far, by engine."""
        self._now = dict(by_engine)
        now = time.monotonic()
        if now - self._written > _WRITE_EVERY_S:
            self._written = now
            self.write()

    def write(self) -> None:
        """Writes the file, if anything was spent."""
        if self._now:
            write_spent(self._path.parent, self.spent)

    @property
    def spent(self) -> Spent:
        """Over all attempts."""
        total = self._before
        for each in self._now.values():
            total = total.plus(each)
        return total

    @property
    def exceeded(self) -> str | None:
        """Which part of the budget is used up, in words; null while none is."""
        spent, budget = self.spent, self._budget
        tokens = spent.prompt_tokens + spent.completion_tokens
        if budget.tokens is not None and tokens >= budget.tokens:
            return f"budget.tokens of {budget.tokens:,} is used up ({tokens:,})"
        if budget.cost is not None and spent.cost >= budget.cost:
            return f"budget.cost of {budget.cost:,.2f} {spent.currency} is used up ({spent.cost:,.2f})"
        if budget.gpu_hours is not None and spent.gpu_hours >= budget.gpu_hours:
            return f"budget.gpu_hours of {budget.gpu_hours:g} is used up ({spent.gpu_hours:.2f})"
        return None


def write_spent(run_dir: RunPath, spent: Spent) -> None:
    """Keeps account in the run directory."""
    # Without keys that say nothing, so that earlier versions go on reading it.
    text = spent.model_dump_json(indent=1, exclude={name for name in _LATER if not getattr(spent, name)})
    put_bytes(run_dir / "spent.json", seal(text))


def read_spent(run_dir: RunPath) -> Spent:
    """What a run has spent so far. Raises `DamagedError` where the account is not as it was written."""
    path = run_dir / "spent.json"
    try:
        return Spent.model_validate(unseal(path, path.read_bytes(), Spent.model_fields))
    except FileNotFoundError:
        return Spent()
    except ValidationError as error:
        raise DamagedError(path, f"is no account ({'.'.join(map(str, error.errors()[0]['loc']))})") from error


def prices_of(config: RunConfig) -> dict[str, Price]:
    """Prices of the engines in use that have one."""
    engines = {role.engine: config.engines[role.engine] for role in config.roles.all}
    return {name: each.price for name, each in engines.items() if isinstance(each, OpenAIEngine) and each.price}


def _check(config: RunConfig) -> None:
    budget: BudgetConfig = config.budget
    if budget.cost is None:
        return
    prices = prices_of(config)
    if not prices:
        raise UserError("budget.cost is set, but no engine in use says its price; set engines.*.price")
    currencies = {price.currency for price in prices.values()}
    if len(currencies) > 1:
        raise UserError(f"budget.cost needs one currency, but engines charge in {' and '.join(sorted(currencies))}")
