"""Which unit lengths are counted in follows from the recipe, and is one for both modes."""

from pathlib import Path
from typing import Any

import pytest

from hipo_data.schemas.config import ReplayEngine, RunConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.length_unit import Lengths, Unit, lengths_of, with_tokenizers

RECORDED = {"type": "replay", "path": "r.jsonl"}
TEACHER = {"type": "vllm", "model": "models/tiny-hybrid"}
FAR = {"type": "openai", "model": "m", "base_url": "http://localhost/v1"}


def recipe(on: dict[str, Any], off: dict[str, Any], judge: dict[str, Any], **changes: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": "n",
            "sources": [{"type": "acereason", "path": "x"}],
            "engines": {"on": on, "off": off, "judge": judge},
            "roles": {"think_on": {"engine": "on"}, "think_off": {"engine": "off"}, "justifier": {"engine": "judge"}},
            **changes,
        }
    )


def tokenizers(config: RunConfig) -> dict[str, str | None]:
    return {name: each.tokenizer for name, each in config.engines.items() if isinstance(each, ReplayEngine)}


@pytest.mark.parametrize(
    ("engines", "lengths", "words"),
    [
        ((TEACHER, FAR, RECORDED), Lengths(Unit.TOKENS), "in the teacher's tokens"),
        ((RECORDED, RECORDED, FAR), Lengths(Unit.CHARACTERS, recorded=True), "in characters"),
        (
            (RECORDED, RECORDED, TEACHER),
            Lengths(Unit.TOKENS, ("tiny-hybrid",), recorded=True),
            "in tokens of the tokenizer tiny-hybrid",
        ),
        (
            (RECORDED, TEACHER, FAR),
            Lengths(Unit.TOKENS, ("tiny-hybrid",)),
            "in the teacher's tokens, recorded responses by the tokenizer tiny-hybrid",
        ),
        (
            ({**RECORDED, "tokenizer": "a/b"}, FAR, FAR),
            Lengths(Unit.TOKENS, ("a/b",)),
            "in the teacher's tokens, recorded responses by the tokenizer a/b",
        ),
    ],
)
def test_the_unit_follows_from_the_engines(engines: tuple[Any, Any, Any], lengths: Lengths, words: str) -> None:
    found = lengths_of(with_tokenizers(recipe(*engines)))
    assert (found, found.in_words) == (lengths, words)


def test_the_model_that_a_role_loads_counts_by_default_and_what_is_named_stays() -> None:
    named = {**RECORDED, "tokenizer": "a/b"}
    assert tokenizers(with_tokenizers(recipe(RECORDED, RECORDED, TEACHER))) == {
        "on": "models/tiny-hybrid",
        "off": "models/tiny-hybrid",
    }
    assert tokenizers(with_tokenizers(recipe(named, named, TEACHER))) == {"on": "a/b", "off": "a/b"}
    other = {**TEACHER, "args": {"tokenizer": "c/d"}}
    assert tokenizers(with_tokenizers(recipe(RECORDED, other, FAR))) == {"on": "c/d"}


def test_a_model_without_a_tokenizer_file_counts_nothing(tmp_path: Path) -> None:
    config = with_tokenizers(recipe(RECORDED, RECORDED, {**TEACHER, "model": str(tmp_path)}))
    assert lengths_of(config).unit is Unit.CHARACTERS


@pytest.mark.parametrize(
    ("on", "off", "said"),
    [
        (RECORDED, FAR, "engines.on would count its responses in characters, and engines.off counts tokens"),
        (
            {**RECORDED, "tokenizer": "a/b"},
            {**RECORDED, "tokenizer": "c/d"},
            "engines.on and engines.off count by two tokenizers",
        ),
        ({**RECORDED, "tokenizer": "./none"}, FAR, "engines.on.tokenizer: there is no file or folder './none'"),
        ({**RECORDED, "tokenizer": "tests"}, FAR, "engines.on.tokenizer: the folder 'tests' has no tokenizer.json"),
    ],
)
def test_modes_in_two_units_and_a_tokenizer_that_is_not_there_are_refused(
    on: dict[str, Any], off: dict[str, Any], said: str, repo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo_root)
    with pytest.raises(UserError, match=f"^{said}") as caught:
        with_tokenizers(recipe(on, off, FAR))
    assert caught.value.exit_code == 2


def test_a_mode_that_is_not_sampled_needs_no_unit() -> None:
    config = with_tokenizers(recipe(RECORDED, FAR, FAR, sample={"n": 0, "n_on": 4}, select={"policy": "all-correct"}))
    assert lengths_of(config).unit is Unit.CHARACTERS


@pytest.mark.parametrize("select", [{"policy": "preference"}, {"policy": "budget"}])
def test_a_policy_with_limits_in_tokens_needs_a_tokenizer(select: dict[str, Any]) -> None:
    with pytest.raises(
        UserError, match=r"weighs lengths against a limit in tokens, and engines\.\w+ counts characters"
    ):
        with_tokenizers(recipe(RECORDED, RECORDED, FAR, select=select))
    with_tokenizers(recipe(RECORDED, RECORDED, TEACHER, select=select))
    if select["policy"] == "budget":
        with_tokenizers(recipe(RECORDED, RECORDED, FAR, select={**select, "budget": {"kind": "constrained"}}))
