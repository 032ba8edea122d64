"""A run that may spend only so much stops with what is complete, and goes on when it may spend more."""

import re
from pathlib import Path

import polars as pl
import pytest

from hipo_data.pipeline.config_file import load_config
from hipo_data.pipeline.run.probe import Probe, predicted
from hipo_data.pipeline.store.ledger import Ledger, Spent, read_spent, spent_on
from hipo_data.schemas.config import OpenAIEngine, Price, RunConfig, VllmEngine
from hipo_data.schemas.errors import UserError
from tests.support.commands import hipo_data, recorded_recipe, succeed
from tests.support.teacher_endpoint import teacher_endpoint


def config(repo_root: Path, *overrides: str) -> RunConfig:
    return load_config(repo_root / "recipes/quickstart.yaml", list(overrides))


def test_spending_is_added_up_over_engines_and_attempts(
    tmp_path: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    bounded = config(repo_root, "budget.tokens=1000")
    ledger = Ledger(tmp_path, bounded)
    ledger.update({"a": Spent(prompt_tokens=100, completion_tokens=200), "b": Spent(completion_tokens=300)})
    ledger.update({"a": Spent(prompt_tokens=200, completion_tokens=250), "b": Spent(completion_tokens=300)})
    assert ledger.exceeded is None
    ledger.write()
    assert read_spent(tmp_path) == Spent(prompt_tokens=200, completion_tokens=550)
    again = Ledger(tmp_path, bounded)
    again.update({"a": Spent(completion_tokens=250)})
    assert again.exceeded == "budget.tokens of 1,000 is used up (1,000)"


def test_what_an_engine_costs() -> None:
    price = Price(prompt_per_million=2, completion_per_million=8, currency="EUR")
    paid = OpenAIEngine(type="openai", model="m", base_url="http://localhost/v1", price=price)
    spent = spent_on(paid, 1_000_000, 500_000, gpu_seconds=0)
    assert (spent.cost, spent.currency) == (6.0, "EUR")
    assert spent_on(VllmEngine(type="vllm", model="m"), 1, 1, gpu_seconds=7200).gpu_hours == 2
    assert str(spent.plus(Spent(gpu_hours=2))) == "1,500,000 tokens, 6.00 EUR, 2.00 GPU hours"


def test_a_budget_in_money_needs_prices(tmp_path: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo_root)
    with pytest.raises(UserError, match="no engine in use says its price"):
        Ledger(tmp_path, config(repo_root, "budget.cost=1"))


def test_a_probe_is_scaled_to_all_problems() -> None:
    probe = Probe(16, Spent(prompt_tokens=1_600, completion_tokens=16_000, cost=0.5, currency="USD"), 8.0)
    said = predicted(probe, 1_600)
    assert "all 1,600 would take about 1,760,000 tokens, 50.00 USD" in said
    assert "0.22 hours of the engines at its rate of 2,000 completion tokens/s" in said
    assert "every 1,000 problems would take about 1,100,000 tokens" in predicted(probe, 0)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_plan_with_a_probe_predicts_what_the_run_takes(tmp_path: Path) -> None:
    recorded_recipe(tmp_path, problems=48)
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", "--stage", "ingest", cwd=tmp_path)
    said = succeed("plan", "-c", "recipe.yaml", "--run-dir", "run", "--probe", "12", cwd=tmp_path)
    assert "the probe of 12 problems took" in said
    predicted_length = int(re.findall(r"all 48 would take about ([\d,]+) characters", said)[0].replace(",", ""))
    succeed("run", "-c", "recipe.yaml", "--run-dir", "run", cwd=tmp_path)
    spent = read_spent(tmp_path / "run")
    assert predicted_length == pytest.approx(spent.characters, rel=0.15)


@pytest.mark.long
@pytest.mark.usefixtures("on_cluster")
def test_a_run_that_reaches_its_budget_publishes_what_is_complete_and_goes_on_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with teacher_endpoint(delay_s=0.2) as url:
        teacher = {"type": "openai", "model": "Qwen/Qwen3-8B", "base_url": url, "max_in_flight": 8}
        recorded_recipe(
            tmp_path,
            problems=48,
            engines={"teacher": teacher},
            roles={
                "think_on": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": True}},
                "think_off": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}},
                "justifier": {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": False}},
            },
        )
        base = ("run", "-c", "recipe.yaml", "--run-dir", "run")
        done = hipo_data(*base, "--set", "budget.tokens=4000", cwd=tmp_path)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "budget.tokens of 4,000 is used up" in done.stdout
        spent = read_spent(tmp_path / "run")
        assert 4000 <= spent.prompt_tokens + spent.completion_tokens < 5500
        published = pl.read_parquet(str(tmp_path / "run/dataset/sft/*.parquet"))
        assert 0 < len(published) < 48

        refused = hipo_data(*base, "--set", "budget.tokens=4000", cwd=tmp_path)
        assert refused.returncode == 3
        assert read_spent(tmp_path / "run") == spent
        assert f"spent so far: {spent}" in succeed("status", "run", cwd=tmp_path)

        out = succeed(*base, cwd=tmp_path)
        assert "taken from earlier attempts" in out
        whole = pl.read_parquet(str(tmp_path / "run/dataset/sft/*.parquet"))
        assert len(whole) > len(published)
        assert set(published["problem_id"]) <= set(whole["problem_id"])
