"""Train the teacher from scratch: a Qwen3 of about one million parameters, on the corpus, on the CPU."""

import json
import math
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoTokenizer, GenerationConfig, Qwen3Config, Qwen3ForCausalLM

from hipo_data.models.make import corpus, forward
from hipo_data.models.make.grading import boxed
from hipo_data.models.make.problems import tasks_of
from hipo_data.models.make.tasks import FAMILIES, MODES, Mode
from hipo_data.models.make.tokenizer import END, MAX_LENGTH

IGNORED = -100
# Lengths are rounded up to a multiple of this: the CPU's bf16 kernels are made anew for every new shape.
ROUND = 16


@dataclass(frozen=True)
class Settings:
    """The knobs of training; the shipped weights come from these defaults."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    mlp: int = 384
    steps: int = 4500
    batch: int = 96
    micro_batches: int = 6
    learning_rate: float = 2.5e-3
    initial_spread: float = 0.05
    warmup: float = 0.05
    weight_decay: float = 0.05
    threads: int = 2
    seed: int = 0
    compiled: bool = True


@dataclass(frozen=True)
class Encoded:
    """One example as tokens; the first `prompt` of them carry no loss."""

    tokens: list[int]
    prompt: int


def encode(tokenizer: Any, examples: Sequence[corpus.Example]) -> list[Encoded]:
    """Examples as the engine sees them: the rendered prompt and the completion are tokenised apart, then joined."""
    prompts = [prompt_of(tokenizer, example.question, example.asked) for example in examples]
    heads = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    tails = tokenizer([example.completion for example in examples], add_special_tokens=False)["input_ids"]
    return [Encoded(head + tail + [tokenizer.eos_token_id], len(head)) for head, tail in zip(heads, tails, strict=True)]


def prompt_of(tokenizer: Any, question: str, asked: Mode | str) -> str:
    """As the chat template has it for a mode, and for a published format as cold starts have it."""
    chat = [{"role": "user", "content": question}]
    if asked in MODES:
        on = asked == "think_on"
        return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, enable_thinking=on))
    start = {"role": "assistant", "content": corpus.FORMATS[asked].prompt_suffix}
    return str(tokenizer.apply_chat_template([*chat, start], tokenize=False)).removesuffix(f"{END}\n")


def micro_batches(rows: list[Encoded], parts: int, pad: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Split a batch by length into `parts`, so that little is padded; yields (tokens, labels), both (rows, length)."""
    rows = sorted(rows, key=lambda row: len(row.tokens))
    size = -(-len(rows) // parts)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        length = ROUND * -(-max(len(row.tokens) for row in part) // ROUND)
        tokens = torch.full((len(part), length), pad)
        labels = torch.full((len(part), length), IGNORED)
        for index, row in enumerate(part):
            end = len(row.tokens)
            tokens[index, :end] = torch.tensor(row.tokens)
            labels[index, row.prompt : end] = tokens[index, row.prompt : end]
        yield tokens, labels


def summed_loss(model: Any, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy summed over the completion tokens. Padding is on the right, so causal attention never sees it."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = forward.states(model, tokens)[:, :-1]
    targets = labels[:, 1:]
    kept = targets != IGNORED
    logits = model.lm_head(states[kept].float())
    return functional.cross_entropy(logits, targets[kept], reduction="sum")


def rate_at(step: int, settings: Settings) -> float:
    """One cycle: linear warm-up, then a cosine down to zero."""
    warm = settings.warmup * settings.steps
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (settings.steps - warm)))


def new_model(settings: Settings, tokenizer: Any) -> Any:
    """A freshly initialised model with the tokenizer's vocabulary."""
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        head_dim=settings.hidden // settings.heads,
        intermediate_size=settings.mlp,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        initializer_range=settings.initial_spread,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen3ForCausalLM(config)


@torch.inference_mode()
def quick_accuracy(model: Any, tokenizer: Any, per_family: int, seed: int) -> dict[str, tuple[float, float]]:
    """Share of answers sampled at temperature 1 whose text is the gold, on held-out problems: family -> (on, off)."""
    model.eval()
    shares: dict[str, tuple[float, float]] = {}
    for family in FAMILIES:
        rng = random.Random(f"quick:{seed}:{family}")
        source = tasks_of(family, "heldout", rng)
        tasks = [next(source) for _ in range(per_family)]
        by_mode: dict[Mode, float] = {}
        for mode in MODES:
            tokenizer.padding_side = "left"
            inputs = tokenizer.apply_chat_template(
                [[{"role": "user", "content": task.question}] for task in tasks],
                add_generation_prompt=True,
                enable_thinking=mode == "think_on",
                return_tensors="pt",
                return_dict=True,
                padding=True,
            )
            width = inputs["input_ids"].shape[1]
            output = model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                do_sample=True,
                temperature=1.0,
                top_p=0.95,
                top_k=0,
                max_new_tokens=230,
            )
            texts = tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
            right = [
                text.split("</think>")[-1].strip() == task.response(task.answer)
                if task.is_code
                else boxed(text) == task.answer
                for task, text in zip(tasks, texts, strict=True)
            ]
            by_mode[mode] = sum(right) / per_family
        shares[family] = (by_mode["think_on"], by_mode["think_off"])
    model.train()
    return shares


def train(folder: Path, settings: Settings) -> float:
    """Train with the tokenizer in `folder`, save the weights beside it, and return the seconds it took."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = new_model(settings, tokenizer)
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
    )
    # Takes minutes once, and a third off every step.
    loss_of = torch.compile(summed_loss, dynamic=True) if settings.compiled else summed_loss
    rng = random.Random(f"corpus:{settings.seed}")
    print(f"parameters: {sum(p.numel() for p in model.parameters()):,}", flush=True)
    started = time.monotonic()
    seen, recent = 0, 0.0
    for step in range(settings.steps):
        rows = encode(tokenizer, [corpus.draw(rng) for _ in range(settings.batch)])
        learned = sum(len(row.tokens) - row.prompt for row in rows)
        total = 0.0
        for tokens, labels in micro_batches(rows, settings.micro_batches, tokenizer.pad_token_id):
            loss = loss_of(model, tokens, labels) / learned
            loss.backward()
            total += loss.item()
            seen += tokens.numel()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, settings)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent = total if step == 0 else 0.95 * recent + 0.05 * total
        if (step + 1) % 50 == 0:
            elapsed = time.monotonic() - started
            print(f"step {step + 1} loss {recent:.4f} {seen / elapsed:,.0f} tokens/s {elapsed:.0f} s", flush=True)
    seconds = time.monotonic() - started
    save(folder, model, tokenizer, settings, seconds)
    print("on/off", quick_accuracy(model, tokenizer, 64, 1), flush=True)
    return seconds


def save(folder: Path, model: Any, tokenizer: Any, settings: Settings, seconds: float) -> None:
    """Write the weights in bf16, the generation defaults, and how the model was trained."""
    model.to(torch.bfloat16)
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=0.95,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    aside = folder / "aside"
    model.save_pretrained(str(aside))
    (aside / "model.safetensors").chmod(0o644)
    for path in sorted(aside.iterdir()):
        path.replace(folder / path.name)
    shutil.rmtree(aside)
    record = {"parameters": sum(p.numel() for p in model.parameters()), "seconds": round(seconds), **asdict(settings)}
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
