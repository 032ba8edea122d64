"""Loads what is trained, with a token for each of the format's tags."""

from collections.abc import Iterable
from typing import Any

from hipo_data.prompts.conversation import Conversation, end_ids
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import refuse_split_tags, split_tags
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.trainer.training.config import RlConfig, SftConfig
from hipo_data.trainer.training.tokenizer import load_tokenizer

_ADD = "set model.split_tags: add in the recipe of `train sft`, and start `train rl` from its model"
_LEAVE = "set model.chat_template to chatml, or to a file with one that leaves it as it is"


def load(config: SftConfig | RlConfig) -> tuple[Any, Conversation]:
    """The model in float32 (mixed precision is the trainer's) and its conversation.

    Raises `UserError` where the tokenizer splits a tag of the format and the recipe does not allow it.
    """
    import torch
    from transformers import AutoModelForCausalLM

    style = FORMATS[config.format]
    tokenizer = load_tokenizer(config.model.path, config.model.chat_template, style, config.model.revision)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            embedded(config.model.path), revision=config.model.revision, dtype=torch.float32
        )
    except OSError as error:
        raise UserError(f"there is no model at {config.model.path}: {str(error).splitlines()[0]}") from error
    if config.model.split_tags == "add":
        _add(model, tokenizer, split_tags(tokenizer, style))
    elif config.model.split_tags == "refuse":
        refuse_split_tags(tokenizer, style, config.model.path, _ADD)
    conversation = Conversation(tokenizer, style, _LEAVE)
    _end_turns(model, tokenizer, conversation.end_id)
    return model, conversation


def _add(model: Any, tokenizer: Any, tags: Iterable[str]) -> None:
    """Adds each tag as a token that starts as the mean of the tokens that it was written with."""
    import torch
    from transformers import AddedToken

    pieces = {tag: tokenizer(tag, add_special_tokens=False)["input_ids"] for tag in tags}
    # Not special: decoding with skip_special_tokens keeps them, as Qwen3's own tags.
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in tags])
    if pieces and len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for layer in {id(layer.weight): layer for layer in layers if layer is not None}.values():
            for tag, ids in pieces.items():
                layer.weight[tokenizer.convert_tokens_to_ids(tag)] = layer.weight[ids].mean(dim=0)


def _end_turns(model: Any, tokenizer: Any, end_id: int) -> None:
    """The token that ends a turn becomes the one that ends generation."""
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end_id)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.generation_config.eos_token_id = end_ids(model.generation_config.eos_token_id, end_id)
    model.config.eos_token_id = end_id
