#!/usr/bin/env bash
# lm-eval 0.4.13 grades the thinking of a response that the limit of tokens cut off before think_end_token: gsm8k_cot's flexible-extract takes the last number of the unfinished chain, so that a model's pass rate falls and rises with where its budget happens to cut.
#
# Guess before the run: a response whose thinking never ends has no answer, and matches nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile jinja2==3.1.6 numpy==2.4.1 pyyaml==6.0.3 requests==2.32.5 typing_extensions==4.15.0
"$dir/venv/bin/pip" install -qq --no-compile --no-deps lm_eval==0.4.13
"$dir/venv/bin/python" - <<'EOF'
from importlib.metadata import distribution, version

import yaml
from lm_eval.filters.extraction import RegexFilter
from lm_eval.models.utils import postprocess_generated_text

print("lm_eval", version("lm_eval"))
task = yaml.safe_load(distribution("lm_eval").locate_file("lm_eval/tasks/gsm8k/gsm8k-cot.yaml").read_text())
(steps,) = (chosen["filter"] for chosen in task["filter_list"] if chosen["name"] == "flexible-extract")
regex = RegexFilter(**{key: value for key, value in steps[0].items() if key != "function"})
until = task["generation_kwargs"]["until"]


def answer(response):
    """What is compared with the target, of a model that is run with think_end_token="</think>"."""
    return regex.apply([[postprocess_generated_text(response, until, "</think>")]], [{}])[0][0]


# 3 boxes of 14 eggs, 5 of them broken: 37. The chain slips in its last line, and is cut off before it or behind it.
thought = "<think>\n3 boxes of 14 eggs are 42. 5 broken: 42 - 5 = 37"
whole = answer(thought + ".\nWait, 4 boxes? 56 - 5 = 51.\n</think>\n\nThe answer is 51.")
early = answer(thought)
later = answer(thought + ".\nWait, 4 boxes? 56 - 5 ")
print(f"whole {whole!r}  cut off in its thinking {early!r}  cut off later {later!r}")
assert (whole, early, later) == ("51.", "37", "5")
EOF
echo "seen again: unfinished thinking is graded, right or wrong by where it was cut"
