"""What cannot be trained on is refused before anything is trained, with a sentence that says what to do."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipo_data.evaluation.backend import Ask
from hipo_data.evaluation.prompts import Prompts
from hipo_data.prompts.conversation import Conversation
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.prompts.formats.tokens import split_tags
from hipo_data.reproduce.log import read_log
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.trainer.training.checkpoints import claim, finished, last_checkpoint
from hipo_data.trainer.training.config import RlConfig, SegmentWeights, SftConfig
from hipo_data.trainer.training.dataset_rows import fingerprint, rl_rows, sft_rows
from hipo_data.trainer.training.examples import tokenise
from hipo_data.trainer.training.logs import check_trackers
from hipo_data.trainer.training.rl_problems import problems
from hipo_data.trainer.training.run import read_recipe
from hipo_data.trainer.training.tokenizer import load_tokenizer
from tests.support.untagged import untagged_teacher
from tests.trainer.conftest import TEACHER, published, rl_recipe, sft_recipe


def refused(call: Any, *args: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_recipe_that_is_not_there_is_one_of_training(tmp_path: Path) -> None:
    for model in (SftConfig, RlConfig):
        said = refused(read_recipe, model, tmp_path / "none.yaml", [])
        assert said.endswith("docs/training.md links to one to start from")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("algorithm.omgea=1", "unknown key 'algorithm.omgea'; did you mean 'omega'?"),
        ("algorithm.type=ppo", "does not match any of the expected tags"),
        ("algorithm={type: length_penalty}", "'algorithm.reward' is missing"),
        ("algorithm={type: adapt, target: 1.5}", "'algorithm.target': Input should be less than or equal to 1"),
        ("algorithm={type: ada_grpo, reward: {type: thinkless}}", "so none may be negative; thinkless's can be"),
        ("algorithm.reward={type: accuracy, format_wieght: 1}", "did you mean 'format_weight'?"),
        ("format=hippo", "there is no format 'hippo'; choose hipo"),
        ("rollouts.group=5", "do not divide"),
        ("model.split_tags=add", "is for sft"),
        (
            "optimiser.schedule=banana",
            "'optimiser.schedule': Input should be 'constant', 'constant_with_warmup', 'linear'",
        ),
        ("optimiser.learning_rate=0", "'optimiser.learning_rate': Input should be greater than 0"),
    ],
)
def test_a_wrong_key_or_value_of_a_recipe_is_named(tmp_path: Path, override: str, said: str) -> None:
    recipe = rl_recipe(tmp_path, algorithm={"type": "hipo"})
    assert said in refused(read_config, RlConfig, recipe, [override])


def test_forced_modes_need_groups_that_can_be_halved(tmp_path: Path) -> None:
    recipe = rl_recipe(tmp_path, algorithm={"type": "hgpo"}, rollouts={"group": 3}, prompts=8)
    assert "make rollouts.group even, not 3" in refused(read_config, RlConfig, recipe, [])


@pytest.mark.parametrize("algorithm", ["hgpo", "adaptthink", "adapt"])
def test_a_mode_that_the_prompt_tells_is_not_forced(tmp_path: Path, algorithm: str) -> None:
    recipe = rl_recipe(tmp_path, algorithm={"type": algorithm}, rollouts={"group": 4}, prompts=8)
    said = refused(read_config, RlConfig, recipe, ["format=qwen3"])
    assert f"{algorithm} forces modes" in said and "in the qwen3 format the user chooses" in said
    assert read_config(RlConfig, recipe, ["format=thinkless"]).format == "thinkless"


@pytest.mark.parametrize("algorithm", ["hipo", "thinkless", "autothink"])
def test_a_choice_that_the_prompt_makes_is_not_trained(tmp_path: Path, algorithm: str) -> None:
    recipe = rl_recipe(tmp_path, algorithm={"type": algorithm})
    said = refused(read_config, RlConfig, recipe, ["format=qwen3"])
    assert f"{algorithm} trains the model's choice between the modes" in said and "\n" not in said
    assert "in the qwen3 format the user chooses" in said and "such as hipo, or an algorithm without a choice" in said
    assert read_config(RlConfig, recipe, ["format=thinkless"]).format == "thinkless"


@pytest.mark.parametrize("reward", ["thinkless", "autothink"])
def test_a_mode_that_the_prompt_tells_is_not_paid_for(tmp_path: Path, reward: str) -> None:
    recipe = rl_recipe(tmp_path, algorithm={"type": "grpo", "reward": {"type": reward}})
    said = refused(read_config, RlConfig, recipe, ["format=qwen3"])
    assert f"reward.type: {reward} pays for the mode" in said and "such as accuracy" in said
    assert read_config(RlConfig, recipe, ["format=qwen3", "algorithm.reward={type: accuracy}"]).format == "qwen3"


def test_a_dataset_of_another_format(tmp_path: Path) -> None:
    published(tmp_path / "data", style="thinkless")
    said = refused(sft_rows, tmp_path / "data", "train", "hipo")
    assert "in the thinkless format, the recipe says hipo" in said and "publish.format: hipo" in said


def test_an_empty_validation_split(tmp_path: Path) -> None:
    published(tmp_path / "data")
    assert "empty validation split; set evaluate_every: null" in refused(rl_rows, tmp_path / "data", "validation")


def test_a_folder_that_is_no_dataset_and_a_shard_that_lacks_a_column(tmp_path: Path) -> None:
    assert "is no published dataset" in refused(sft_rows, tmp_path, "train", "hipo")
    published(tmp_path / "data")
    shard = tmp_path / "data/rl/train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(shard).drop_columns(["extra_info"]), shard)
    assert "has no column extra_info" in refused(rl_rows, tmp_path / "data", "train")


def test_a_gold_that_is_none_of_ours(tmp_path: Path) -> None:
    rows = rl_rows(published(tmp_path / "data"), "train")
    rows[0]["reward_model"]["ground_truth"] = "15"
    config = read_config(RlConfig, rl_recipe(tmp_path), [])
    assert "problem p0 has a ground_truth that is no gold" in refused(problems, config, rows)


def test_adaptthink_without_its_reference(tmp_path: Path) -> None:
    rows = rl_rows(published(tmp_path / "data", rows=4), "train")
    rows[1]["extra_info"]["p_on"] = None
    recipe = rl_recipe(tmp_path, algorithm={"type": "adaptthink"})
    assert "1 of 4 problems have no p_on" in refused(problems, read_config(RlConfig, recipe, []), rows)
    lenient = read_config(RlConfig, recipe, ["algorithm.without_reference=drop"])
    assert [row["problem_id"] for row in problems(lenient, rows)] == ["p0", "p2", "p3"]
    for row in rows:
        row["extra_info"]["p_on"] = None
    assert "4 of 4" in refused(problems, lenient, rows)


def test_lcpo_asks_for_its_budget_in_the_prompt(tmp_path: Path) -> None:
    rows = rl_rows(published(tmp_path / "data"), "train")
    reward = {"type": "lcpo", "form": "max", "low": 10, "high": 90}
    config = read_config(RlConfig, rl_recipe(tmp_path, algorithm={"type": "lcpo", "reward": reward}), [])
    found = problems(config, rows)
    for row in found:
        assert row["prompt"][-1]["content"] == f"{row['question']} Think for maximum {row['budget']} tokens."
        assert 10 <= row["budget"] <= 90
    assert len({row["budget"] for row in found}) > 5
    assert found == problems(config, rows)


def test_a_tokenizer_that_splits_a_tag(tmp_path: Path) -> None:
    from hipo_data.trainer.training.sft import run_sft

    published(tmp_path / "data")
    model = untagged_teacher(tmp_path)
    config = read_config(SftConfig, sft_recipe(tmp_path), [f"model.path={model}", "model.split_tags=refuse"])
    pieces = len(
        load_tokenizer(str(model), "chatml", FORMATS["hipo"])("<judge>", add_special_tokens=False)["input_ids"]
    )
    said = f"splits the hipo format's tag <judge> into {pieces} tokens; set model.split_tags: add"
    assert said in refused(run_sft, config)
    assert not (tmp_path / "out").exists()


def test_added_tags_are_one_token_each_and_start_as_the_mean_of_their_pieces(tmp_path: Path) -> None:
    from hipo_data.trainer.training.model import load

    teacher = untagged_teacher(tmp_path)
    config = read_config(SftConfig, sft_recipe(tmp_path), [f"model.path={teacher}"])
    plain, _ = load(config.model_copy(update={"model": config.model.model_copy(update={"split_tags": "allow"})}))
    model, conversation = load(config)
    assert not split_tags(conversation.tokenizer, conversation.format)
    before = load_tokenizer(str(teacher), "chatml", FORMATS["hipo"])("<judge>", add_special_tokens=False)["input_ids"]
    added = conversation.tokenizer.convert_tokens_to_ids("<judge>")
    expected = plain.get_input_embeddings().weight[before].mean(dim=0)
    assert model.get_input_embeddings().weight[added].allclose(expected)
    assert model.get_output_embeddings().weight.shape[0] >= len(conversation.tokenizer)


@pytest.mark.parametrize("mode", Mode)
def test_a_model_trained_on_a_format_with_a_switch_can_be_forced_by_it(mode: Mode) -> None:
    style = FORMATS["qwen3"]
    prompts = Prompts(load_tokenizer(str(TEACHER), "chatml", style), "trained", style, allow_split_tags=False)
    prompt, start = prompts.prompt(Ask(({"role": "user", "content": "1+1?"},), 0, mode))
    written = "<think>\n\n</think>\n\n" if mode is Mode.THINK_OFF else ""
    assert (start, prompt.endswith("assistant\n" + written)) == (written, True)


def test_a_chat_template_that_alters_responses(tokenizer: Any, tmp_path: Path) -> None:
    file = tmp_path / "cuts.jinja"
    file.write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] | trim }}<|im_end|>\n"
        "{% endfor %}"
    )
    cutting = load_tokenizer(str(TEACHER), str(file), FORMATS["hipo"])
    said = refused(Conversation, cutting, FORMATS["hipo"], "set model.chat_template to chatml")
    assert "alters or does not end" in said and said.endswith("hipo format; set model.chat_template to chatml")


def test_prompts_end_in_the_opening_of_the_format_and_completions_in_the_end_of_the_turn() -> None:
    tokenizer = load_tokenizer(str(TEACHER), "chatml", FORMATS["hipo"])
    conversation = Conversation(tokenizer, FORMATS["hipo"], "")
    asked = [{"role": "user", "content": "What is 1 + 1?"}]
    prompt = "<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n<judge>\n"
    assert conversation.prompt(asked) == prompt
    # What an engine renders from the saved tokenizer is the same.
    assert tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True) == prompt
    assert tokenizer.decode(conversation.completion_ids("<judge>\nwhy")) == "why<|im_end|>"


def test_labels_and_weights_are_on_the_completion_alone(tmp_path: Path) -> None:
    config = read_config(SftConfig, sft_recipe(tmp_path), [])
    from hipo_data.trainer.training.model import load

    _, conversation = load(config)
    rows = sft_rows(published(tmp_path / "data", rows=2), "train", "hipo")
    weights = SegmentWeights(judge=0.25, tag=3, reasoning=0.5, answer=2)
    for row, example in zip(rows, tokenise(rows, conversation, 256, "refuse", weights), strict=True):
        ids, labels, factors = example["input_ids"], example["labels"], example["weights"]
        prompt = len(conversation.prompt_ids(row["messages"][:1]))
        assert len(ids) == len(labels) == len(factors)
        assert labels == [-100] * prompt + ids[prompt:]
        assert factors[:prompt] == [0] * prompt
        tag = conversation.tokenizer.convert_tokens_to_ids(["<think_on>", "<think_off>"])
        assert [factor for token, factor in zip(ids, factors, strict=True) if token in tag] == [3]
        assert factors[prompt] == 0.25 and factors[-1] == 2
        thinks = "<think_on>" in row["messages"][1]["content"]
        assert (0.5 in factors) == thinks


def test_examples_that_are_too_long(tmp_path: Path) -> None:
    from hipo_data.trainer.training.model import load

    _, conversation = load(read_config(SftConfig, sft_recipe(tmp_path), []))
    rows = sft_rows(published(tmp_path / "data", rows=6), "train", "hipo")
    lengths = [len(e["input_ids"]) for e in tokenise(rows, conversation, 256, "refuse", SegmentWeights())]
    limit = min(lengths)
    said = refused(tokenise, rows, conversation, limit, "refuse", SegmentWeights())
    assert f"longer than max_length {limit}" in said and f"has {max(lengths)} tokens" in said
    kept = tokenise(rows, conversation, limit, "drop", SegmentWeights())
    assert len(kept) == lengths.count(limit)
    assert "all 6 examples are longer" in refused(tokenise, rows, conversation, limit - 1, "drop", SegmentWeights())


def test_an_output_folder_belongs_to_one_recipe_and_one_dataset(tmp_path: Path) -> None:
    config = read_config(SftConfig, sft_recipe(tmp_path), [])
    folder = claim(config, "sft", "aa")
    assert claim(config, "sft", "aa") == folder
    later = config.model_copy(update={"log_every": 5, "keep_checkpoints": 4})
    assert claim(later, "sft", "aa") == folder
    other = config.model_copy(update={"seed": 3})
    assert "another recipe (seed: 0 → 3)" in refused(claim, other, "sft", "aa")
    assert "data: aa → bb" in refused(claim, config, "sft", "bb")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    (stranger / "thesis.txt").write_text("mine")
    assert "holds no training" in refused(claim, config.model_copy(update={"output": str(stranger)}), "sft", "aa")


def test_the_last_whole_checkpoint_counts(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None and not finished(tmp_path)
    for step in (9, 10, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")


def test_a_dataset_that_changes_has_another_fingerprint(tmp_path: Path) -> None:
    one, two = published(tmp_path / "one", rows=4), published(tmp_path / "two", rows=6)
    assert fingerprint(one, "rl") != fingerprint(two, "rl")
    assert fingerprint(one, "rl") == fingerprint(published(tmp_path / "three", rows=4), "rl")


def test_a_tracker_that_is_not_installed() -> None:
    assert "report_to names nothere" in refused(check_trackers, ["nothere"])


def test_the_later_line_of_a_step_counts(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 2, "loss": 9}\n{"step": 1, "loss": 3}\n{"step": 2, "loss": 1}\n')
    assert read_log(tmp_path) == [{"step": 1, "loss": 3}, {"step": 2, "loss": 1}]


def test_rows_without_an_answer_are_refused(tmp_path: Path) -> None:
    from hipo_data.trainer.training.model import load

    _, conversation = load(read_config(SftConfig, sft_recipe(tmp_path), []))
    row = {"problem_id": "p", "messages": [{"role": "user", "content": "?"}]}
    assert "example p does not end in an assistant's turn" in refused(
        tokenise, [row], conversation, 256, "refuse", SegmentWeights()
    )


def test_no_rows_at_all(tmp_path: Path) -> None:
    published(tmp_path / "data")
    shard = tmp_path / "data/sft/train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_batches([], schema=pq.read_schema(shard)), shard)
    assert "no rows to train on" in refused(sft_rows, tmp_path / "data", "train", "hipo")


@pytest.mark.parametrize("name", ["sft", "rl"])
def test_the_recipes_that_are_shipped_are_valid(name: str, repo_root: Path) -> None:
    read_config({"sft": SftConfig, "rl": RlConfig}[name], repo_root / f"recipes/train-{name}.yaml", [])


@pytest.mark.parametrize("name", ["reproduce", "reproduce-tiny"])
def test_a_comparison_keeps_the_pools_and_the_budgets_equal(name: str, repo_root: Path) -> None:
    from hipo_data.reproduce.config import ReproduceConfig

    config = read_config(ReproduceConfig, repo_root / f"recipes/{name}.yaml", [])
    assert next(iter(config.starts)) == "a" and {arm.start for arm in config.methods.values()} <= {"a", "b"}
    assert config.problems.train.keys() == config.problems.evaluation.keys()
    if name == "reproduce":
        assert sum(config.problems.evaluation.values()) >= 2000 and len(config.seeds) >= 3
