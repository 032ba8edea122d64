"""No secret is shown, wherever in an address, a text or a config it stands, and nothing else is hidden."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hipo_data.schemas.config import RunConfig
from hipo_data.schemas.config_file import differences
from hipo_data.schemas.without_secrets import names_secret, shown_config, shown_hook, shown_text, shown_url

SECRET = "hunter2Q"
ADDRESSES = {
    f"http://user:{SECRET}@host:8000/v1": "http://***@host:8000/v1",
    f"https://{SECRET}@host/v1": "https://***@host/v1",
    f"https://host/v1?api-version=2024-02-01&key={SECRET}": "https://host/v1?api-version=2024-02-01&key=***",
    f"https://host/v1?a=1;sig={SECRET}": "https://host/v1?a=***;sig=***",
    f"https://host/v1?{SECRET}": "https://host/v1?***",
    f"https://host/v1#{SECRET}": "https://host/v1#***",
    f"http://user:p/w#{SECRET}@host/v1": "http://***@host/v1",
    f"http://user:p?w={SECRET}@host/v1": "http://***@host/v1",
    f"user:{SECRET}@host:8000/v1": "***@host:8000/v1",
    f"ray://u:{SECRET}@head:10001": "ray://***@head:10001",
    "http://host:80/@scope/v1": "http://host:80/@scope/v1",
    "s3://bucket/part-?.parquet": "s3://bucket/part-?.parquet",
    "localhost:8000/v1": "localhost:8000/v1",
}


@pytest.mark.parametrize(("address", "shown"), ADDRESSES.items())
def test_an_address_keeps_its_host_and_path(address: str, shown: str) -> None:
    assert shown_url(address) == shown
    assert shown_text(f"no answer from '{address}': refused") == f"no answer from '{shown}': refused"
    assert SECRET not in shown_hook(address)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="@"), min_size=1))
@example("p#w:/?&")
@example("1p/w")
def test_no_password_comes_through(password: str) -> None:
    """But one that begins as a port and a path do: that is one, to every client."""
    assume(not re.search(r"\s", password) and not re.match(r"\d+[/?#]", password))
    address = f"http://user:{password}@host/v1"
    assert shown_url(address) == "http://***@host/v1"
    assert shown_text(f"no answer from {address}") == "no answer from http://***@host/v1"


def test_a_hook_is_a_secret_as_a_whole() -> None:
    assert shown_hook(f"https://hooks.example.com/services/T0/{SECRET}") == "https://hooks.example.com/***"
    assert shown_hook(f"https://u:{SECRET}@example.com") == "https://***@example.com"
    assert shown_hook(SECRET) == "***"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}', 'Accept': '*/*'}}",
        f"the header was Bearer {SECRET}",
        f"x-api-key: {SECRET}",
        f"--set engines.t.extra_body.api_key={SECRET}: cannot be applied",
        f"curl --token={SECRET} http://host/",
    ],
)
def test_headers_and_assignments_in_a_text(text: str) -> None:
    assert SECRET not in shown_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=5 and tokens=7; unexpected token: '<'",
        "basic arithmetic, Bearer bonds and the ratio 3:4@5",
        "answered 400: This model's maximum context length is 512 tokens (api_key_env=NAME)",
        "see https://example.com/docs/errors.html, or doc.md?",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert shown_text(text) == text


def test_a_config_keeps_its_form() -> None:
    tree = {
        "engines": {
            "t": {
                "base_url": f"http://u:{SECRET}@host/v1?key={SECRET}",
                "api_key_env": "NAME_OF_A_VARIABLE",
                "extra_body": {
                    "userToken": SECRET,
                    "api_key": {"x": [SECRET]},
                    "stop_token": "</s>",
                    "max_tokens": 3,
                    "headers": {"X": SECRET},
                },
                "args": {"hf_token": SECRET, "max_model_len": 512},
                "env": {"HF_TOKEN": SECRET, "WANDB_API_KEY": SECRET, "MYKEY": SECRET, "VLLM_CPU_KVCACHE_SPACE": "1"},
                "endpoints": [{"base_url": f"https://host/?{SECRET}"}],
            }
        },
        "watch": {
            "webhook": f"https://hooks/{SECRET}",
            "command": ["tell", "--token", SECRET, "-H", f"Authorization: Bearer {SECRET}", f"http://h/?a={SECRET}"],
        },
        "verify": {"sandbox_url": f"http://:{SECRET}@box"},
    }
    shown = shown_config(tree)
    assert SECRET not in str(shown)
    engine = shown["engines"]["t"]
    assert engine["api_key_env"] == "NAME_OF_A_VARIABLE" and engine["args"]["max_model_len"] == 512
    assert engine["extra_body"]["stop_token"] == "</s>" and engine["extra_body"]["max_tokens"] == 3
    assert engine["env"]["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert shown_config(shown) == shown
    assert SECRET not in str(differences(tree, {"watch": {"command": []}}))


def test_no_key_of_our_own_is_taken_for_a_secret() -> None:
    def names(schema: object) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(names, schema))
        if not isinstance(schema, dict):
            return set()
        return set(schema.get("properties", {})).union(*map(names, schema.values()))

    found = names(RunConfig.model_json_schema())
    assert "api_key_env" in found
    assert [name for name in found if names_secret(name)] == []
