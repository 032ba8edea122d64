"""Reads an export with LLaMA-Factory's own `get_dataset`; prints one JSON object a row. Run with it on the path.

python read_with_llama_factory.py sft|rm FOLDER DATASET TEMPLATE MODEL
"""

import contextlib
import json
import sys
from importlib.machinery import ModuleSpec
from tempfile import TemporaryDirectory
from types import ModuleType

# Only its audio inputs use it, and builds of it for a CPU are not on every index.
audio = ModuleType("torchaudio")
audio.__spec__ = ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = audio

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402
from transformers import AutoTokenizer, Seq2SeqTrainingArguments  # noqa: E402


def main() -> None:
    for number, job in enumerate(json.load(sys.stdin)):
        with contextlib.redirect_stdout(sys.stderr), TemporaryDirectory() as scratch:
            found = rows_of(scratch, *job)
        for row in found:
            print(json.dumps({"job": number, **row}))


def rows_of(scratch: str, stage: str, folder: str, dataset: str, template: str, model: str, thinking=True):
    data = DataArguments(
        dataset_dir=folder,
        dataset=dataset,
        template=template,
        cutoff_len=4096,
        overwrite_cache=True,
        enable_thinking=thinking,
    )
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = get_dataset(
        get_template_and_fix_tokenizer(tokenizer, data),
        ModelArguments(model_name_or_path=model, cache_dir=scratch),
        data,
        Seq2SeqTrainingArguments(output_dir=scratch, use_cpu=True, report_to=[]),
        stage=stage,
        tokenizer=tokenizer,
    )["train_dataset"]
    return [text_of(row, tokenizer, stage) for row in rows]


def text_of(row, tokenizer, stage):
    if stage == "rm":
        return {name: tokenizer.decode(row[f"{name}_input_ids"]) for name in ("chosen", "rejected")}
    trained = [token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    return {"text": tokenizer.decode(row["input_ids"]), "trained": tokenizer.decode(trained)}


if __name__ == "__main__":
    main()
