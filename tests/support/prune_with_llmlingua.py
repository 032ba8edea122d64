"""Prunes by the real llmlingua on a model of random weights. Run with llmlingua on the path.

Standard input holds a folder for the model and a list of `[reasoning, share]`; prints a JSON object for each. Stands in
for the tokenizer that llmlingua counts its savings with, which it would download: one token a byte.
"""

import contextlib
import json
import string
import sys
from pathlib import Path

import tiktoken
import tiktoken.registry
import torch
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

from hipo_data.stages.select.policies.token_skip import pruner


def main() -> None:
    folder, jobs = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        build(Path(folder))
        bytes_ = {bytes([value]): value for value in range(256)}
        tiktoken.registry.ENCODINGS["cl100k_base"] = tiktoken.Encoding(
            "cl100k_base", pat_str=r"\S+\s*|\s+", mergeable_ranks=bytes_, special_tokens={}
        )
        pruned = [pruner(folder)(reasoning, share) for reasoning, share in jobs]
    for text in pruned:
        print(json.dumps({"pruned": text}))


def build(folder: Path) -> None:
    letters = string.ascii_letters + string.digits
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, *string.punctuation, *letters, *(f"##{letter}" for letter in letters)]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    BertForTokenClassification(BertConfig(vocab_size=len(words), num_labels=2, **sizes)).save_pretrained(folder)


if __name__ == "__main__":
    main()
