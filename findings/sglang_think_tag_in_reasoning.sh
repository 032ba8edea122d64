#!/usr/bin/env bash
# SGLang 0.5.23 leaves the opening tag in the reasoning of a whole response that begins "\n<think>", which is how GLM-4.5's template writes every think-on turn; streamed, the same text loses the tag and a line break moves into the answer.
#
# Guess before the run: a blank before the tag changes nothing, and a whole response is split as its stream is.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile jinja2==3.1.6
"$dir/venv/bin/pip" install -qq --no-compile --no-deps sglang==0.5.23 trl==1.16.0 # the parser and a copy of GLM's template, no torch
"$dir/venv/bin/python" - <<'EOF'
import sys
import types
from importlib.metadata import distribution, version
from unittest.mock import MagicMock

import jinja2

print("sglang", version("sglang"), "trl", version("trl"))

# The parser of tags alone: what it imports for servers and for formats of other kinds is left out.
for name in ("sglang", "sglang.srt", "sglang.srt.parser"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(distribution("sglang").locate_file(name.replace(".", "/")))]
srt = "sglang.srt"
left_out = [f"{srt}.function_call.{m}" for m in ("hunyuan_detector", "kimik3_format", "muse_glimmer_format")]
for m in ("answer_frame", "beam", "harmony_parser", "inkling_tokenizer", "response_template"):
    left_out.append(f"{srt}.parser.{m}")
for name in ("transformers", f"{srt}.entrypoints.openai.protocol", *left_out):
    sys.modules[name] = MagicMock()
from sglang.srt.parser.reasoning_parser import ReasoningParser

detectors = ReasoningParser.DetectorMap


def whole(family, text):
    split = detectors[family](stream_reasoning=False).detect_and_parse(text)
    return split.reasoning_text, split.normal_text


def streamed(family, pieces):
    detector = detectors[family](stream_reasoning=True)
    splits = [detector.parse_streaming_increment(piece) for piece in pieces]
    return "".join(s.reasoning_text for s in splits), "".join(s.normal_text for s in splits)


# What a model trained on GLM's template writes after the prompt.
template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
    distribution("trl").locate_file("trl/chat_templates/glm4moe.jinja").read_text()
)
question = {"role": "user", "content": "2+2?"}
row = template.render(messages=[question, {"role": "assistant", "content": "4", "reasoning_content": "ADD"}])
text = row.removeprefix(template.render(messages=[question], add_generation_prompt=True))
print("GLM's turn", repr(text))
assert text == "\n<think>ADD</think>\n4"

pieces = ["\n", "<think>", "ADD", "</think>", "\n", "4"]
for family in ("glm45", "qwen3", "deepseek-v3", "kimi_k2", "nemotron_3"):
    print(f"{family:12} whole {whole(family, text)}  streamed {streamed(family, pieces)}")
    assert whole(family, text) == ("\n<think>ADD", "\n4")
    assert streamed(family, pieces) == ("ADD", "\n\n4")
    assert whole(family, text.lstrip()) == ("ADD", "\n4")  # without the line break all is well

# A think-off answer that names the tag is taken for reasoning, without an answer.
print("glm45        think-off, whole", whole("glm45", "Write <think> first. 4"))
assert whole("glm45", "Write <think> first. 4") == ("Write <think> first. 4", "")
EOF
echo "seen again: the tag stays in reasoning_content"
