"""Reads exports with OpenRLHF's own `SFTDataset`; prints one JSON object a row. Run with OpenRLHF on the path.

Standard input holds a JSON list of jobs: `[folder, tokenizer]`.
"""

import contextlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

from datasets import load_dataset
from openrlhf.datasets.sft_dataset import SFTDataset
from transformers import AutoTokenizer


def main() -> None:
    for number, job in enumerate(json.load(sys.stdin)):
        with contextlib.redirect_stdout(sys.stderr):
            found = rows_of(Path(job[0]), job[1])
        for row in found:
            print(json.dumps({"job": number, **row}))


def rows_of(folder: Path, model: str):
    data = SimpleNamespace(
        input_key="messages",
        apply_chat_template=True,
        tokenizer_chat_template=(folder / "chat_template.jinja").read_text(),
    )
    strategy = SimpleNamespace(args=SimpleNamespace(data=data))
    tokenizer = AutoTokenizer.from_pretrained(model)
    file = load_dataset("json", data_files=str(folder / "train.jsonl"))["train"]
    rows = SFTDataset(file, tokenizer, 4096, strategy, num_processors=1)
    found = []
    for at in range(len(rows)):
        ids, _, mask = (values.flatten().tolist() for values in rows[at])
        # The mask is of places that predict the next token.
        trained = [token for token, predicted in zip(ids[1:], mask, strict=False) if predicted]
        found.append({"text": tokenizer.decode(ids), "trained": tokenizer.decode(trained)})
    return found


if __name__ == "__main__":
    main()
