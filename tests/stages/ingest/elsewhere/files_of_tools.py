"""The files in `data/`, each written by the tool itself through the script of `tests/support/elsewhere` of its name.

| file | tool and version |
| --- | --- |
| `nemo_gym/` | NeMo Gym 0.5.1, its repository of 22 August 2026, by its collector; it needs Python 3.13 |
| `traces.jsonl` | verifiers 0.4.0, whose store prime-rl uses as well |
| `rllm/` | rllm 0.3.0.pre, as its repository was on 15 August 2026; it is not on PyPI |
| `inspect.eval` | inspect_ai 0.3.285 |
| `details.parquet` | lighteval 0.13.0 |
"""

from pathlib import Path

DATA = Path(__file__).parent / "data"
NEMO_GYM = DATA / "nemo_gym" / "rollouts.jsonl"
FILES = {
    "nemo_gym": NEMO_GYM,
    "verifiers": DATA / "traces.jsonl",
    "rllm": DATA / "rllm" / "*.json",
    "inspect": DATA / "inspect.eval",
    "lighteval": DATA / "details.parquet",
}
