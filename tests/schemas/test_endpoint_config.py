"""Prices and batch mode in the config."""

import pytest

from hipo_data.schemas.config import BatchMode, OpenAIEngine, Price


def engine(**fields: object) -> OpenAIEngine:
    return OpenAIEngine.model_validate({"type": "openai", "model": "m", **fields})


def test_cost_is_tokens_times_price() -> None:
    price = Price(prompt_per_million=0.5, completion_per_million=2)
    assert price.cost(1_000_000, 250_000) == 1.0
    assert price.cost(0, 0) == 0
    assert price.currency == "USD"


@pytest.mark.parametrize("field", ["prompt_per_million", "completion_per_million"])
def test_negative_price_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Price.model_validate({"prompt_per_million": 1, "completion_per_million": 1, field: -1})


def test_batch_mode_is_a_switch_or_a_section() -> None:
    assert engine(batch=True).batch == BatchMode()
    assert engine(batch={"poll_s": 5}).batch == BatchMode(poll_s=5)
    assert engine(batch=False).batch is None and engine().batch is None


def test_batch_mode_collects_a_whole_file_unless_told_otherwise() -> None:
    assert engine(batch=True).max_in_flight == 50_000
    assert engine(batch=True, max_in_flight=10).max_in_flight == 10
    assert engine(batch=False).max_in_flight == 256


def test_config_survives_being_written_and_read() -> None:
    config = engine(batch=True, price={"prompt_per_million": 1, "completion_per_million": 2, "currency": "EUR"})
    assert OpenAIEngine.model_validate_json(config.model_dump_json()) == config
