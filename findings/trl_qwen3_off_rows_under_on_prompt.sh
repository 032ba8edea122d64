#!/usr/bin/env bash
# With TRL 1.16.0's Qwen3 training template the assistant mask of a think-off row begins where the think-on prompt ends, so enable_thinking changes nothing and the loss teaches the model to skip thinking when asked to think.
#
# Guess before the run: with enable_thinking=False the mask begins after the empty block that Qwen3's own generation prompt ends in.
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
own = (templates / "qwen3.jinja").read_text()
training = (templates / "qwen3_training.jinja").read_text()
question = [{"role": "user", "content": "2+2?"}]
off_row = [*question, {"role": "assistant", "content": "4"}]
on_row = [*question, {"role": "assistant", "content": "4", "reasoning_content": "ADD"}]


def prompt(thinking):
    """What an inference server sends to the model in this mode."""
    texts, _ = render_jinja_template(
        conversations=[question], chat_template=own, add_generation_prompt=True, enable_thinking=thinking
    )
    return texts[0]


def context_and_target(row, thinking):
    """The text before the assistant mask, and the text under it."""
    texts, spans = render_jinja_template(
        conversations=[row], chat_template=training, return_assistant_tokens_mask=True, enable_thinking=thinking
    )
    ((start, end),) = spans[0]
    return texts[0][:start], texts[0][start:end]


on, off = prompt(True), prompt(False)
empty = "<think>\n\n</think>\n\n"
print("prompt on ", repr(on[-30:]), "\nprompt off", repr(off[-48:]))
context, target = context_and_target(off_row, False)
print("think-off row: context", repr(context[-30:]), "target", repr(target))
print("think-on row:  context", repr(context_and_target(on_row, True)[0][-30:]), "target", repr(context_and_target(on_row, True)[1]))

assert off == on + empty
assert context == on and target == empty + "4<|im_end|>\n"
assert context_and_target(off_row, True) == (context, target)
assert context_and_target(on_row, True) == (on, "<think>\nADD\n</think>\n\n4<|im_end|>\n")
EOF
echo "seen again: both modes are trained from one and the same prompt"
