"""Reads exports with verl's own dataset classes; prints one JSON object a row. Run with verl on the path.

Standard input holds a JSON list of jobs: `[kind, file, tokenizer, chat template or null]`, where kind is sft, rl,
or refused, which prints the error that each row for SFT raises.
"""

import contextlib
import json
import sys
from pathlib import Path

from omegaconf import OmegaConf
from transformers import AutoTokenizer


def main() -> None:
    for number, (kind, file, model, template) in enumerate(json.load(sys.stdin)):
        tokenizer = AutoTokenizer.from_pretrained(model)
        if template is not None:
            tokenizer.chat_template = Path(template).read_text()
        with contextlib.redirect_stdout(sys.stderr):
            rows = READERS[kind](file, tokenizer)
        for row in rows:
            print(json.dumps({"job": number, **row}))


def sft_dataset(file, tokenizer):
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    config = OmegaConf.create({"max_length": 4096, "pad_mode": "no_padding", "truncation": "error"})
    return MultiTurnSFTDataset(file, tokenizer, config)


def sft_errors(file, tokenizer):
    dataset = sft_dataset(file, tokenizer)
    rows = []
    for at in range(len(dataset)):
        try:
            dataset[at]
        except Exception as error:
            rows.append({"error": type(error).__name__})
    return rows


def sft_rows(file, tokenizer):
    dataset = sft_dataset(file, tokenizer)
    rows = []
    for at in range(len(dataset)):
        row = dataset[at]
        trained = row["input_ids"][row["loss_mask"].bool()]
        rows.append(
            {
                "enable_thinking": bool(dataset.enable_thinking[at]),
                "text": tokenizer.decode(row["input_ids"]),
                "trained": tokenizer.decode(trained),
            }
        )
    return rows


def rl_rows(file, tokenizer):
    from verl.utils.dataset.rl_dataset import RLHFDataset

    config = OmegaConf.create({"max_prompt_length": 512, "filter_overlong_prompts_workers": 1})
    dataset = RLHFDataset(file, tokenizer, config)
    kept = ("data_source", "raw_prompt", "ability", "reward_model", "extra_info", "index")
    return [{name: dataset[at][name] for name in kept} for at in range(len(dataset))]


READERS = {"sft": sft_rows, "refused": sft_errors, "rl": rl_rows}

if __name__ == "__main__":
    main()
