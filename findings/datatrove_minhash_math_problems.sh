#!/usr/bin/env bash
# datatrove 0.10.1's near-duplicate removal, with its defaults, keeps one of a hundred different math problems: before it compares texts it makes every number 0 and takes signs out, so that "3x + 5 = 17" and "8x - 2 = 94" are one text. Problems of which each has another answer count as copies at similarity 1. With numbers as they are 82 stay.
#
# Guess before the run: problems that differ in all their numbers and signs are near each other in few words, and most of them stay.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -qq --no-compile datatrove==0.10.1 spacy==3.8.18 tokenizers==0.23.1 regex==2026.11.19 xxhash==3.6.0 orjson==3.11.4 nltk==3.9.2
cd "$dir"
"$dir/venv/bin/python" - 2>"$dir/log" <<'EOF' || { tail -20 "$dir/log" >&2; exit 1; }
from importlib.metadata import version

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.utils.text import TextNormConfig

print("datatrove", version("datatrove"))

problems = []
for n in range(100):
    factor, term, root = n % 7 + 2, n // 7 + 1, n + 3
    sign, right = ("+", factor * root + term) if n % 2 else ("-", factor * root - term)
    problems.append(
        f"A number is multiplied and then changed: solve {factor}x {sign} {term} = {right} for x over the integers, "
        "and give the value of x alone."
    )
assert len(set(problems)) == 100


def kept(name, config):
    texts = [Document(text=text, id=str(n)) for n, text in enumerate(problems)]
    left = []

    def collect(data, rank=0, world_size=1):
        for document in data:
            left.append(document.text)
            yield document

    steps = [
        [texts, MinhashDedupSignature(f"{name}/signatures", config)],
        [MinhashDedupBuckets(f"{name}/signatures", f"{name}/buckets", config=config)],
        [MinhashDedupCluster(f"{name}/buckets", f"{name}/remove", config=config)],
        [texts, MinhashDedupFilter(f"{name}/remove"), collect],
    ]
    for number, pipeline in enumerate(steps):
        tasks = config.num_buckets if number == 1 else 1
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{name}/logs/{number}").run()
    return len(left)


default = kept("default", MinhashConfig())
numbers = kept("numbers", MinhashConfig(norm_config=TextNormConfig(norm_numbers=False)))
print(f"of 100 problems stay: {default} by default, {numbers} with numbers as they are")
assert (default, numbers) == (1, 82)
EOF
echo "seen again: math problems that differ in their numbers alone are removed as copies"
