#!/usr/bin/env bash
# TRL 1.16.0's training templates disagree in silence about where reasoning lies: Qwen3.8's trains an empty think block in front of inline tags, gpt-oss's trains them in the final channel, and R1-Distill's, which keeps the tags, drops reasoning_content.
#
# Guess before the run: each template takes <think> tags in the content and the field reasoning_content alike, as Qwen3's to 3.6's do, or raises.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile transformers==5.23.0 jinja2==3.1.6
"$dir/venv/bin/pip" install -qq --no-compile --no-deps trl==1.16.0 # its templates, without torch and the trainers
"$dir/venv/bin/python" - 2>/dev/null <<'EOF'
from importlib.metadata import distribution, version

from transformers.utils.chat_template_utils import render_jinja_template

print("trl", version("trl"), "transformers", version("transformers"))
templates = distribution("trl").locate_file("trl/chat_templates")
question = {"role": "user", "content": "2+2?"}
spellings = {
    "tags": {"content": "<think>\nADD\n</think>\n\n4"},
    "reasoning_content": {"content": "4", "reasoning_content": "ADD"},
}


def trained(family, answer):
    """The text under the assistant mask, which assistant_only_loss trains."""
    template = (templates / f"{family}_training.jinja").read_text()
    row = [question, {"role": "assistant", **answer}]
    texts, spans = render_jinja_template(
        conversations=[row], chat_template=template, return_assistant_tokens_mask=True, enable_thinking=True
    )
    return "".join(texts[0][a:b] for a, b in spans[0])


seen = {}
for family in ("qwen3", "qwen3_6", "qwen3_8", "deepseek_r1_distill", "gptoss"):
    for spelling, answer in spellings.items():
        seen[family, spelling] = trained(family, answer)
        print(f"{family:20}{spelling:18}{seen[family, spelling]!r}")

whole = "<think>\nADD\n</think>\n\n4<|im_end|>\n"
assert all(seen[f, s] == whole for f in ("qwen3", "qwen3_6") for s in ("tags", "reasoning_content"))
assert seen["qwen3_8", "reasoning_content"] == whole
assert seen["qwen3_8", "tags"] == "<think>\n\n</think>\n\n" + whole
r1 = "<｜Assistant｜>{}<｜end▁of▁sentence｜>"
assert seen["deepseek_r1_distill", "tags"] == r1.format("<think>\nADD\n</think>\n\n4")
assert seen["deepseek_r1_distill", "reasoning_content"] == r1.format("4")
final = "<|start|>assistant<|channel|>final<|message|>{}<|return|>"
assert seen["gptoss", "tags"] == final.format("<think>\nADD\n</think>\n\n4")
analysis = "<|start|>assistant<|channel|>analysis<|message|>ADD<|end|>"
assert seen["gptoss", "reasoning_content"] == analysis + final.format("4")
EOF
echo "seen again: each spelling loses or misplaces the reasoning somewhere, without an error"
