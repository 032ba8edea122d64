"""The config tree refuses what it does not know, and says where."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.config import PublishConfig, RunConfig
from hipo_data.schemas.records import Mode


def tree(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": "test",
        "sources": [{"type": "acereason", "path": "rows.jsonl"}],
        "engines": {"teacher": {"type": "openai", "model": "m"}},
        "roles": {role: {"engine": "teacher"} for role in ("think_on", "think_off", "justifier")},
    }
    return base | changes


def test_the_smallest_config_has_the_documented_defaults() -> None:
    config = RunConfig.model_validate(tree())
    assert (config.sample.n, config.select.delta, config.select.random_fraction) == (8, 0.15, 0.01)
    assert (config.select.fallback, config.select.min_graded, config.seed) == ("other_mode", 1, 0)
    sampling = config.roles.think_on.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (1.0, 0.95, 32_768)


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"sede": 1}, "sede", "Extra inputs"),
        ({"select": {"delta": 1.5}}, "select.delta", "less than or equal to 1"),
        ({"select": {"delat": 0.1}}, "select.delat", "Extra inputs"),
        ({"sources": []}, "sources", "at least 1 item"),
        ({"sources": [{"type": "acereason"}]}, "sources.0", "give 'path' for local files"),
        ({"engines": {"teacher": {"type": "vllm"}}}, "engines.teacher.vllm.model", "Field required"),
        ({"roles": {"think_on": {"engine": "teacher"}}}, "roles.think_off", "Field required"),
        ({"ingest": {"limit": 0}}, "ingest.limit", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(changes: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RunConfig.model_validate(tree(**changes))
    found = {".".join(map(str, error["loc"])): error["msg"] for error in refused.value.errors()}
    assert says in found[where]


def test_a_role_of_an_engine_that_is_not_there_names_those_that_are() -> None:
    roles = tree()["roles"] | {"justifier": {"engine": "techer"}}
    with pytest.raises(ValidationError, match=r"roles.justifier.engine is 'techer'.*\['teacher'\]"):
        RunConfig.model_validate(tree(roles=roles))


def test_a_run_without_any_rollouts_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"set sample\.n to at least 1"):
        RunConfig.model_validate(tree(sample={"n": 0}))
    one_mode = RunConfig.model_validate(tree(sample={"n": 0, "n_on": 2}))
    assert (one_mode.sample.count(Mode.THINK_ON), one_mode.sample.count(Mode.THINK_OFF)) == (2, 0)


def test_stopping_when_decided_is_for_the_rule_that_decides() -> None:
    assert RunConfig.model_validate(tree(sample={"stop": "decided"})).sample.stops
    with pytest.raises(ValidationError, match=r"select.policy is 'groups'; set sample.stop: never"):
        RunConfig.model_validate(tree(sample={"stop": "decided"}, select={"policy": "groups"}))


@pytest.mark.parametrize("policy", ["preference", "groups"])
def test_a_mix_is_of_rows_that_stand_alone(policy: str) -> None:
    assert RunConfig.model_validate(tree(publish={"mix": {}}, select={"policy": "thinkless"})).publish.mix
    with pytest.raises(ValidationError, match=f"select.policy is '{policy}', which keeps responses together elsewhere"):
        RunConfig.model_validate(tree(publish={"mix": {}}, select={"policy": policy}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sample": {"stop": "likely"}}, "set sample.stop: never"),
        ({"sample": {"n": 4}}, "'esc' needs 5 think-on responses that agree, but there are 4"),
        ({"verify": {"pseudo_gold": {"rule": "adaptive_consistency", "confidence": 0.999}}}, "needs 9 think-on"),
    ],
)
def test_a_vote_that_no_responses_could_settle_is_refused(changes: dict[str, Any], says: str) -> None:
    votes = {"verify": {"pseudo_gold": {"rule": "esc"}}}
    assert RunConfig.model_validate(tree(**votes)).verify.pseudo_gold is not None
    with pytest.raises(ValidationError, match=says):
        RunConfig.model_validate(tree(**{**votes, **changes}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sources": [{"type": "table", "path": "x"}]}, "but no source is of type rollouts either; add one"),
        ({"sample": {"stop": "decided"}}, "which saves sampling; set sample.stop: never"),
        ({"sample": {"allocate": "adaptive"}}, "a source brings its rollouts; set sample.allocate: uniform"),
        ({"select": {"policy": "groups"}}, "grades: theirs; set grades: again"),
    ],
)
def test_what_rollouts_from_elsewhere_cannot_do_is_refused(changes: dict[str, Any], says: str) -> None:
    came: dict[str, Any] = {
        "sources": [{"type": "rollouts", "path": "x", "grades": "theirs"}],
        "engines": {"came": {"type": "rollouts"}},
        "roles": {role: {"engine": "came"} for role in ("think_on", "think_off", "justifier")},
    }
    assert RunConfig.model_validate(tree(**came))
    with pytest.raises(ValidationError, match=says):
        RunConfig.model_validate(tree(**{**came, **changes}))


def test_a_config_survives_its_own_dump() -> None:
    config = RunConfig.model_validate(tree(select={"delta": 0.3}))
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_every_format_can_be_published_and_no_other() -> None:
    assert set(get_args(PublishConfig.model_fields["format"].annotation)) == FORMATS.keys()
