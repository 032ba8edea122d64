"""What trainers read beside the rows: a config that names the files and the chat template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.format import Format
from hipo_data.schemas.records import Mode


def ms_swift(folder: Path, files: Sequence[str], form: Format) -> str:
    """`ms-swift.yaml`, the arguments of `swift sft`: the files, and `chatml`, which leaves responses as they are.

    ms-swift renders with templates of its own, by name. Where think-off's prompt holds an empty block of reasoning, the
    loss leaves that out.
    """
    named = {"dataset": "train", "val_dataset": "validation"}
    given = {key: [str(folder / f"{split}.jsonl")] for key, split in named.items() if f"{split}.jsonl" in files}
    loss = {"loss_scale": "default+ignore_empty_think"} if form.chat_template_kwargs(Mode.THINK_OFF) else {}
    return _yaml({**given, "template": "chatml", **loss})


def axolotl(folder: Path, files: Sequence[str], form: Format) -> str:
    """`axolotl.yaml`: the files, and the format's chat template as axolotl takes it, by its text."""
    rows = {
        "ds_type": "json",
        "split": "train",
        "type": "chat_template",
        "message_field_training_detail": "train_detail",
    }
    named = {"datasets": "train", "test_datasets": "validation"}
    given = {
        key: [{"path": str(folder / f"{split}.jsonl"), **rows}]
        for key, split in named.items()
        if f"{split}.jsonl" in files
    }
    return _yaml({**given, "chat_template": "jinja", "chat_template_jinja": chat_template(form)})


def _yaml(settings: dict[str, Any]) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120)
