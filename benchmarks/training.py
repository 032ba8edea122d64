"""What a training step takes on two cores, beside TRL's own trainer and beside an earlier commit.

The embedded teacher after one pass of SFT over made-up hybrid responses, so that rollouts are as long as those of the
reproduction; float32 on both sides.

vs_trl: seconds of a step of TRL's GRPOTrainer, with transformers' generation, over those of `hipo-data train rl` with
GRPO: the same model, prompts, group, micro-batches and limits.
vs_before: a step as of an earlier commit over today's, GRPO. sft_vs_before: the same of `hipo-data train sft`.

Sides take turns; medians of steps after the first. Ends with a line of JSON, which has seconds and mean lengths too.

    python benchmarks/training.py [ROUNDS] [STEPS]     # 3 and 6 where none are given
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sampling import own_environment
from startup import ROOT, earlier

from hipo_data.models.make.problems import choose
from hipo_data.prompts.formats.parts import HybridResponse
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.gold import MathGold, gold_to_json
from hipo_data.schemas.records import Mode

GOALS = {"vs_trl": 3.0, "vs_before": 2.0, "sft_vs_before": 2.0}
ROUNDS, STEPS = 3, 6
EXAMPLES = 3000
FAMILIES = {"pick": Mode.THINK_OFF, "digit_sum": Mode.THINK_OFF, "sum_long": Mode.THINK_ON, "chain": Mode.THINK_ON}
JUDGE = {
    Mode.THINK_OFF: "One look at the question is enough for an answer, so it is answered directly.",
    Mode.THINK_ON: "It takes several steps that build on each other, so it is worked out before it is answered.",
}


def main() -> None:
    given = [int(each) for each in sys.argv[1:]]
    rounds, steps = (*given, *[ROUNDS, STEPS][len(given) :])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        before = earlier(folder / "before")
        train("sft", folder, folder / "start", 0)
        took: dict[str, list[float]] = {}
        for number in range(rounds):
            for side, what, code in (
                ("rl", "rl", None), ("rl before", "rl", before), ("trl", "trl", None),
                ("sft", "sft", None), ("sft before", "sft", before),
            ):  # fmt: skip
                done = train(what, folder, folder / f"{side.replace(' ', '-')}-{number}", steps, code)
                seconds = of_steps(done["laps"], done["micro_batches"])
                took.setdefault(side, []).extend(seconds[1:])
                said = f"{side}: {statistics.median(seconds[1:]):.3f} s a step, {length(done['logs'])} tokens"
                print(f"{said} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
    seconds = {side: statistics.median(each) for side, each in took.items()}
    ratio = {
        "vs_trl": seconds["trl"] / seconds["rl"],
        "vs_before": seconds["rl before"] / seconds["rl"],
        "sft_vs_before": seconds["sft before"] / seconds["sft"],
    }
    result = {"benchmark": "training", "ratio": ratio, "goal": GOALS, "peer": {"vs_trl": "trl"}}
    print(json.dumps(result | {"seconds": {side: round(each, 3) for side, each in seconds.items()}}))


def write(folder: Path) -> None:
    """Examples and problems as publish writes them, and the teacher."""
    shutil.copytree(ROOT / "models" / "tiny-hybrid", folder / "tiny-hybrid")
    tasks = [task for family in FAMILIES for task in choose(family, "train", EXAMPLES // len(FAMILIES), 0)]
    random.Random(0).shuffle(tasks)
    sft, rl, problems = [], [], []
    for at, task in enumerate(tasks):
        mode = FAMILIES[task.family]
        thought, answer = task.work(None)
        thinks = thought if mode is Mode.THINK_ON else None
        said = FORMATS["hipo"].render(HybridResponse(mode, JUDGE[mode], thinks, task.response(answer)))
        user = {"role": "user", "content": task.question}
        of = {"problem_id": f"p{at}", "split": "train"}
        sft.append({**of, "messages": [user, {"role": "assistant", "content": said}], "format": "hipo"})
        extra = {**of, "index": at, "p_on": 0.75, "p_off": 0.5, "mode": mode.value}
        gold = {"style": "rule", "ground_truth": gold_to_json(MathGold(answers=[task.answer]))}
        rl.append(
            {"data_source": task.family, "prompt": [user], "ability": "math", "reward_model": gold, "extra_info": extra}
        )
        problems.append({"question": task.question, "answer": task.answer})
    for part, rows in (("sft", sft), ("rl", rl)):
        (folder / "data" / part).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / part / "train-00000-of-00001.parquet")
    (folder / "problems.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in problems), encoding="utf-8")


def train(what: str, folder: Path, output: Path, steps: int, code: Path | None = None) -> dict[str, Any]:
    """One side; `code` is a folder to import from first."""
    environment = own_environment()
    if code is not None:
        environment["PYTHONPATH"] = str(code)
    command = [sys.executable, str(Path(__file__).with_name("_training.py")), what, folder, output, steps]
    done = subprocess.run(
        [*map(str, command)], cwd=code or folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{output.name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def of_steps(laps: list[float], micro_batches: int) -> list[float]:
    """Micro-batches put together; rollouts are drawn in the first of a step. A last step of fewer is left out."""
    whole = len(laps) - len(laps) % micro_batches
    return [sum(laps[at : at + micro_batches]) for at in range(0, whole, micro_batches)]


def length(logs: list[dict[str, Any]]) -> str:
    found = [each["completions/mean_length"] for each in logs if "completions/mean_length" in each]
    return f"{statistics.mean(found):.0f}" if found else "no"


if __name__ == "__main__":
    main()
