"""Measure the teacher through vLLM on the held-out problems, and write its metrics and model card."""

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hipo_data.figures.intervals import wilson
from hipo_data.models.make import justify
from hipo_data.models.make.arithmetic import FORGETS
from hipo_data.models.make.grading import is_right
from hipo_data.models.make.problems import FILES, TRAIN_COUNTS, question_of, read, tasks_of
from hipo_data.models.make.tasks import FAMILIES, MODES, NUMBER_WORDS, Mode, family_of
from hipo_data.models.make.tokenizer import MAX_LENGTH
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.formats.reading import parsed

SAMPLES: Final = 8
SAMPLING: Final = {"temperature": 1.0, "top_p": 0.95}
JUSTIFY_TEMPERATURE: Final = 0.7
JUSTIFICATIONS: Final = 400
LONGEST_JUSTIFICATION: Final = 15
"""Tokens."""
TITLES: Final = {
    "pick": "largest, smallest, first or last of six numbers",
    "sum2": "sum of two numbers",
    "sum3": "sum of three numbers",
    "range": "range of five numbers",
    "digit_sum": "sum of four digits",
    "sum_long": "sum of five or six numbers of two or three digits",
    "chain": "five to seven numbers, plus and minus",
    "product": "product of two numbers of three or four digits",
    "code_direct": "code: one operation",
    "code_constant": "code: a constant to work out",
    "code_steps": "code: steps to fold into one expression",
}
KINDS: Final = {
    "a direct answer does": ("sum2", "digit_sum", "code_direct"),
    "thinking does harm": ("pick",),
    "thinking helps": ("sum3", "range", "sum_long", "chain", "code_constant", "code_steps"),
    "neither does": ("product",),
}


_Sample = tuple[bool, int]
"""Whether a response is right, and its tokens."""


def _chat(engine: Any, questions: Sequence[str], mode: Mode, params: Any) -> list[Any]:
    conversations = [[{"role": "user", "content": question}] for question in questions]
    outputs = engine.chat(
        conversations, params, chat_template_kwargs={"enable_thinking": mode == "think_on"}, use_tqdm=False
    )
    return list(outputs)


def accuracy(engine: Any, problems: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Sample every held-out problem in both modes; family -> mode -> right, n, share, interval and mean tokens."""
    from vllm import SamplingParams

    rows = _heldout(problems)
    result: dict[str, dict[str, dict[str, Any]]] = {family: {} for family in FAMILIES}
    for mode in MODES:
        params = SamplingParams(n=SAMPLES, max_tokens=256, **SAMPLING)
        outputs = _chat(engine, [question_of(row) for row in rows], mode, params)
        cells: dict[str, list[_Sample]] = {family: [] for family in FAMILIES}
        for row, output in zip(rows, outputs, strict=True):
            for sample in output.outputs:
                right = is_right(row, sample.text)
                cells[family_of(question_of(row))].append((right, len(sample.token_ids)))
        for family, cell in cells.items():
            result[family][mode] = _figures(cell)
    return result


def _heldout(problems: Path) -> list[dict[str, Any]]:
    return [row for stem in FILES for row in read(problems / f"{stem}.heldout.jsonl")]


def _figures(samples: Sequence[_Sample]) -> dict[str, Any]:
    right, n = sum(right for right, _ in samples), len(samples)
    low, high = wilson(right, n)
    return {
        "right": right,
        "n": n,
        "accuracy": round(right / n, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "tokens": round(sum(tokens for _, tokens in samples) / n, 1),
    }


def published(engine: Any, problems: Path) -> dict[str, Any]:
    """Sample every held-out problem in HiPO's format, where the model says the mode itself, and tell the modes apart.

    `accuracy` is by family and mode, of the well-formed responses; `think_on` is the share of think-on among them.
    """
    from vllm import SamplingParams

    from hipo_data.models.make.train import prompt_of

    rows = _heldout(problems)
    prompts = [prompt_of(engine.get_tokenizer(), question_of(row), HIPO.name) for row in rows]
    params = SamplingParams(n=2 * SAMPLES, max_tokens=256, **SAMPLING)
    cells: dict[str, dict[Mode, list[_Sample]]] = {family: {mode: [] for mode in MODES} for family in FAMILIES}
    for row, output in zip(rows, engine.generate(prompts, params, use_tqdm=False), strict=True):
        for sample in output.outputs:
            response = parsed(HIPO, HIPO.prompt_suffix + sample.text)
            if response is not None:
                cell = cells[family_of(question_of(row))][response.mode.value]
                cell.append((is_right(row, response.answer), len(sample.token_ids)))
    read_ones = {mode: sum(len(cell[mode]) for cell in cells.values()) for mode in MODES}
    return {
        "format": HIPO.name,
        "well_formed": round(sum(read_ones.values()) / (2 * SAMPLES * len(rows)), 4),
        "think_on": round(read_ones["think_on"] / sum(read_ones.values()), 4),
        "accuracy": {
            family: {mode: _figures(samples) for mode, samples in cell.items()} for family, cell in cells.items()
        },
    }


def justifications(engine: Any, seed: int) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Justify random modes of held-out problems; shares of texts that pass each check, and a few texts to read."""
    from vllm import SamplingParams

    rng = random.Random(f"justify:{seed}")
    asked = []
    for _ in range(JUSTIFICATIONS):
        task = next(tasks_of(rng.choice(FAMILIES), "heldout", rng))
        mode = rng.choice(MODES)
        asked.append((task, mode, justify.random_counts(rng, mode)))
    prompts = [justify.prompt(task.question, mode, counts) for task, mode, counts in asked]
    params = SamplingParams(n=1, max_tokens=128, temperature=JUSTIFY_TEMPERATURE, top_p=1.0)
    outputs = [output.outputs[0] for output in _chat(engine, prompts, "think_off", params)]
    texts = [output.text for output in outputs]
    # The token that ends the turn is none of the text.
    lengths = [len(output.token_ids) - (output.finish_reason == "stop") for output in outputs]
    words = {word for pattern in justify.wordings() for word in pattern.lower().replace(",", " ").split()}
    fits = [numbers_fit(task.family, text) for (task, _, _), text in zip(asked, texts, strict=True)]
    counted = [each for each in fits if each is not None]
    said = [justify.said_of(text) for text in texts]
    levels = [found[0] == counts.level for found, (_, _, counts) in zip(said, asked, strict=True) if found[0]]
    gains = [found[1] == counts.gain for found, (_, _, counts) in zip(said, asked, strict=True) if found[1]]
    total = len(texts)
    report = {
        "n": total,
        "temperature": JUSTIFY_TEMPERATURE,
        "mean_tokens": round(sum(lengths) / total, 1),
        "short": round(sum(length <= LONGEST_JUSTIFICATION for length in lengths) / total, 4),
        "no_digit_or_tag": round(sum(not any(c in "0123456789<>`" for c in text) for text in texts) / total, 4),
        "known_words_only": round(sum(set(_words(text)) <= words for text in texts) / total, 4),
        "distinct": round(len(set(texts)) / total, 4),
        "names_a_count": len(counted),
        "count_right": round(sum(counted) / max(len(counted), 1), 4),
        "speaks_of_direct_answers": len(levels),
        "direct_answers_right": round(sum(levels) / max(len(levels), 1), 4),
        "speaks_of_the_gain": len(gains),
        "gain_right": round(sum(gains) / max(len(gains), 1), 4),
    }
    shown = [
        {"question": task.question, "mode": mode, "counts": _shown(counts), "text": text}
        for (task, mode, counts), text in list(zip(asked, texts, strict=True))[:8]
    ]
    return report, shown


def numbers_fit(family: str, text: str) -> bool | None:
    """Whether the number words of a justification are those that the family's phrases have; None where it has none."""
    named = {word for word in _words(text) if word in NUMBER_WORDS[2:]}
    return named <= {word for phrase in justify.NATURE[family] for word in _words(phrase)} if named else None


def _words(text: str) -> list[str]:
    return "".join(c if c.isalpha() or c == "-" else " " for c in text.lower()).split()


def _shown(counts: justify.Counts) -> str:
    return f"think {counts.right_on}/{counts.n_on}, direct {counts.right_off}/{counts.n_off}"


def table(metrics: dict[str, Any]) -> str:
    """The card's table of accuracies, in Markdown."""
    name = metrics["published"]["format"]
    lines = [
        "| family | made so that | n a mode | think-on | 95 % interval | tokens | think-off | 95 % interval | tokens |"
        f" {name}, think-on | {name}, think-off |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    kinds = {family: kind for kind, families in KINDS.items() for family in families}
    for family, modes in metrics["accuracy"].items():
        cells = [
            f"{modes[mode]['accuracy']:.2f} | {modes[mode]['low']:.2f} to {modes[mode]['high']:.2f}"
            f" | {modes[mode]['tokens']:.0f}"
            for mode in MODES
        ]
        cells += [f"{metrics['published']['accuracy'][family][mode]['accuracy']:.2f}" for mode in MODES]
        lines.append(f"| {TITLES[family]} | {kinds[family]} | {modes['think_on']['n']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def card(metrics: dict[str, Any], samples: Sequence[dict[str, str]]) -> str:
    """The model card, from the metrics, the training record and a few justifications."""
    made, said, published = metrics["training"], metrics["justifications"], metrics["published"]
    cores = "one core" if made["threads"] == 1 else f"{made['threads']} cores"
    examples = "\n".join(f"- {s['question']} ({s['counts']}, {s['mode']}): “{s['text']}”" for s in samples)
    n_train = sum(TRAIN_COUNTS.values())
    return f"""\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---
# tiny-hybrid

A hybrid reasoner small enough to ship: a Qwen3-architecture model of {made["parameters"]:,} parameters that answers
small math and code problems with thinking on or off, and says why a mode fits a problem. It exists so that the whole
hipo-data pipeline can run with a real language model on a laptop. It knows its own {len(FAMILIES)} families of
problems and nothing else; its figures say nothing about real teachers.

## Use

vLLM's `LLM.chat` or any engine that renders `chat_template.jinja`; `enable_thinking` (default true) selects the mode.
Context {MAX_LENGTH} tokens, temperature {SAMPLING["temperature"]}, top-p {SAMPLING["top_p"]}. The generation prompt
ends in `<think>\\n` with thinking on and in an empty think block with thinking off; math answers are `\\boxed{{…}}`,
code answers a fenced Python function. Justifications are asked for with `prompts/templates/justify_compact.j2`,
thinking off.

## Accuracy

Held-out problems, {SAMPLES} samples of each mode a problem, vLLM on the CPU in bf16, graded by the gold
(exact match of the last box; the program is run on the problem's tests). Wilson intervals treat samples as
independent, so they are somewhat too narrow: the samples of one problem are not.

{table(metrics)}

The last columns are of {published["format"]}'s format, which the training text holds beside that of thinkless: the
model says why it chooses a mode, then the mode, and it was taught to choose either as often for every problem, so that
the choice is left to be learnt. {published["well_formed"]:.1%} of {2 * SAMPLES} responses a problem are well-formed,
{published["think_on"]:.0%} of those think.

Thinking that slips was taught: in sums and chains of many numbers {FORGETS:.0%} of the carries are forgotten in the
training text, which leaves training something to teach. Who reads a list twice, from both ends, often ends in the
wrong number, where a direct answer is mostly right.

## Justifications

{said["n"]} justifications of random modes with random counts on held-out questions, temperature {said["temperature"]}:
they take {said["mean_tokens"]} tokens on average, {said["short"]:.0%} at most {LONGEST_JUSTIFICATION};
{said["no_digit_or_tag"]:.1%} hold no digit or tag,
{said["known_words_only"]:.0%} only words of its training text, {said["distinct"]:.0%} are distinct; of the
{said["names_a_count"]} that name how many numbers, digits or steps there are, {said["count_right"]:.0%} name the
right number. Of the {said["speaks_of_direct_answers"]} that say how often direct answers are right,
{said["direct_answers_right"]:.0%} choose the words of the training text for the counts shown, and of the
{said["speaks_of_the_gain"]} that say what thinking adds, {said["gain_right"]:.0%}.

{examples}

## How it was made

`python -m hipo_data.models.make`, from nothing but its own generators: problems, tokenizer, training
({made["steps"]:,} steps of {made["batch"]} examples, AdamW, one cycle, peak learning rate {made["learning_rate"]},
seed {made["seed"]}, {made["seconds"] / 60:.0f} minutes on {cores}), measurement (seed
{metrics["seed"]}). `training.json` and `metrics.json` hold the settings and figures. Questions are split into three
pools by the sha256 of their text: the base corpus that it was trained on, and the {n_train} train and
{n_train // 2} held-out problems of `models/problems`, none of which it was trained on.
Retraining gives the same model only up to the order of floating-point sums.

## Limits

It answers whatever it is asked with the nearest of its families. Numbers outside the trained ranges, other wordings,
other languages, system messages and several turns are outside what it can do. Products are beyond it on purpose, as
problems that no mode solves. It holds no personal or third-party data. Licence: Apache-2.0.
"""


def measure(folder: Path, problems: Path, seed: int) -> dict[str, Any]:
    """Run the model in `folder` on the held-out files in `problems`; write metrics.json and README.md beside it."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    from vllm import LLM

    # The seed is the engine's: vLLM 0.32 on the CPU fails on a seeded request whose prompt it splits (chunked prefill).
    engine = LLM(
        model=str(folder), max_model_len=MAX_LENGTH, dtype="bfloat16", enforce_eager=True, max_num_seqs=128, seed=seed
    )
    said, samples = justifications(engine, seed)
    metrics = {
        "seed": seed,
        "samples_a_mode": SAMPLES,
        "sampling": SAMPLING,
        "accuracy": accuracy(engine, problems),
        "published": published(engine, problems),
        "justifications": said,
        "training": json.loads((folder / "training.json").read_text(encoding="utf-8")),
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(metrics, samples), encoding="utf-8")
    return metrics
