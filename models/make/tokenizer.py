"""The tokenizer: byte-level BPE with single digits, trained on the corpus, with a Qwen3-like chat template."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from hipo_data.models.make import corpus
from hipo_data.prompts.formats.tokens import own_tags

VOCABULARY: Final = 768
MAX_LENGTH: Final = 512
PAD: Final = "<|endoftext|>"
START: Final = "<|im_start|>"
END: Final = "<|im_end|>"
# Tags are ordinary tokens, so that decoding with skip_special_tokens keeps them, as with Qwen3.
TAGS: Final = tuple(dict.fromkeys(tag for style in corpus.FORMATS.values() for tag in own_tags(style)))

# One digit a token, so that arithmetic lines up; words take the space before them, signs the spaces around them.
PIECES: Final = r"[0-9]|\\boxed\{| ?\p{L}+|\n+ *| ?[^\s\p{L}0-9]+(?: (?=[0-9]))?|\s+"

CHAT_TEMPLATE: Final = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- if enable_thinking is defined and enable_thinking is false -%}
{{- '<think>\\n\\n</think>\\n\\n' -}}
{%- else -%}
{{- '<think>\\n' -}}
{%- endif -%}
{%- endif -%}
"""


def _texts(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(f"tokenizer:{seed}")
    for _ in range(count):
        example = corpus.draw(rng)
        yield example.question
        yield example.completion


def build(seed: int, count: int = 40_000) -> PreTrainedTokenizerFast:
    """Train the tokenizer on `count` corpus examples. Any Unicode text can be encoded, since all bytes are tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(TAGS),
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed, count), trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in TAGS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def write(folder: Path, seed: int) -> int:
    """Train the tokenizer, save it into `folder`, and return the size of its vocabulary."""
    tokenizer = build(seed)
    tokenizer.save_pretrained(str(folder))
    # The name that every release of transformers knows, where 5.x writes one that 4.x does not.
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return len(tokenizer)
