#!/usr/bin/env bash
# gpt-oss's chat template (as in TRL 1.16.0) fails on hybrid data: in a table, where some answers have `thinking` and some have none, datasets 5.2.0 gives the others a null, and the template asks whether a tag is in it: TypeError in transformers 5.19.0. An empty text instead of the null trains an empty analysis. No value of the column says "answers at once"; the key has to be taken out of every such message.
#
# Guess before the run: a null is no thinking, as it is in Qwen3's template.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile transformers==5.19.0 datasets==5.2.0 jinja2==3.1.6
"$dir/venv/bin/pip" install -qq --no-compile --no-deps trl==1.16.0
HOME="$dir" HF_HUB_OFFLINE=1 "$dir/venv/bin/python" - 2>/dev/null <<'EOF'
from importlib.metadata import distribution, version
from pathlib import Path

from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

print(*(f"{name} {version(name)}" for name in ("trl", "transformers", "datasets")))
templates = Path(str(distribution("trl").locate_file("trl/chat_templates")))
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))

question = {"role": "user", "content": "What is 17 + 25?"}
thinks = {"role": "assistant", "thinking": "7 + 5 = 12, 10 + 20 + 10 = 40", "content": "42"}
answers = {"role": "assistant", "content": "42"}
rows = Dataset.from_list([{"messages": [question, thinks]}, {"messages": [question, answers]}])
both = [row["messages"] for row in rows]


def rendered(name, messages, key="thinking"):
    turns = [{key if k == "thinking" else k: value for k, value in turn.items()} for turn in messages]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, chat_template=(templates / name).read_text())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return text[text.rindex("assistant") :] if key != "thinking" else text[text.index("<|start|>assistant") :]


assert both[1][1]["thinking"] is None
said = rendered("gptoss.jinja", both[1])
print("gpt-oss, row that thinks:", rendered("gptoss.jinja", both[0]))
print("gpt-oss, row that does not:", said)
assert said == "TypeError: argument of type 'NoneType' is not iterable"
before_it = rendered("gptoss.jinja", [question, answers])
print("gpt-oss, before it was in a table:", before_it)
assert before_it == "<|start|>assistant<|channel|>final<|message|>42<|return|>"
empty = rendered("gptoss.jinja", [question, answers | {"thinking": ""}])
print("gpt-oss, with an empty text:", empty)
assert empty.startswith("<|start|>assistant<|channel|>analysis<|message|><|end|>")

# Qwen3's takes the null for what it is.
qwen = [rendered("qwen3.jinja", messages, "reasoning_content") for messages in (both[1], [question, answers])]
print("Qwen3, row that does not:", repr(qwen[0]))
assert qwen[0] == qwen[1] and "None" not in qwen[0]
EOF
echo "seen again: rows without thinking cannot be rendered for gpt-oss once they were in a table with others"
