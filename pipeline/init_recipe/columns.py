"""What columns hold, told by their names and by what is in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hipo_data.figures.text import percent
from hipo_data.graders.golds import GoldError, parse_gold
from hipo_data.pipeline.init_recipe.sample import Looked, Sample, as_text
from hipo_data.schemas.choice_columns import ChoiceColumns, choice_columns
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Kind
from hipo_data.stages.ingest.chats import Chat, is_chat, read_chat
from hipo_data.stages.ingest.solutions import stated_answer

_QUESTIONS = (
    "question", "problem", "prompt", "instruction", "query", "problem_statement", "question_content", "task",
    "description", "statement", "input", "text", "q",
)  # fmt: skip
_SURE = ("question", "problem", "prompt", "problem_statement")
"""Names by which a text is the question where there are chats as well."""
_CONTEXTS = ("input", "context")
"""What an `instruction` is about, in rows as Alpaca and Dolly have them."""
_CHATS = ("messages", "conversations", "conversation", "chat", "dialogue", "turns", "prompt")
_ANSWERS = (
    "answer", "final_answer", "answer_number", "gold", "ground_truth", "expected_answer", "correct_answer",
    "gold_answer", "target", "label", "solution", "solutions", "expected_output", "output", "response", "completion",
    "reference", "rationale", "ans", "a",
)  # fmt: skip
_TESTS = (
    "tests", "test_cases", "test_case", "test_list", "asserts", "assert_case", "input_output", "test", "unit_tests",
    "private_tests", "public_tests", "test_code", "ground_truth", "answer", "gold",
)  # fmt: skip
_IDS = ("id", "nr", "problem_id", "question_id", "task_id", "uid", "uuid", "qid", "idx", "index", "unique_id", "key")
_DOMAINS = (
    "source", "data_source", "dataset", "origin", "domain", "subject", "topic", "category", "type", "subset",
)  # fmt: skip
_LICENCES = ("licence", "license")
_KINDS = ("kind", "ability", "category", "domain", "type")
_RATES = ("difficulty", "failure_rate", "fail_rate", "error_rate")
_UNITS = ("unit", "units", "answer_unit")
_ERRORS = ("error", "precision")
_ENTRIES = ("entry_point", "fn_name", "func_name", "function_name")
_CHECK = "def check"
_OF_TESTS = ("assert", "inputs", "input", "check(")
"""One of which is in any text of tests."""
_ANNOUNCED = ("####", "boxed", "answer is", "Answer:", "Answer is")
"""One of which is in a short text that ends in an answer and is none itself."""
_MOST = 0.5
"""Share of the values that has to be of a sort."""
_SHORT = 80
_TRIED = 100
"""Values that are looked at closely."""


@dataclass(frozen=True)
class Guess:
    """What a file's columns are taken for: keys of a source of type `table`, and a sentence for each."""

    kind: Kind
    columns: dict[str, str | list[str]]
    gold_is: str
    said: list[str] = field(default_factory=list)
    systems: int = 0
    turns: str = "one"


def guess(sample: Sample, where: str) -> Guess:
    """What the columns of a sample are taken for. Raises `UserError` where there is no question or no gold."""
    choices = choice_columns({column.path: column.present for column in sample.columns})
    if choices is not None:
        return _of_choices(sample, choices)
    said: list[str] = []
    columns: dict[str, str] = {}
    chat, question = _chat(sample), _question(sample)
    if chat is not None and question is not None and question[0].name in _SURE:
        question[2].append(chat)  # many datasets have their rows as chats too
        chat = None
    if chat is not None:
        columns["chat"] = chat.path
        said.append(f"question: the user's turn of the chats in '{chat.path}', told by its turns")
    elif question is not None:
        columns["question"] = question[0].path
        said.append(f"question: column '{question[0].path}', {question[1]}{_also(question[2])}")
        if (below := _named(sample, _CONTEXTS, _has_text, {question[0].path})) and question[0].name == "instruction":
            columns["context"] = below.path
            said.append(f"below the question: the text of column '{below.path}', where it has some")
    else:
        if wrapped := _wrapped(sample):
            raise UserError(
                f"{where} is one object with a list of {len(wrapped.present[0])} objects as '{wrapped.path}'; rows are "
                f"the elements of a list, so write that list to a file of its own, as `jq .{wrapped.path}` does"
            )
        raise UserError(
            f"no column of {where} looks like a question: it has {_names(sample.tops)}; name the column of the "
            "questions `question`, or write a recipe with `hipo-data init` and say it under the source's 'columns'"
        )
    taken = set(columns.values())
    tests, answers = _tests(sample, taken), _answers(sample, taken)
    of_kind = _kind_column(sample, taken)
    if tests and not (of_kind and answers):
        kind, found = Kind.CODE, tests
    else:
        kind, found = Kind.MATH, answers
    gold_is = "answer"
    if found:
        gold = found[0]
        columns["gold"] = gold.path
        gold_is = "solution" if kind is Kind.MATH and _is_solution(gold) else "answer"
        what = {"code": "the tests", "solution": "the answer at the end of the solution"}.get(
            "code" if kind is Kind.CODE else gold_is, "the answer"
        )
        others = [column for column in found[1:] if column.path.count(".") <= gold.path.count(".")]
        others += [column for column in (answers if kind is Kind.CODE else tests) if kind is Kind.MATH]
        said.append(f"gold: {what} in column '{gold.path}'{_also(others)}")
        if (entry := _named(sample, _ENTRIES, _is_name)) and kind is Kind.CODE and _are_checks(gold):
            columns["entry_point"] = entry.path
            said.append(f"the function that the tests call: column '{entry.path}'")
    elif chat is not None and _answered(chat):
        columns["gold"] = chat.path
        gold_is = "solution"
        said.append(f"gold: the boxed or announced answer in the last assistant turn of '{chat.path}'")
    else:
        raise UserError(
            f"no column of {where} holds a gold (an answer, tests, a solution that ends in \\boxed{{42}} or #### 42): "
            f"it has {_names(sample.tops)}; name the column of the answers `answer`, or set verify.pseudo_gold in a "
            "recipe of your own (`hipo-data init` has every key), which grades math by what responses agree on"
        )
    taken |= set(columns.values())
    if of_kind is not None:
        columns["kind"] = of_kind.path
        said.append(f"math or code: as column '{of_kind.path}' says")
    else:
        why = "the gold is tests" if kind is Kind.CODE else "the gold is an answer"
        said.append(f"kind: {kind.value}, as {why}")
    taken |= set(columns.values())
    if kind is Kind.MATH and gold_is == "answer":
        _measured(sample, columns, said)
        taken |= set(columns.values())
    _optional(sample, columns, taken, said)
    chats = _chats(chat) if chat is not None else []
    turns = "one"
    if _share([each.users > 1 for each in chats]) > _MOST:
        turns = "first"
        said.append("turns: the first user turn of each chat, since most have several; the later ones are left out")
    systems = sum(each.systems > 0 for each in chats)
    return Guess(kind, dict(columns), gold_is, said, systems, turns)


def _of_choices(sample: Sample, found: ChoiceColumns) -> Guess:
    """Of multiple choice, with options in columns of their own."""
    sort, paths = ("options", found.options) if found.options else ("wrong options", found.wrong)
    said = [
        f"kind: choice, as there are {sort} in {_names([repr(path) for path in paths])}",
        f"question: column '{found.question}'",
        f"gold: {_RIGHT_ONE['content' if found.wrong else found.gold_is]} in column '{found.gold}'",
        "options: shuffled by the recipe's seed, so that right ones have every letter alike",
    ]
    columns = {"question": found.question, "gold": found.gold}
    _optional(sample, columns, {*columns.values(), *found.options, *found.wrong}, said)
    several = {"options": list(found.options)} if found.options else {"wrong": list(found.wrong)}
    return Guess(Kind.CHOICE, {**columns, **several}, found.gold_is, said)


_RIGHT_ONE = {
    "answer": "the letter of the right option, or what it says,",
    "letter": "the letter of the right option",
    "index": "the index of the right option, from 0,",
    "content": "what the right option says",
}


def _measured(sample: Sample, columns: dict[str, str], said: list[str]) -> None:
    """Columns with the unit of an answer, and with an error to allow."""
    taken = set(columns.values())
    if (unit := _named(sample, _UNITS, _has_text, taken)) is not None:
        columns["unit"] = unit.path
        said.append(f"unit of the answer: column '{unit.path}'; answers in other units are converted")
        if (error := _named(sample, _ERRORS, _is_error, taken)) is not None:
            columns["error"] = error.path
            said.append(f"error to allow: column '{error.path}'")


def _wrapped(sample: Sample) -> Looked | None:
    """Of the one row of a file, the column that is the rows that were meant."""
    lists = [column for column in sample.columns if sample.rows == 1 and column.path in sample.tops]
    return next((column for column in lists if _is_speech(column) and len(column.present[0]) > 1), None)


def _optional(sample: Sample, columns: dict[str, str], taken: set[str], said: list[str]) -> None:
    """Columns that a source may have besides."""
    tests: tuple[tuple[str, Sequence[str], Callable[[Looked], bool], str], ...] = (
        ("id", _IDS, _is_id, "id: column '{}' travels with every row as source_id"),
        ("domain", _DOMAINS, _is_name, "domain: column '{}'"),
        ("difficulty", _RATES, _is_rate, "difficulty: column '{}', a failure rate from 0 to 1"),
        ("licence", _LICENCES, _is_name, "licence of each row: column '{}'"),
    )
    for key, names, fits, sentence in tests:
        found = _named(sample, names, fits, taken)
        if found is not None:
            columns[key] = found.path
            taken.add(found.path)
            said.append(sentence.format(found.path))


def _question(sample: Sample) -> tuple[Looked, str, list[Looked]] | None:
    """The column, how it is told, and which others might be it."""
    texts = [column for column in sample.columns if column.is_text and column.usual_length > 1]
    named = sorted((column for column in texts if column.name in _QUESTIONS), key=lambda x: _QUESTIONS.index(x.name))
    if named:
        return named[0], "told by its name", [column for column in named[1:] if column.name in _QUESTIONS[:6]]
    alike = [column for column in texts if any(name in column.name for name in _QUESTIONS[:3])]
    if alike:
        return alike[0], "told by its name", alike[1:]
    asking = [column for column in texts if _share(["?" in text for text in column.texts]) >= _MOST]
    if asking:
        share = percent(_share(["?" in text for text in asking[0].texts]))
        return asking[0], f"told by its question marks ({share} of the rows)", asking[1:]
    return None


def _chat(sample: Sample) -> Looked | None:
    chats = [column for column in sample.columns if _share([is_chat(as_text(x)) for x in _some(column)]) >= _MOST]
    chats = [column for column in chats if any(each.users for each in _chats(column))]
    chats.sort(key=lambda x: _CHATS.index(x.name) if x.name in _CHATS else len(_CHATS))
    return chats[0] if chats else None


def _chats(column: Looked) -> list[Chat]:
    return [read_chat(as_text(value)) for value in column.present]


def _answered(chat: Looked) -> bool:
    answers = [each.answer for each in _chats(chat)][:_TRIED]
    return _share([answer is not None and stated_answer(answer) is not None for answer in answers]) >= _MOST


def _tests(sample: Sample, taken: set[str]) -> list[Looked]:
    """Columns of golds for code, the best first."""
    entry = _named(sample, _ENTRIES, _is_name)
    found = [
        column for column in sample.columns if column.path not in taken and _share(_are_tests(column, entry)) >= _MOST
    ]
    return _outer(sorted(found, key=lambda x: _TESTS.index(x.name) if x.name in _TESTS else len(_TESTS)))


def _are_tests(column: Looked, entry: Looked | None) -> list[bool]:
    found: list[bool] = []
    for place, value in enumerate(column.values):
        if value in (None, "") or len(found) == _TRIED:
            continue
        if not any(sign in as_text(value) for sign in _OF_TESTS):  # a list of texts may be answers as well
            found.append(False)
            continue
        gold = value
        if entry is not None and isinstance(value, str) and _CHECK in value:
            gold = {"test_code": value, "entry_point": entry.values[place]}
        try:
            parse_gold(Kind.CODE, gold)
            found.append(True)
        except GoldError:
            found.append(False)
    return found


def _are_checks(column: Looked) -> bool:
    """Whether the tests are functions `check(candidate)`, which have to be told the candidate."""
    return _share([_CHECK in text for text in column.texts[:_TRIED]]) >= _MOST


def _answers(sample: Sample, taken: set[str]) -> list[Looked]:
    """Columns of golds for math, the best first: short answers before solutions that end in one, then by name."""
    found = []
    for column in sample.columns:
        if column.path in taken or _is_speech(column):
            continue
        if _is_solution(column) if column.name not in _ANSWERS else _is_short(column) or _is_solution(column):
            found.append(column)

    def rank(column: Looked) -> tuple[bool, bool, int]:
        known = column.name in _ANSWERS
        return not known, not _is_short(column), _ANSWERS.index(column.name) if known else 0

    return _outer(sorted(found, key=rank))


def _outer(columns: list[Looked]) -> list[Looked]:
    """Without columns that lie within another one of them, and those deep inside objects last."""
    paths = {column.path for column in columns}
    outer = [column for column in columns if not any(column.path.startswith(f"{path}.") for path in paths)]
    return sorted(outer, key=lambda column: column.path.count("."))


def _is_speech(column: Looked) -> bool:
    return any(isinstance(value, list) and value and isinstance(value[0], dict) for value in column.present[:_TRIED])


def _is_short(column: Looked) -> bool:
    """Whether the values are answers by themselves."""
    values = column.present[:_TRIED]
    if not values or any(isinstance(value, dict) for value in values):
        return False
    texts = [value if isinstance(value, str) else as_text(value) for value in values]
    return _share([len(text) <= _SHORT and "\n" not in text.strip() and "####" not in text for text in texts]) >= _MOST


def _is_solution(column: Looked) -> bool:
    """Whether the values are texts that end in an answer, or answers in boxes."""
    texts = column.texts[:_TRIED]
    stated = [stated_answer(text) is not None for text in texts]
    marked = [len(text) > _SHORT or any(sign in text for sign in _ANNOUNCED) for text in texts]
    return bool(texts) and _share(marked) >= _MOST and _share(stated) >= _MOST


def _kind_column(sample: Sample, taken: set[str]) -> Looked | None:
    """A column that says of most rows whether they are math or code."""

    def says(column: Looked) -> bool:
        return _share([value in (Kind.MATH.value, Kind.CODE.value) for value in column.values]) >= _MOST

    return _named(sample, _KINDS, says, taken)


def _named(
    sample: Sample, names: Sequence[str], fits: Callable[[Looked], bool], taken: set[str] | None = None
) -> Looked | None:
    fitting = [each for each in sample.columns if each.name in names and each.path not in (taken or ()) and fits(each)]
    return min(fitting, key=lambda each: (each.path.count("."), names.index(each.name)), default=None)


def _is_id(column: Looked) -> bool:
    values = [value for value in column.present if isinstance(value, str | int) and not isinstance(value, bool)]
    return len(values) == len(column.values) and len(set(values)) == len(values)


def _is_name(column: Looked) -> bool:
    return column.is_text and column.usual_length <= _SHORT


def _has_text(column: Looked) -> bool:
    return column.is_text and any(text.strip() for text in column.texts)


def _is_rate(column: Looked) -> bool:
    values = column.present
    return bool(values) and all(isinstance(value, float | int) and 0 <= value <= 1 for value in values)


def _is_error(column: Looked) -> bool:
    try:
        return bool(column.present) and all(float(value) >= 0 for value in column.present if value != "")
    except (TypeError, ValueError):
        return False


def _some(column: Looked) -> list[object]:
    return column.present[:_TRIED]


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def _also(others: Sequence[Looked]) -> str:
    paths = [f"'{column.path}'" for column in others]
    return f" (and not {_names(paths)}, which could be it too)" if paths else ""


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
