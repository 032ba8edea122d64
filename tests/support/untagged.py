"""The embedded teacher as a model that has never met the tags of a published format."""

import json
import shutil
from pathlib import Path

from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.formats.tokens import own_tags

TEACHER = Path(__file__).parents[2] / "models/tiny-hybrid"
KNOWN = ("<think>", "</think>")


def untagged_teacher(folder: Path) -> Path:
    """A copy in `folder` whose tokenizer cuts the tags of HiPO's format into pieces, those of thinking apart."""
    model = folder / "untagged"
    shutil.copytree(TEACHER, model)
    path = model / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    for token in tokenizer["added_tokens"]:
        if token["content"] in own_tags(HIPO) and token["content"] not in KNOWN:
            token["content"] = f"<unused {token['id']}>"
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    return model
