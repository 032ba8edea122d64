"""Turns the gold shapes of the source datasets into `schemas.gold`."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from hipo_data.graders.code import evalplus
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, Gold, MathGold, ProgramGold, StdinGold
from hipo_data.schemas.records import Kind

NO_ANSWER = frozenset({"", "nan", "NaN", "None", "null", "N/A", "<NA>"})
"""What table libraries write for a missing value; `none` in small letters may be an answer."""


ANSWER_FIELDS = ("value", "answer", "final_answer", "ground_truth", "result", "text")
"""Fields of an object that hold the answer to a math problem."""


class GoldError(ValueError):
    """A gold that says nothing usable. `reason` is `empty_gold` or `bad_gold`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_gold(kind: Kind | str, raw: Any) -> Gold:
    """The gold in `raw`, which may also be given as a JSON string.

    Math: an answer, a list of acceptable answers, or such a list written as a string (JSON or Python); an object with
    the answer in one of `ANSWER_FIELDS`; or what `schemas.gold.gold_to_json` writes.
    Code: {import_prefix?, test_code, entry_point?} · {inputs, outputs, fn_name?} · {assert_case} · {test_cases} ·
    a task of HumanEval+ or MBPP+. Each may also say `unordered`, `reference` and `time_limit_s`.
    Raises `GoldError` where there is nothing to grade with.
    """
    try:
        return _math(raw) if Kind(kind) is Kind.MATH else _code(raw)
    except GoldError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:  # no shape has such values
        raise GoldError("bad_gold", f"unusable gold: {error}") from error


def _math(raw: Any) -> MathGold:
    if isinstance(raw, str):
        raw = _object(raw) or _listed(raw)
    if isinstance(raw, Mapping) and raw.get("type") == "math":
        return MathGold.model_validate(raw)
    items = raw if isinstance(raw, (list, tuple)) else [raw]
    answers = [str(_answer(item)).strip() for item in items if item is not None]
    answers = [answer for answer in answers if answer not in NO_ANSWER]
    if not answers:
        raise GoldError("empty_gold", "no answer in the gold")
    return MathGold(answers=answers)


def _answer(item: Any) -> Any:
    """The answer in an item of a gold. Raises `GoldError` where it is an object that does not say which field is it."""
    if isinstance(item, str):
        item = _object(item) or item
    if not isinstance(item, Mapping):
        return item
    named = [item[name] for name in ANSWER_FIELDS if item.get(name) is not None]
    if len(named) != 1 or isinstance(named[0], (Mapping, list, tuple)):
        raise GoldError(
            "bad_gold", f"the gold is an object with the keys {sorted(map(str, item))[:8]}; one of them has to be the "
            f"answer: {', '.join(ANSWER_FIELDS)}"
        )  # fmt: skip
    return named[0]


def _object(text: str) -> dict[str, Any] | None:
    """The object that `text` writes down, as JSON or as Python does; null where it is an answer, such as a set."""
    if not text.lstrip().startswith("{"):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, dict) and value else None
    return None


def _listed(text: str) -> str | list[str]:
    """The list of strings that `text` writes down; other text, such as the interval `[0, 1]`, is an answer itself."""
    if text.lstrip().startswith("["):
        for read in (json.loads, ast.literal_eval):
            try:
                value = read(text.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return value
    return text


def _code(raw: Any) -> CodeGold:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise GoldError("bad_gold", f"the gold is not JSON: {error}") from error
    if isinstance(raw, list):
        raw = {"assert_case": raw} if all(isinstance(item, str) for item in raw) else {"test_cases": raw}
    if not isinstance(raw, Mapping):
        raise GoldError("bad_gold", f"a code gold is an object, not {type(raw).__name__}")
    if "type" in raw and raw["type"] in _TYPES:
        return _TYPES[raw["type"]].model_validate(raw)
    return _shape(raw).model_copy(update=_besides(raw))


def _besides(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a raw gold says besides its tests. Raises `pydantic.ValidationError`."""
    said = {name: raw[name] for name in ProgramGold.model_fields if raw.get(name) is not None}
    if evalplus.is_task(raw):
        said.setdefault("reference", evalplus.reference(raw))
    return ProgramGold.model_validate(said).model_dump(include=set(said))


def _shape(raw: Mapping[str, Any]) -> CodeGold:
    if raw.get("test_code") is not None:
        return _check(raw)
    if evalplus.is_task(raw):
        return _check({"test_code": evalplus.check_code(raw), "entry_point": raw["entry_point"]})
    if raw.get("assert_case") is not None:
        asserts = [raw["assert_case"]] if isinstance(raw["assert_case"], str) else list(raw["assert_case"])
        asserts = [text.strip() for text in asserts if isinstance(text, str) and text.strip()]
        if not asserts:
            raise GoldError("empty_gold", "no asserts in the gold")
        return AssertGold(asserts=asserts, import_prefix=raw.get("import_prefix") or "")
    if raw.get("test_cases") is not None:
        cases = raw["test_cases"]
        if not isinstance(cases, list) or not all(isinstance(case, Mapping) for case in cases):
            raise GoldError("bad_gold", "test_cases is not a list of objects")
        if any("input" not in case or "output" not in case for case in cases):
            raise GoldError("bad_gold", "a test case lacks its input or output")
        fields = {"inputs": [case["input"] for case in cases], "outputs": [case["output"] for case in cases]}
        return _tests({**raw, **fields})
    if "inputs" in raw and "outputs" in raw:
        return _tests(raw)
    raise GoldError("bad_gold", f"no known shape: the gold has the keys {sorted(map(str, raw))[:8]}")


_TYPES: dict[str, type[StdinGold | CallGold | CheckGold | AssertGold]] = {
    "stdin": StdinGold,
    "call": CallGold,
    "check": CheckGold,
    "asserts": AssertGold,
}


def _check(raw: Mapping[str, Any]) -> CheckGold:
    code, entry = raw["test_code"], raw.get("entry_point")
    if not isinstance(code, str) or not code.strip():
        raise GoldError("empty_gold", "the test code is empty")
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise GoldError("bad_gold", f"the test code does not parse: {error}") from error
    entry = entry or next((ast.unparse(call.args[0]) for call in _check_calls(tree) if call.args), None)
    if not entry:
        raise GoldError("bad_gold", "the gold names no entry point")
    return CheckGold(import_prefix=raw.get("import_prefix") or "", test_code=code, entry_point=entry)


def _check_calls(tree: ast.Module) -> list[ast.Call]:
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check"]


def _tests(raw: Mapping[str, Any]) -> StdinGold | CallGold:
    inputs, outputs = raw["inputs"], raw["outputs"]
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise GoldError("bad_gold", "inputs and outputs are not lists")
    if not inputs and not outputs:
        raise GoldError("empty_gold", "no tests in the gold")
    name = raw.get("fn_name")
    if not name:
        return StdinGold(inputs=[_lines(item) for item in inputs], outputs=[_lines(item) for item in outputs])
    if not all(isinstance(item, str) for item in outputs) and all(isinstance(o, list) and len(o) == 1 for o in outputs):
        # Sources that keep arguments and results as values wrap each result in a list of its own.
        outputs = [item[0] for item in outputs] if all(isinstance(item, list) for item in inputs) else outputs
    return CallGold(
        fn_name=str(name),
        inputs=[item if isinstance(item, str) else "\n".join(json.dumps(arg) for arg in item) for item in inputs],
        outputs=[item if isinstance(item, str) else json.dumps(item) for item in outputs],
        import_prefix=raw.get("import_prefix") or "",
    )


def _lines(item: Any) -> str:
    return "\n".join(map(str, item)) if isinstance(item, list) else str(item)
