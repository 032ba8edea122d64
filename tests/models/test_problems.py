"""The embedded teacher's problems, prompts and card hold what they promise."""

import itertools
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from hipo_data.figures.intervals import wilson
from hipo_data.models.make import corpus, grading, justify, measure, problems
from hipo_data.models.make.tasks import FAMILIES, MODES, NUMBER_WORDS, Task, family_of, numbers_in, pool_of, surely
from hipo_data.schemas.errors import UserError

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "tiny-hybrid"
NAMES = [f"{stem}.{pool}" for stem in problems.FILES for pool in ("train", "heldout")]


def rows_of(name: str) -> list[dict[str, Any]]:
    return problems.read(MODELS / "problems" / f"{name}.jsonl")


def drawn(family: str, count: int = 200) -> list[Task]:
    source = problems.tasks_of(family, "base", random.Random(f"test:{family}"))
    return list(itertools.islice(source, count))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(MODEL))


def test_a_pool_that_holds_fewer_problems_than_are_asked_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [Task("pick", f"What is {i}?", str(i), surely("", str(i)), 1, "") for i in range(3)]
    monkeypatch.setattr(problems, "tasks_of", lambda *of: itertools.cycle(few))
    assert len(problems.choose("pick", "train", 3, seed=0)) == 3
    with pytest.raises(UserError, match="the train pool holds 3 problems of the family pick, and 4 are asked for"):
        problems.choose("pick", "train", 4, seed=0)


def recomputed(question: str) -> int:
    """The answer of a math question, worked out from its text and not by the generator."""
    numbers = numbers_in(question)
    family = family_of(question)
    if family == "pick":
        word = next(w for w in ("largest", "smallest", "first", "last") if w in question)
        return {"largest": max(numbers), "smallest": min(numbers), "first": numbers[0], "last": numbers[-1]}[word]
    if family == "range":
        return max(numbers) - min(numbers)
    if family == "digit_sum":
        return sum(int(digit) for digit in str(numbers[0]))
    if family == "product":
        return numbers[0] * numbers[1]
    negative = re.findall(r"(?:- |subtract )([0-9]+)", question)
    return sum(numbers) - 2 * sum(map(int, negative))


@pytest.mark.parametrize("name", ["acereason_math.train", "acereason_math.heldout"])
def test_math_golds_are_right(name: str) -> None:
    rows = rows_of(name)
    assert all(set(row) == {"problem", "answer"} for row in rows)
    wrong = [row for row in rows if str(recomputed(row["problem"])) != row["answer"]]
    assert not wrong


@pytest.mark.parametrize("name", ["skywork_code.train", "skywork_code.heldout"])
def test_code_golds_accept_the_program_and_refuse_another(name: str) -> None:
    pool = name.split(".")[1]
    assert pool in ("train", "heldout")
    tasks = {t.question: t for t in problems.choose_all(pool, problems.FILES["skywork_code"], seed=0)}  # type: ignore[arg-type]
    shapes = Counter()  # type: ignore[var-annotated]
    for row in rows_of(name):
        gold = json.loads(row["reward_model"]["ground_truth"])
        shapes[tuple(sorted(gold))] += 1
        task = tasks[problems.question_of(row)]
        namespace: dict[str, Any] = {}
        exec(gold.get("import_prefix", "") + task.answer + "\n" + grading.checks(gold), namespace)
        head = task.answer.split("return")[0]
        with pytest.raises(AssertionError):
            exec(f"{gold.get('import_prefix', '')}{head}return None\n{grading.checks(gold)}", {})
    assert len(shapes) == 3
    assert min(shapes.values()) >= 0.2 * len(tasks)


def test_code_rows_have_the_shape_of_skywork() -> None:
    for name in ("skywork_code.train", "skywork_code.heldout"):
        for index, row in enumerate(rows_of(name)):
            assert set(row) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}
            assert [turn["role"] for turn in row["prompt"]] == ["user"]
            assert row["ability"] == "code"
            assert row["reward_model"]["style"] == "rule"
            assert row["extra_info"] == {"index": index, "model_difficulty": {}}


def test_the_grader_runs_programs_with_limits() -> None:
    truth = json.dumps({"assert_case": ["assert f(2) == 5"]})
    row = {"prompt": [{"content": "q"}], "reward_model": {"ground_truth": truth}}
    assert grading.is_right(row, "x\n</think>\n\n```python\ndef f(x):\n    return x + 3\n```")
    assert not grading.is_right(row, "```python\ndef f(x):\n    return x + 4\n```")
    assert not grading.is_right(row, "def f(x):\n    return x + 3")
    assert grading.is_right({"problem": "q", "answer": "9"}, "\\boxed{8}, no, \\boxed{9}")
    assert not grading.is_right({"problem": "q", "answer": "9"}, "\\boxed{9}\n</think>\n\n9")


def test_pools_are_disjoint_and_follow_the_hash() -> None:
    seen: Counter[str] = Counter()
    for name in NAMES:
        questions = [problems.question_of(row) for row in rows_of(name)]
        assert {pool_of(question) for question in questions} == {name.split(".")[1]}
        seen.update(questions)
    assert max(seen.values()) == 1
    assert sum(seen.values()) >= 600


def test_the_corpus_holds_no_question_of_the_files() -> None:
    questions = {problems.question_of(row) for name in NAMES for row in rows_of(name)}
    rng = random.Random(3)
    seen = 0
    for example in (corpus.draw(rng) for _ in range(3000)):
        inner = [line for line in example.question.splitlines() if not line.startswith(("Why ", "think "))]
        if not inner:  # an exercise in reading counts, without a problem
            assert example.question.startswith("think ")
            continue
        assert len(inner) == 1
        assert pool_of(inner[0]) == "base"
        assert inner[0] not in questions
        seen += 1
    assert seen > 2500


@pytest.mark.parametrize("family", FAMILIES)
def test_family_of_knows_every_question(family: str) -> None:
    assert {family_of(task.question) for task in drawn(family)} == {family}


def test_family_of_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="no family"):
        family_of("Who wrote this?")


def test_every_family_is_in_every_file_and_last_digits_are_balanced() -> None:
    for name in NAMES:
        rows = rows_of(name)
        families = Counter(family_of(problems.question_of(row)) for row in rows)
        assert set(families) == set(problems.FILES[name.split(".")[0]])
        if name.startswith("acereason"):
            digits = Counter(row["answer"][-1] for row in rows)
            assert len(digits) == 10
            assert max(digits.values()) <= 1.6 * min(digits.values())


def test_problem_files_are_what_the_script_writes(tmp_path: Path) -> None:
    problems.write(tmp_path, seed=0)
    for name in NAMES:
        file = f"{name}.jsonl"
        assert (tmp_path / file).read_bytes() == (MODELS / "problems" / file).read_bytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_thinking_without_slips_ends_in_the_gold(family: str) -> None:
    for task in drawn(family):
        reasoning, answer = task.work(None)
        assert answer == task.answer
        for left, sign, right, result in re.findall(r"(\d+)([+-])(\d+)=(\d+)", reasoning):
            assert int(left) + int(sign + right) == int(result), reasoning


def test_thinking_slips_where_it_is_meant_to() -> None:
    rng = random.Random("slips")
    right = {
        family: sum(task.work(rng)[1] == task.answer for task in tasks) / len(tasks)
        for family in FAMILIES
        for tasks in [drawn(family, 600)]
    }
    slipping = {"pick", "sum_long", "chain"}
    assert {family for family, share in right.items() if share < 1} == slipping
    assert all(0.5 < right[family] < 0.75 for family in slipping), right


def test_a_sum_slips_by_a_forgotten_carry_alone_and_goes_on_from_there() -> None:
    rng = random.Random("carries")
    slips = 0
    for task in drawn("sum_long") + drawn("chain"):
        reasoning, answer = task.work(rng)
        if "=-" in reasoning:  # a slip can leave less than what is taken away later
            continue
        steps = re.findall(r"(\d+)([+-])(\d+)=(\d+)", reasoning)
        assert [result for *_, result in steps][:-1] == [left for left, *_ in steps][1:]
        assert answer == steps[-1][-1]
        for left, sign, right, result in steps:
            off = int(left) + int(sign + right) - int(result)
            place = 10 ** (len(right) - 1)
            slips += off != 0
            assert off in (0, 10 * place * int(sign + "1")), reasoning
            own = int(left) // place % 10 + int(sign + right[0])
            assert not off or not 0 <= own <= 9, reasoning
    assert slips > 100


def test_completions_hold_the_chain_and_the_answer_that_follows_from_it() -> None:
    task = next(task for task in drawn("sum_long") if task.work(random.Random(1))[1] != task.answer)
    reasoning, answer = task.work(random.Random(1))
    assert corpus.completion(task, "think_on", random.Random(1)) == f"{reasoning}\n</think>\n\n\\boxed{{{answer}}}"
    assert corpus.completion(task, "think_on").endswith(f"\\boxed{{{task.answer}}}")
    assert corpus.completion(task, "think_off", random.Random(1)) == f"\\boxed{{{task.answer}}}"


@pytest.mark.parametrize("family", FAMILIES)
def test_justifications_reveal_nothing_and_agree_with_the_problem(family: str) -> None:
    rng = random.Random(f"justify:{family}")
    texts = set()
    for task in drawn(family):
        mode = rng.choice(MODES)
        counts = justify.random_counts(rng, mode)
        text = justify.target(rng, task, mode, counts)
        texts.add(text)
        assert len(text) >= justify.MIN_CHARACTERS and justify.pieces(text) <= justify.MAX_PIECES
        assert not re.search(r"[0-9<>`_\\{}]", text), text
        assert "return" not in text and "def " not in text
        said = set(re.findall(r"[a-z]+", text.lower())) & set(NUMBER_WORDS[2:])
        assert said <= {NUMBER_WORDS[task.count], "two"}, (task.question, text)
        ends = {m: any(decision.lower() in text.lower() for decision in justify.DECISION[m]) for m in MODES}
        other = MODES[1 - MODES.index(mode)]
        assert ends[mode] and not ends[other], text
    assert len(texts) > 120


def test_number_words_fit_the_family_whose_phrases_have_them() -> None:
    assert measure.numbers_fit("sum3", "This takes two additions, so thinking first is better.") is True
    assert measure.numbers_fit("digit_sum", "Four digits are added. I will answer at once.") is True
    assert measure.numbers_fit("sum_long", "Four digits are added. I will answer at once.") is False
    assert measure.numbers_fit("sum2", "This adds two numbers, not three.") is False
    assert measure.numbers_fit("chain", "The signs are mixed, so I will think first.") is None


def test_counts_are_put_into_the_right_words() -> None:
    assert justify.Counts(8, 8, 0, 8).level == "never"
    assert justify.Counts(8, 8, 8, 8).level == "always"
    assert justify.Counts(8, 8, 4, 8).level == "sometimes"
    assert justify.Counts(8, 8, 0, 8).gain == "large"
    assert justify.Counts(2, 16, 12, 16).gain == "worse"
    assert justify.Counts(0, 0, 1, 8).gain is None


def test_the_justification_prompt_is_the_pipelines_template() -> None:
    text = justify.prompt("What is 1 + 2?", "think_on", justify.Counts(7, 8, 2, 4))
    assert text == "Why think first?\nWhat is 1 + 2?\nthink 7/8 direct 2/4"


def rendered(tokenizer: Any, messages: list[dict[str, str]], **options: Any) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, **options))


def test_the_chat_template_renders_both_modes(tokenizer: Any) -> None:
    user = [{"role": "user", "content": "What is 1 + 2?"}]
    start = "<|im_start|>user\nWhat is 1 + 2?<|im_end|>\n<|im_start|>assistant\n"
    assert rendered(tokenizer, user, add_generation_prompt=True) == start + "<think>\n"
    assert rendered(tokenizer, user, add_generation_prompt=True, enable_thinking=True) == start + "<think>\n"
    off = rendered(tokenizer, user, add_generation_prompt=True, enable_thinking=False)
    assert off == start + "<think>\n\n</think>\n\n"


def test_the_chat_template_keeps_system_and_assistant_turns_as_they_are(tokenizer: Any) -> None:
    answer = "<think>\n1+2=3\n</think>\n\n\\boxed{3}"
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1 + 2?"},
        {"role": "assistant", "content": answer},
    ]
    assert rendered(tokenizer, turns) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1 + 2?<|im_end|>\n"
        f"<|im_start|>assistant\n{answer}<|im_end|>\n"
    )


def test_the_tokenizer_keeps_tags_digits_and_any_text(tokenizer: Any) -> None:
    text = "<think>\n37+58=95\n</think>\n\n\\boxed{95} naïve Σ 漢字 🙂"
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(tokens, skip_special_tokens=True) == text
    assert len(tokenizer("123456", add_special_tokens=False)["input_ids"]) == 6
    for tag in ("<think>", "</think>"):
        assert tokenizer.convert_tokens_to_ids(tag) not in tokenizer.all_special_ids
        assert len(tokenizer(tag, add_special_tokens=False)["input_ids"]) == 1
    assert tokenizer.eos_token == "<|im_end|>"


def test_the_card_shows_the_measured_figures() -> None:
    metrics = json.loads((MODEL / "metrics.json").read_text(encoding="utf-8"))
    card = (MODEL / "README.md").read_text(encoding="utf-8")
    assert measure.table(metrics) in card
    assert list(metrics["accuracy"]) == list(FAMILIES)
    for modes in metrics["accuracy"].values():
        for cell in modes.values():
            assert cell["accuracy"] == pytest.approx(cell["right"] / cell["n"], abs=1e-4)
            assert (cell["low"], cell["high"]) == pytest.approx(wilson(cell["right"], cell["n"]), abs=1e-4)


def test_the_model_is_small_and_describes_itself() -> None:
    files = [path for path in MODEL.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 8 * 2**20
    config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["tie_word_embeddings"] is True
    training = json.loads((MODEL / "training.json").read_text(encoding="utf-8"))
    metrics = json.loads((MODEL / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["training"] == training


def test_what_a_justification_says_of_the_counts_is_found() -> None:
    assert justify.said_of("Direct answers never fail, but thinking helps a great deal.") == ("always", "large")
    assert justify.said_of("Thinking helps. I will answer at once.") == (None, "clear")
    rng = random.Random(4)
    for _ in range(200):
        counts = justify.random_counts(rng, rng.choice(MODES))
        task = drawn(rng.choice(FAMILIES), 1)[0]
        level, gain = justify.said_of(justify.target(rng, task, rng.choice(MODES), counts))
        assert level in (None, counts.level) and gain in (None, counts.gain)


def test_a_mode_that_was_not_sampled_is_not_spoken_of() -> None:
    rng = random.Random(5)
    for right in range(9):
        for mode in MODES:
            for alone, silent in (
                (justify.Counts(right, 8, 0, 0), (*itertools.chain(*justify.DIRECT.values()),)),
                (justify.Counts(0, 0, right, 8), (*itertools.chain(*justify.THOUGHT.values()),)),
            ):
                assert alone.gain is None
                text = justify.target(rng, drawn("pick", 1)[0], mode, alone).lower()
                assert not any(phrase in text for phrase in silent), (alone, text)
                assert not any(phrase in text for phrase in itertools.chain(*justify.ADDED.values())), (alone, text)


def test_both_modes_are_asked_why_when_they_alone_were_sampled() -> None:
    rng = random.Random(6)
    for mode in MODES:
        drawn_counts = [justify.random_counts(rng, mode) for _ in range(500)]
        silent = [c for c in drawn_counts if 0 in (c.n_on, c.n_off)]
        assert 25 < len(silent) < 150
        assert all((c.n_off if mode == "think_on" else c.n_on) == 0 for c in silent)


def test_responses_in_published_formats_parse_and_choose_either_mode_as_often_in_every_family() -> None:
    rng = random.Random(7)
    for style in corpus.FORMATS.values():
        for family in FAMILIES:
            chosen = Counter()  # type: ignore[var-annotated]
            for task in drawn(family):
                text = style.prompt_suffix + corpus.in_format(task, style, rng)
                response = style.parse(text)
                chosen[response.mode] += 1
                decisions = {mode: justify.DECISION[mode] for mode in MODES}
                if style.prompt_suffix:
                    said = response.justification.lower()
                    assert any(each.lower() in said for each in decisions[response.mode.value]), text
                if response.mode.value == "think_off":
                    assert response.answer == task.response(task.answer)
            assert set(chosen) == {"think_on", "think_off"} and min(chosen.values()) >= 70, (family, chosen)
