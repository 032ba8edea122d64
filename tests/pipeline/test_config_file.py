"""A wrong config is refused with a sentence that says what, where, and what is right."""

from pathlib import Path

import pytest

from hipo_data.pipeline.config_file import load_config
from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.config_file import differences, flatten
from hipo_data.schemas.errors import UserError
from hipo_data.stages.ingest.sources.table import ColumnMapping

QUICKSTART = Path("recipes/quickstart.yaml")


@pytest.fixture(autouse=True)
def at_root(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in recipes start at the root of the checkout."""
    monkeypatch.chdir(repo_root)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("select.dleta=0.2", "unknown key 'select.dleta'; did you mean 'delta'?"),
        ("engines.teacher.maxinflight=3", "unknown key 'engines.teacher.maxinflight'; did you mean 'max_in_flight'?"),
        ("roles.think_on.sampling.temprature=1", "did you mean 'temperature'?"),
        ("smaple.n=3", "unknown key 'smaple'; did you mean 'sample'?"),
        ("select.zzz=1", "known keys there: policy, delta"),
        ("select.delta=2", "'select.delta': Input should be less than or equal to 1"),
        ("roles.justifier.engine=other", "roles.justifier.engine is 'other', which is not one of engines: ['teacher']"),
        (
            "sources.0.type=parquet",
            "'sources.0.type': there is no source of type 'parquet'; choose from acereason, am_",
        ),
        ("sources.0.type=acereson", "there is no source of type 'acereson'; did you mean 'acereason'?"),
        ("sources.1.import_rollout=true", "unknown key 'sources.1.import_rollout'; known keys there: type, path, name"),
        (
            "sources.0={type: table, path: x, gold_patern: y}",
            "unknown key 'sources.0.gold_patern'; did you mean 'gold_pattern'?",
        ),
        (
            "sources.0={type: table, path: x, columns: {glod: y}}",
            "unknown key 'sources.0.columns.glod'; did you mean 'gold'?",
        ),
        (
            "sources.0={type: table, path: x, gold_pattern: 'A: ('}",
            "'sources.0.gold_pattern': 'A: (' is not a regular expression: missing )",
        ),
        ("sample.n=0", "sample asks for no rollouts"),
        ("engines.teacher.family=qwen33", "engines.teacher.family: there is no family 'qwen33'; did you mean 'qwen3'?"),
        ("roles.think_on.family=qwen33", "roles.think_on.family: there is no family 'qwen33'"),
        (
            "roles.think_off.chat_template_kwargs.thinking=false",
            "does not know 'thinking'; did you mean 'enable_thinking'",
        ),
        ("engines.teacher.args.reasoning_parser=qwen3", "acts in vLLM's server alone"),
        ("roles.think_on.reading={opne: [a]}", "unknown key 'roles.think_on.reading.opne'; did you mean 'open'?"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_nearest_right_one(override: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        load_config(QUICKSTART, [override])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_source_has_all_keys_of_its_adapter_also_once_it_was_recorded() -> None:
    config = load_config(QUICKSTART, ["sources.0={type: table, path: x, columns: {gold: solution}}"])
    recorded = config.model_dump(mode="json")
    assert recorded["sources"][0]["columns"] == ColumnMapping(gold="solution").model_dump()
    assert recorded["sources"][0]["gold_pattern"] is None
    assert RunConfig.model_validate(recorded) == config


def test_overrides_are_read_as_yaml_and_reach_into_lists() -> None:
    config = load_config(QUICKSTART, ["select.delta=0.3", "sources.1.name=other", "ingest.limit=7"])
    assert config.select.delta == 0.3
    assert config.sources[1].name == "other"
    assert config.ingest.limit == 7


@pytest.mark.parametrize("override", ["select.delta", "=3", ""])
def test_an_override_without_key_or_value_is_refused(override: str) -> None:
    with pytest.raises(UserError, match="key=value"):
        load_config(QUICKSTART, [override])


def test_a_missing_file_and_broken_yaml_are_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no config file"):
        load_config(tmp_path / "none.yaml", [])
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1,\nb: 2")
    with pytest.raises(UserError, match="is not YAML"):
        load_config(broken, [])
    broken.write_text("- a\n- b\n")
    with pytest.raises(UserError, match="must hold a mapping"):
        load_config(broken, [])


def test_differences_name_the_keys_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": [1, 2]}}, {"a": {"b": 2, "c": [1, 2]}, "d": 3}
    assert differences(old, new) == ["a.b: 1 → 2", "d: unset → 3"]
    assert flatten({"a": {}, "b": []}) == {"a": {}, "b": []}


def test_family_in_the_place_of_a_written_out_switch_means_the_same() -> None:
    written, named = (load_config(QUICKSTART, sets).roles for sets in ([], ["engines.teacher.family=auto"]))
    for role in ("think_on", "think_off", "justifier"):
        ours = {"family", "reading"}
        assert getattr(written, role).model_dump(exclude=ours) == getattr(named, role).model_dump(exclude=ours)
    assert named.think_on.family == "qwen3_5" and written.think_on.family is None


def test_family_without_off_is_refused_where_the_recipe_does_not_switch_itself() -> None:
    family = "engines.teacher.family=minimax_m2"
    load_config(QUICKSTART, [family])
    with pytest.raises(UserError, match=r"'minimax_m2' \(MiniMax-M2\) has no off switch; what works: another engine"):
        load_config(QUICKSTART, [family, "roles.think_off.chat_template_kwargs={}"])


def test_justifications_are_in_the_language_of_the_questions_unless_the_recipe_says_another() -> None:
    base = ["justify.template=justify"]
    assert load_config(QUICKSTART, base).justify.language == "en"
    assert load_config(QUICKSTART, [*base, "ingest.languages=[zh]"]).justify.prompt == "justify.zh"
    said = [*base, "ingest.languages=[zh, fr]", "justify.language=en"]
    assert load_config(QUICKSTART, said).justify.prompt == "justify"
    assert load_config(QUICKSTART, [*base, "ingest.languages=[fr]", "publish.format=qwen3"]).justify.language == "en"


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        (
            "[en, zh]",
            r"ingest.languages allows en, zh, and justifications are in one language: name it as justify.lang",
        ),
        (
            "[fr]",
            r"justify.template': no prompt template 'justify.fr'.*or set justify.language to one that has a prompt",
        ),
    ],
)
def test_languages_that_leave_the_prompt_of_justifications_open_are_refused(languages: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_config(QUICKSTART, ["justify.template=justify", f"ingest.languages={languages}"])


@pytest.mark.parametrize("name", ["sums.jsonl", "sums.csv", "Sums.JSONL.gz"])
def test_a_file_of_data_in_the_place_of_a_recipe_is_told_what_to_do(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"question": "1+1?", "answer": "2"}\n')
    with pytest.raises(UserError, match=f"`hipo-data init --from .*{name}` makes one for it"):
        load_config(tmp_path / name, [])
