"""Reads exports with axolotl's own prompt strategy, set up by the exported config; prints one JSON object a row.

Standard input holds a JSON list of jobs: `[folder, tokenizer]`. Run with axolotl on the path.
"""

import contextlib
import json
import sys
from pathlib import Path

import yaml
from axolotl.prompt_strategies import load
from axolotl.utils.dict import DictDefault
from datasets import load_dataset
from transformers import AutoTokenizer


def main() -> None:
    for number, job in enumerate(json.load(sys.stdin)):
        with contextlib.redirect_stdout(sys.stderr):
            found = rows_of(*job)
        for row in found:
            print(json.dumps({"job": number, **row}))


def rows_of(folder: str, model: str):
    config = DictDefault(yaml.safe_load((Path(folder) / "axolotl.yaml").read_text()) | {"sequence_len": 4096})
    (named,) = config.datasets
    tokenizer = AutoTokenizer.from_pretrained(model)
    strategy = load(named.type, tokenizer, config, named)
    rows = [strategy.tokenize_prompt(row) for row in load_dataset(named.ds_type, data_files=named.path)[named.split]]
    return [
        {
            "text": tokenizer.decode(row["input_ids"]),
            "trained": tokenizer.decode([token for token in row["labels"] if token != -100]),
        }
        for row in rows
    ]


if __name__ == "__main__":
    main()
