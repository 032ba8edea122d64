#!/usr/bin/env bash
# transformers 5.19.0 continues a turn that stopped within its thinking (continue_final_message) behind an empty, closed think block under Qwen3's, Qwen3.6's and Qwen3.8's templates: the model is asked to go on with reasoning that has ended. Nemotron 3's template continues it.
#
# Guess before the run: the prompt ends in the generation prompt and the text so far, as in what the model itself had before it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile transformers==5.19.0 jinja2==3.1.6
"$dir/venv/bin/pip" download -qq --no-deps --dest "$dir" trl==1.16.0
"$dir/venv/bin/python" - "$dir" <<'EOF'
import sys
import zipfile
from pathlib import Path

import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

print("transformers", transformers.__version__, "with the templates in trl 1.16.0")
wheel = zipfile.ZipFile(next(Path(sys.argv[1]).glob("trl-*.whl")))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"?": 0}, unk_token="?")))
question = {"role": "user", "content": "2+2?"}


def continued(template, text):
    tokenizer.chat_template = wheel.read(f"trl/chat_templates/{template}.jinja").decode()
    turns = [question, {"role": "assistant", "content": text}]
    prompt = tokenizer.apply_chat_template(turns, tokenize=False, continue_final_message=True)
    return prompt.rpartition("<|im_start|>assistant\n")[2]


within, behind = "<think>\nTwo and two", "<think>\nTwo and two\n</think>\n\nIt is"
for template in ("qwen3", "qwen3_6", "qwen3_8", "nemotron_3_super"):
    print(f"{template}: within its thinking {continued(template, within)!r}, behind it {continued(template, behind)!r}")
for template in ("qwen3", "qwen3_6", "qwen3_8"):
    assert continued(template, within) == "<think>\n\n</think>\n\n" + within
assert continued("qwen3", behind) == continued("qwen3_6", behind) == behind
assert continued("qwen3_8", behind) == "<think>\n\n</think>\n\n" + behind  # even where the thinking has ended
assert continued("nemotron_3_super", within) == within
EOF
