#!/usr/bin/env bash
# lighteval 0.13.0 with xxhash 4.1.0 fails as soon as it logs a sample's details, so that every evaluation ends there: it hashes text, which xxhash 4 refuses, and bounds no version of it (it comes with datasets).
#
# Guess before the run: one document and one response are logged with either xxhash.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile lighteval==0.13.0 xxhash==4.1.0
cat > "$dir/log.py" <<'EOF'
from importlib.metadata import requires, version

from lighteval.logging.info_loggers import DetailsLogger
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

print("lighteval", version("lighteval"), "xxhash", version("xxhash"))
print("asks for:", [each for each in requires("lighteval") if each.startswith("xxhash")])
doc = Doc(query="2+2?", choices=["4"], gold_index=0, id="0", task_name="sums|0")
try:
    DetailsLogger().log("sums|0", doc, ModelResponse(text=["4"]), {"exact": 1.0})
    print("logged")
except TypeError as error:
    print("TypeError:", error)
EOF
"$dir/venv/bin/python" "$dir/log.py" | tee "$dir/fresh"
"$dir/venv/bin/pip" install -qq --no-compile xxhash==3.8.2
"$dir/venv/bin/python" "$dir/log.py" | tee "$dir/older"
grep -q "TypeError: Strings must be encoded" "$dir/fresh"
grep -q "logged" "$dir/older"
