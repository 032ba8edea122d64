"""Turns the gold shapes of source datasets for programs into `schemas.gold`."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from hipo_data.graders import syntax
from hipo_data.graders.code import call_values, evalplus
from hipo_data.graders.code.assert_lines import assert_lines
from hipo_data.graders.code.plan import Unrunnable, plan
from hipo_data.graders.gold_error import GoldError
from hipo_data.schemas.gold import AssertGold, CallGold, CheckGold, CodeGold, ProgramGold, StdinGold

_TYPES: dict[str, type[StdinGold | CallGold | CheckGold | AssertGold]] = {
    "stdin": StdinGold,
    "call": CallGold,
    "check": CheckGold,
    "asserts": AssertGold,
}
_FUNCTION_NAMES = ("fn_name", "func_name", "function_name")
_FUNCTIONAL = ("functional", "function_call")


def code_gold(raw: Any) -> CodeGold:
    """The gold in `raw`, a value, the JSON of one, or lines of asserts; `graders.golds.parse_gold` has the shapes.

    Raises `GoldError`, and what values that no shape has make their readers raise.
    """
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError) as error:
            asserts = assert_lines(raw)
            if asserts is None:
                raise GoldError("bad_gold", f"the gold is not JSON: {error}") from error
            raw = asserts
    if isinstance(raw, list):
        raw = {"assert_case": raw} if all(isinstance(item, str) for item in raw) else {"test_cases": raw}
    if not isinstance(raw, Mapping):
        raise GoldError("bad_gold", f"a code gold is an object, not {type(raw).__name__}")
    if "type" in raw and raw["type"] in _TYPES:
        gold: CodeGold = _TYPES[raw["type"]].model_validate(raw)
    else:
        gold = _shape(raw).model_copy(update=_besides(raw))
    try:
        plan(gold)
    except Unrunnable as error:
        raise GoldError("bad_gold", f"nobody can run this gold: {error}") from error
    return gold


def _besides(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a raw gold says besides its tests. Raises `pydantic.ValidationError`."""
    said = {name: raw[name] for name in ProgramGold.model_fields if raw.get(name) is not None}
    if evalplus.is_task(raw):
        said.setdefault("reference", evalplus.reference(raw))
    return ProgramGold.model_validate(said).model_dump(include=set(said))


def _shape(raw: Mapping[str, Any]) -> CodeGold:
    if raw.get("test_code") is not None:
        return _check(raw)
    if raw.get("functional") is not None:
        return _check({**raw, "test_code": raw["functional"]})
    if evalplus.is_task(raw):
        return _check({"test_code": evalplus.check_code(raw), "entry_point": raw["entry_point"]})
    if raw.get("assert_case") is not None:
        asserts = [raw["assert_case"]] if isinstance(raw["assert_case"], str) else list(raw["assert_case"])
        asserts = [text.strip() for text in asserts if isinstance(text, str) and text.strip()]
        if not asserts:
            raise GoldError("empty_gold", "no asserts in the gold")
        return AssertGold(asserts=asserts, import_prefix=raw.get("import_prefix") or "")
    if raw.get("test_cases") is not None:
        return _of_cases(raw)
    if "inputs" in raw and "outputs" in raw:
        return _tests(raw, _function(raw))
    raise GoldError("bad_gold", f"no known shape: the gold has the keys {sorted(map(str, raw))[:8]}")


def _of_cases(raw: Mapping[str, Any]) -> StdinGold | CallGold:
    """A gold that lists cases, as one of inputs and outputs; the gold or its cases name the function that they call."""
    cases = raw["test_cases"]
    if not isinstance(cases, list) or not all(isinstance(case, Mapping) for case in cases):
        raise GoldError("bad_gold", "test_cases is not a list of objects")
    if any("input" not in case or "output" not in case for case in cases):
        raise GoldError("bad_gold", "a test case lacks its input or output")
    kinds = {str(kind).lower() in _FUNCTIONAL for case in cases if (kind := _kind(case)) is not None}
    own = {_function(case) for case in cases} - {None}
    named = {_function(raw)} - {None} or own
    if len(kinds) > 1 or len(named) > 1:
        raise GoldError("bad_gold", "some test cases are for a program, or for one function, and some for another")
    if True in kinds and not named:
        raise GoldError("bad_gold", "the test cases call a function that the gold does not name")
    fields = {"inputs": [case["input"] for case in cases], "outputs": [case["output"] for case in cases]}
    return _tests({**raw, **fields}, None if False in kinds else next(iter(named), None))


def _kind(case: Mapping[str, Any]) -> Any:
    return next((case[name] for name in ("testtype", "test_type", "type") if case.get(name) is not None), None)


def _function(said: Mapping[str, Any]) -> str | None:
    """The function that a gold or a case names, itself or in its `metadata`."""
    metadata = said.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            metadata = None
    places = [said, metadata] if isinstance(metadata, Mapping) else [said]
    return next((str(place[name]) for place in places for name in _FUNCTION_NAMES if place.get(name)), None)


def _check(raw: Mapping[str, Any]) -> CheckGold:
    code, entry = raw["test_code"], raw.get("entry_point")
    if not isinstance(code, str) or not code.strip():
        raise GoldError("empty_gold", "the test code is empty")
    try:
        tree = syntax.module(code)
    except SyntaxError as error:
        raise GoldError("bad_gold", f"the test code does not parse: {error}") from error
    entry = entry or next((ast.unparse(call.args[0]) for call in _check_calls(tree) if call.args), None)
    if not entry:
        raise GoldError("bad_gold", "the gold names no entry point")
    return CheckGold(import_prefix=raw.get("import_prefix") or "", test_code=code, entry_point=entry)


def _check_calls(tree: ast.Module) -> list[ast.Call]:
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check"]


def _tests(raw: Mapping[str, Any], name: str | None) -> StdinGold | CallGold:
    inputs, outputs = raw["inputs"], raw["outputs"]
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise GoldError("bad_gold", "inputs and outputs are not lists")
    if len(inputs) != len(outputs):
        raise GoldError("bad_gold", f"{len(inputs)} inputs but {len(outputs)} outputs")
    pairs = [pair for pair in zip(inputs, outputs, strict=True) if None not in pair]
    if not pairs:
        raise GoldError("empty_gold", "every test lacks its input or output" if inputs else "no tests in the gold")
    inputs, outputs = [given for given, _ in pairs], [wanted for _, wanted in pairs]
    if name is None:
        return StdinGold(inputs=list(map(_lines, inputs)), outputs=list(map(_lines, outputs)))
    return CallGold(
        fn_name=name,
        inputs=call_values.arguments(inputs),
        outputs=call_values.results(outputs, inputs),
        import_prefix=raw.get("import_prefix") or "",
    )


def _lines(item: Any) -> str:
    """What a program reads or prints: a text, or a list of its lines."""
    if isinstance(item, list):
        return "\n".join(map(_line, item))
    return item if isinstance(item, str) else _line(item)


def _line(item: Any) -> str:
    if isinstance(item, (str, int, float)):
        return str(item)
    raise GoldError("bad_gold", f"a program reads and prints text, and a test has a {type(item).__name__}")
