"""Reads exports with ms-swift's own loader, preprocessor and template; prints one JSON object a row.

Standard input holds a JSON list of jobs: `[folder, template or null for that of ms-swift.yaml, tokenizer]`; or
`[file, a chat template's text, tokenizer]`, whose rows are rendered by that template, prompts as for sampling. Run with
ms-swift on the path.
"""

import contextlib
import json
import sys
from pathlib import Path

import yaml
from swift.dataset import EncodePreprocessor, load_dataset
from swift.model import get_processor
from swift.template import get_template


def main() -> None:
    for number, job in enumerate(json.load(sys.stdin)):
        with contextlib.redirect_stdout(sys.stderr):
            found = rows_of(*job)
        for row in found:
            print(json.dumps({"job": number, **row}))


def rows_of(folder: str, template: str | None, model: str):
    if not Path(folder).is_dir():
        return rendered(folder, template, model)
    config = yaml.safe_load((Path(folder) / "ms-swift.yaml").read_text())
    tokenizer = get_processor(model, model_type="qwen3", download_model=False)
    encode = get_template(
        tokenizer,
        template_type=template or config["template"],
        max_length=4096,
        loss_scale=config.get("loss_scale", "default"),
    )
    encode.set_mode("train")
    rows, _ = load_dataset(config["dataset"], load_from_cache_file=False)
    return [
        {
            "text": tokenizer.decode(row["input_ids"]),
            "trained": tokenizer.decode([token for token in row["labels"] if token != -100]),
        }
        for row in EncodePreprocessor(template=encode)(rows, load_from_cache_file=False)
    ]


def rendered(file: str, template: str | None, model: str):
    tokenizer = get_processor(model, model_type="qwen3", download_model=False)
    tokenizer.chat_template = template
    encode = get_template(tokenizer, template_type="chatml", max_length=4096, template_backend="jinja")
    rows, _ = load_dataset([file], load_from_cache_file=False, remove_unused_columns=False)
    found = []
    for row in rows:
        encode.set_mode("train" if row["messages"][-1]["role"] == "assistant" else "transformers")
        text = tokenizer.decode(encode.encode(dict(row))["input_ids"])
        found.append({"text": text, "solution": row.get("solution"), "problem_id": row.get("problem_id")})
    return found


if __name__ == "__main__":
    main()
