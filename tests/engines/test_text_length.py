"""How long texts are, by a tokenizer or in characters."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from hipo_data.engines.text_length import text_length
from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.packaged import embedded

TEACHER = Path(embedded("models/tiny-hybrid"))
TEXTS = ["", "a", "<think>\nThree apples.\n</think>\n\n\\boxed{3}", "三个苹果和两个梨", "x" * 500]


def test_without_a_tokenizer_characters_are_counted() -> None:
    assert [text_length(None)(text) for text in TEXTS] == [len(text) for text in TEXTS]


@pytest.mark.parametrize("name", ["models/tiny-hybrid", str(TEACHER / "tokenizer.json")])
def test_a_tokenizer_counts_what_a_model_would_have_written(name: str) -> None:
    own = Tokenizer.from_file(str(TEACHER / "tokenizer.json"))
    assert [text_length(name)(text) for text in TEXTS] == [
        len(own.encode(text, add_special_tokens=False).ids) for text in TEXTS
    ]
    assert text_length(name)("<think>") == 1


def test_neither_a_limit_nor_padding_of_the_file_counts(tmp_path: Path) -> None:
    tree = json.loads((TEACHER / "tokenizer.json").read_text())
    own = Tokenizer.from_str(json.dumps(tree))
    own.enable_truncation(4)
    own.enable_padding(length=32)
    own.save(str(tmp_path / "tokenizer.json"))
    whole = text_length("models/tiny-hybrid")
    assert [text_length(str(tmp_path))(text) for text in TEXTS] == [whole(text) for text in TEXTS]


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(EngineRefusedError, match=f"^the tokenizer '{tmp_path}' cannot be read: "):
        text_length(str(tmp_path))


def test_a_name_that_the_hub_does_not_give_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        EngineRefusedError, match=r"^the tokenizer 'nobody/nothing', which counts .* cannot be had from the Hub"
    ):
        text_length("nobody/nothing")
