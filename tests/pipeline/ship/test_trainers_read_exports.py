"""Exports through the real libraries: what they read, and on which of its text they would train.

TRL stands in the environment. The data readers of the other trainers are installed beside it, without what they need
for training, as none shares an environment with vLLM: some megabytes each from the configured package index.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from hipo_data.pipeline.ship.export import export
from hipo_data.pipeline.ship.published import published
from tests.conftest import ROOT
from tests.pipeline.ship.test_export_levels import LEVEL_TEMPLATE, with_arms
from tests.support.published import make_published
from tests.support.verl_library import installed, run_beside

pytestmark = pytest.mark.slow

TEACHER = str(ROOT / "models" / "tiny-hybrid")
LLAMA_FACTORY = ["llamafactory==0.9.5", "peft==0.21.2"]
MS_SWIFT = [
    "ms-swift==4.6.0", "modelscope==1.40.2", "modelscope-hub==0.5.1", "addict==2.4.0", "json-repair==0.64.6",
    "peft==0.21.2",
]  # fmt: skip
AXOLOTL = ["axolotl==0.19.0", "colorama==0.4.6", "addict==2.4.0"]
OPENRLHF = ["openrlhf==0.11.2", "pylatexenc==2.11", "peft==0.21.2"]
LEVELS = {"think_off": "none", "short": "low", "think_on": "high"}
BY_CHATML = {
    "ms-swift": ("read_with_ms_swift.py", MS_SWIFT),
    "axolotl": ("read_with_axolotl.py", AXOLOTL),
    "openrlhf": ("read_with_openrlhf.py", OPENRLHF),
}
OTHERS = ("trl", "trl-prompt-completion", "trl-preference", "verl-sft", "verl-rl", "llama-factory")
FORMATS = ["hipo", "qwen3", "thinkless"]
EMPTY = "<think>\n\n</think>\n\n"
Jobs = dict[str, list[Any]]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every export of every format, as `FORMAT/LIBRARY`."""
    root = tmp_path_factory.mktemp("exports")
    for form in FORMATS:
        dataset = published(str(make_published(root / form / "data", form, preference=True)))
        for to in (*OTHERS, *BY_CHATML):
            export(dataset, to, root / form / to)
    return root


@pytest.fixture(scope="module")
def verl(verl_library: Path, exports: Path) -> Rows:
    """What verl reads: SFT by format, and RL."""
    sft = {form: exports / form / "verl-sft" for form in FORMATS}
    jobs = {form: ["sft", path / "train.parquet", TEACHER, path / "chat_template.jinja"] for form, path in sft.items()}
    own = resources.files("trl") / "chat_templates" / "qwen3.jinja"
    jobs["qwen3's own"] = ["refused", sft["hipo"] / "train.parquet", TEACHER, own]
    jobs["rl"] = ["rl", exports / "hipo/verl-rl/train.parquet", TEACHER, None]
    return read("read_with_verl.py", verl_library, jobs)


@pytest.fixture(scope="module")
def llama_factory(exports: Path) -> Rows:
    """What LLaMA-Factory reads: SFT by format, SFT through a template of its own that adds reasoning, and pairs."""
    library = installed(LLAMA_FACTORY)
    folders = {form: exports / form / "llama-factory" for form in FORMATS}
    jobs: Jobs = {form: ["sft", folder, "hipo_train", "chatml", TEACHER] for form, folder in folders.items()}
    jobs["qwen3"] = ["sft", folders["qwen3"], "hipo_train", "qwen3", TEACHER, None]
    jobs["reasoning"] = ["sft", folders["hipo"], "hipo_train", "qwen3", TEACHER]
    jobs["pairs"] = ["rm", folders["hipo"], "hipo_preference_train", "chatml", TEACHER]
    return read("read_with_llama_factory.py", library, jobs)


@pytest.fixture(scope="module", params=BY_CHATML)
def by_chatml(request: pytest.FixtureRequest, exports: Path) -> tuple[str, Rows]:
    """The name of a trainer and what it reads, by format."""
    script, packages = BY_CHATML[request.param]
    own = [None] if request.param == "ms-swift" else []
    jobs: Jobs = {form: [exports / form / request.param, *own, TEACHER] for form in FORMATS}
    if own:
        jobs["reasoning"] = [exports / "hipo/ms-swift", "qwen3", TEACHER]
    return request.param, read(script, installed(packages), jobs)


def read(script: str, library: Path, jobs: Jobs) -> Rows:
    rows = run_beside(script, library, list(jobs.values()), DISABLE_VERSION_CHECK="1")
    return {name: [row for row in rows if row["job"] == number] for number, name in enumerate(jobs)}


def responses(exports: Path, form: str) -> list[str]:
    dataset = published(str(exports / form / "data"))
    tables = [piece for path in dataset.of("sft", "train") for piece in dataset.tables(path)]
    return [row["messages"][-1]["content"] for table in tables for row in table.to_pylist()]


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_verl_trains_on_the_whole_response_with_the_mode_of_the_row(verl: Rows, exports: Path, form: str) -> None:
    rows, expected = verl[form], responses(exports, form)
    assert len(rows) == len(expected) == 6
    for row, response in zip(rows, expected, strict=True):
        turn = f"<|im_start|>assistant\n{response}<|im_end|>\n"
        assert row["text"].endswith(turn)
        assert turn.endswith(row["trained"])
        opening = turn.removesuffix(row["trained"]).removeprefix("<|im_start|>assistant\n")
        assert opening == ("<judge>\n" if form == "hipo" else "")  # what the prompt ends in is not trained on
    assert {row["enable_thinking"] for row in rows} == {True, False}


@pytest.mark.long
def test_verl_refuses_every_row_with_qwen3s_own_template(verl: Rows) -> None:
    assert [row["error"] for row in verl["qwen3's own"]] == ["AssertionError"] * 6


@pytest.mark.long
def test_verls_rl_dataset_reads_prompts_and_golds(verl: Rows) -> None:
    rows = verl["rl"]
    assert [row["index"] for row in rows] == list(range(6))
    assert all([turn["role"] for turn in row["raw_prompt"]] == ["user"] for row in rows)
    assert {row["ability"] for row in rows} <= {"math", "code"}
    for row in rows:
        truth, whole = row["reward_model"]["ground_truth"], row["extra_info"]["gold"]
        assert json.loads(truth if whole is None else whole)["type"]
        assert (whole is None) == (row["ability"] == "code")


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_llama_factory_trains_on_the_whole_response(llama_factory: Rows, exports: Path, form: str) -> None:
    for row, response in zip(llama_factory[form], responses(exports, form), strict=True):
        held = EMPTY if form == "qwen3" and response.startswith(EMPTY) else ""
        assert held + row["trained"] == f"{response}<|im_end|>\n"
        assert row["text"].endswith(f"<|im_start|>assistant\n{response}<|im_end|>\n")


@pytest.mark.long
def test_llama_factorys_reasoning_templates_are_rightly_warned_of(llama_factory: Rows) -> None:
    assert any(row["trained"].startswith("<think>\n\n</think>\n\n<judge>") for row in llama_factory["reasoning"])


@pytest.mark.long
def test_llama_factory_reads_pairs(llama_factory: Rows) -> None:
    rows = llama_factory["pairs"]
    assert len(rows) == 6
    assert all("<think_off>" in row["chosen"] and "<think_on>" in row["rejected"] for row in rows)


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_ms_swift_axolotl_and_openrlhf_train_on_the_whole_response(
    by_chatml: tuple[str, Rows], exports: Path, form: str
) -> None:
    name, rows = by_chatml
    expected = responses(exports, form)
    assert len(rows[form]) == len(expected) == 6
    for row, response in zip(rows[form], expected, strict=True):
        opening = ""  # what its prompt ends in
        if form == "hipo" and name != "ms-swift":
            opening = "<judge>\n"
        if form == "qwen3" and name != "openrlhf" and response.startswith(EMPTY):  # OpenRLHF cannot be told
            opening = EMPTY
        assert opening + row["trained"].removesuffix("\n") == f"{response}<|im_end|>"
        assert row["text"].removesuffix("\n").endswith(f"<|im_start|>assistant\n{response}<|im_end|>")
    if name == "ms-swift":  # rightly warned of
        assert all(row["trained"].startswith("<think>\n\n</think>\n\n<judge>") for row in rows["reasoning"])


def trained(exports: Path, form: str, to: str, tmp_path: Path, trainer: Any, config: Any, **settings: Any) -> Any:
    """One step of a real trainer on an export; its dataset, tokenised."""
    from datasets import load_dataset
    from transformers import AutoTokenizer

    folder = exports / form / to
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    tokenizer.chat_template = (folder / "chat_template.jinja").read_text()
    rows = load_dataset("parquet", data_files=str(folder / "train.parquet"), cache_dir=str(tmp_path / "cache"))["train"]
    arguments = config(
        output_dir=str(tmp_path / "out"), report_to=[], use_cpu=True, bf16=False, max_steps=1,
        per_device_train_batch_size=2, **settings,
    )  # fmt: skip
    made = trainer(model=TEACHER, args=arguments, train_dataset=rows, processing_class=tokenizer)
    assert made.train().training_loss > 0
    return made.train_dataset, tokenizer


@pytest.mark.parametrize(
    ("form", "to"),
    [
        pytest.param(form, to, marks=[] if (form, to) == ("hipo", "trl") else [pytest.mark.long])
        for form in FORMATS
        for to in ("trl", "trl-prompt-completion")
    ],
)
def test_trls_sft_trainer_trains_on_the_whole_response(exports: Path, tmp_path: Path, form: str, to: str) -> None:
    trl = pytest.importorskip("trl")
    settings = {"assistant_only_loss": True} if to == "trl" else {}
    rows, tokenizer = trained(exports, form, to, tmp_path, trl.SFTTrainer, trl.SFTConfig, **settings)
    expected = responses(exports, form)
    assert len(rows) == len(expected)
    for row, response in zip(rows, expected, strict=True):
        loss_on = tokenizer.decode([token for token in row["labels"] if token != -100]).removesuffix("\n")
        opening = "<judge>\n" if form == "hipo" else ""
        if form == "qwen3" and response.startswith(EMPTY):
            opening = EMPTY  # think-off is what the prompt says there
        assert opening + loss_on == f"{response}<|im_end|>"
        assert tokenizer.decode(row["input_ids"]).endswith(f"<|im_start|>assistant\n{response}<|im_end|>\n")


@pytest.mark.long
def test_trls_dpo_trainer_reads_pairs(exports: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    rows, tokenizer = trained(exports, "hipo", "trl-preference", tmp_path, trl.DPOTrainer, trl.DPOConfig)
    assert len(rows) == 6
    for row in rows:
        assert "<think_off>" in tokenizer.decode(row["chosen_ids"])
        assert "<think_on>" in tokenizer.decode(row["rejected_ids"])
        assert tokenizer.decode(row["prompt_ids"]).endswith("<|im_start|>assistant\n<judge>\n")


@pytest.fixture(scope="module")
def with_levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of a dataset with arms, as `LIBRARY` and `LIBRARY-kwargs`."""
    root = tmp_path_factory.mktemp("levels")
    dataset = published(str(make_published(root / "data", spoil=with_arms)))
    for to in ("ms-swift", "ms-swift-rl", "verl-sft", "verl-rl", "trl-rl"):
        export(dataset, to, root / to, named=LEVELS)
    for to in ("messages", "ms-swift-rl"):
        export(dataset, to, root / f"{to}-kwargs", level="kwargs", named=LEVELS)
    return root


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.long
def test_ms_swift_reads_levels_in_system_turns_and_as_arguments(with_levels: Path) -> None:
    root = with_levels
    jobs: Jobs = {"turns": [root / "ms-swift", None, TEACHER]}
    for name in ("messages-kwargs", "ms-swift-rl", "ms-swift-rl-kwargs"):
        jobs[name] = [root / name / "train.jsonl", LEVEL_TEMPLATE, TEACHER]
    rows = read("read_with_ms_swift.py", installed(MS_SWIFT), jobs)
    for row, wrote in zip(rows["turns"], lines_of(root / "ms-swift/train.jsonl"), strict=True):
        said = f"<|im_start|>system\nReasoning effort: {LEVELS[wrote['mode']]}<|im_end|>\n"
        assert row["text"].startswith(said) and "Reasoning effort" not in row["trained"]
    for row, wrote in zip(rows["messages-kwargs"], lines_of(root / "messages-kwargs/train.jsonl"), strict=True):
        assert f"[{LEVELS[wrote['mode']]}] " in row["text"]
    for name in ("ms-swift-rl", "ms-swift-rl-kwargs"):
        prompts = lines_of(root / name / "train.jsonl")
        assert len(rows[name]) == len(prompts) > 4
        for row, wrote in zip(rows[name], prompts, strict=True):
            assert row["solution"] == wrote["solution"]
            told = (wrote["chat_template_kwargs"] or {}).get("reasoning_effort")
            turn = wrote["messages"][0]
            assert (f"[{told}] " in row["text"]) == (told is not None)
            assert ("<|im_start|>system" in row["text"]) == (turn["role"] == "system")
            assert turn["content"] in row["text"]


@pytest.mark.long
def test_verl_reads_levels_in_system_turns(with_levels: Path, verl_library: Path) -> None:
    sft, rl = with_levels / "verl-sft", with_levels / "verl-rl"
    jobs: Jobs = {"sft": ["sft", sft / "train.parquet", TEACHER, sft / "chat_template.jinja"]}
    jobs["rl"] = ["rl", rl / "train.parquet", TEACHER, None]
    rows = read("read_with_verl.py", verl_library, jobs)
    said = [f"<|im_start|>system\nReasoning effort: {level}<|im_end|>\n" for level in LEVELS.values()]
    assert {next(each for each in said if each in row["text"]) for row in rows["sft"]} == {*said}
    assert all("Reasoning effort" not in row["trained"] for row in rows["sft"])
    levels = []
    for row in rows["rl"]:
        first, level = row["raw_prompt"][0], row["extra_info"]["reasoning_effort"]
        assert level == (None if row["extra_info"]["mode"] is None else LEVELS[row["extra_info"]["mode"]])
        assert first["content"] == f"Reasoning effort: {level}" if level else first["role"] == "user"
        levels.append(level)
    assert {*levels} == {"none", "low", "high", None}


@pytest.mark.long
def test_trls_grpo_trainer_asks_with_the_level_and_hands_it_to_rewards(with_levels: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    from datasets import load_dataset
    from transformers import AutoTokenizer

    file = str(with_levels / "trl-rl/train.parquet")
    rows = load_dataset("parquet", data_files=file, cache_dir=str(tmp_path / "cache"))["train"]
    seen: set[tuple[str | None, str]] = set()

    def reward(prompts: list[Any], reasoning_effort: list[str | None], **_: Any) -> list[float]:
        seen.update((level, prompt[0]["content"]) for level, prompt in zip(reasoning_effort, prompts, strict=True))
        return [0.0] * len(prompts)

    arguments = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"), report_to=[], use_cpu=True, bf16=False, max_steps=3, num_generations=2,
        per_device_train_batch_size=4, max_completion_length=2,
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    trl.GRPOTrainer(
        model=TEACHER, args=arguments, reward_funcs=reward, train_dataset=rows, processing_class=tokenizer
    ).train()
    assert {level for level, _ in seen} > {"low", "high"}
    assert all(level is None or first == f"Reasoning effort: {level}" for level, first in seen)
