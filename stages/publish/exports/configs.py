"""What trainers read beside the rows: a config that names the files and the chat template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml


def ms_swift(folder: Path, files: Sequence[str], template: str) -> str:
    """`ms-swift.yaml`, the arguments of `swift sft`: the files, and `chatml`, which leaves responses as they are.

    ms-swift renders with templates of its own, by name; `template`, a chat template in Jinja, is not used.
    """
    named = {"dataset": "train", "val_dataset": "validation"}
    given = {key: [str(folder / f"{split}.jsonl")] for key, split in named.items() if f"{split}.jsonl" in files}
    return _yaml({**given, "template": "chatml"})


def axolotl(folder: Path, files: Sequence[str], template: str) -> str:
    """`axolotl.yaml`: the files, and `template`, a chat template in Jinja, as axolotl takes it, by its text."""
    named = {"datasets": "train", "test_datasets": "validation"}
    given = {
        key: [{"path": str(folder / f"{split}.jsonl"), "ds_type": "json", "split": "train", "type": "chat_template"}]
        for key, split in named.items()
        if f"{split}.jsonl" in files
    }
    return _yaml({**given, "chat_template": "jinja", "chat_template_jinja": template})


def _yaml(settings: dict[str, Any]) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120)
