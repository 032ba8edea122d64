"""YAML text as plain dicts, lists, texts and numbers, or one sentence that says what in it means something else.

YAML 1.1 reads more into a text than its writer meant: `1:30` is 90, `010` is 8, `on` is true, a key that stands there
twice is the last one, an alias may hold itself. None of that may become a setting in silence.
"""

import math
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hipo_data.schemas.errors import UserError

_DEEPEST = 100
_MOST_VALUES = 100_000
_TAG = "tag:yaml.org,2002:"
_WORDS = frozenset({"on", "off", "yes", "no"})
"""As values they are true and false, as many write them; as keys they are texts, since no key is a truth value."""


class _Loader(yaml.SafeLoader):
    """Stops before nesting becomes recursion without end."""

    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise UserError(f"is nested deeper than {_DEEPEST} levels at {_place(event)}")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def yaml_tree(text: str, within: str = "") -> Any:
    """What the text holds, every alias as a copy of its own. `within` is the dotted key at which it will lie.

    Raises `UserError` with the rest of a sentence that begins with the name of the file or the option.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _Shape().of(node, within)
            return _value(loader, node, within)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        # Without the line itself, which PyYAML would quote: it may hold a key.
        at = error.problem_mark or error.context_mark
        where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
        problem = error.problem or error.context or "it cannot be read"
        raise UserError(f"is not YAML{where}: {' '.join(problem.split())}") from None
    except yaml.reader.ReaderError as error:
        raise UserError(f"is not YAML: the character U+{error.character:04X} stands in no text") from None


class _Shape:
    """What one look at each node says: keys that stand there twice, and how much its aliases would unfold into."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def of(self, node: Node, within: str) -> tuple[int, int]:
        """Values in the node, and levels."""
        if isinstance(node, ScalarNode):
            return 1, 1
        if id(node) in self._open:
            raise UserError(f"{_named(within)} holds itself by an alias ({_place(node)}); write it out")
        if id(node) not in self._known:
            self._open.add(id(node))
            self._known[id(node)] = self._measured(node, within)
            self._open.remove(id(node))
        return self._known[id(node)]

    def _measured(self, node: Node, within: str) -> tuple[int, int]:
        children = []
        if isinstance(node, MappingNode):
            _no_key_twice(node, within)
            for key, value in node.value:
                children += [self.of(key, within), self.of(value, _joined(within, key.value))]
        else:
            children = [self.of(child, _joined(within, place)) for place, child in enumerate(node.value)]
        values, levels = 1 + sum(each for each, _ in children), 1 + max((each for _, each in children), default=0)
        if values > _MOST_VALUES:
            raise UserError(f"{_named(within)} holds more than {_MOST_VALUES:,} values, as its aliases unfold")
        if levels > _DEEPEST:
            raise UserError(f"{_named(within)} is nested deeper than {_DEEPEST} levels, as its aliases unfold")
        return values, levels


def _no_key_twice(node: MappingNode, within: str) -> None:
    seen: dict[tuple[str, str], Node] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode) or key.tag == f"{_TAG}merge":
            continue
        word = key.tag == f"{_TAG}bool" and key.value.lower() in _WORDS
        first = seen.setdefault((f"{_TAG}str" if word else key.tag, key.value), key)
        if first is not key:
            where = _joined(within, key.value)
            lines = f"lines {first.start_mark.line + 1} and {key.start_mark.line + 1}"
            raise UserError(f"the key '{where}' stands there twice ({lines}); leave one of them out")


def _value(loader: _Loader, node: Node, within: str) -> Any:
    if isinstance(node, MappingNode):
        _is_plain(node, within, "map")
        loader.flatten_mapping(node)
        # What was merged comes first, so that the mapping's own keys win.
        pairs = [(_key(loader, key, within), value) for key, value in node.value]
        return {key: _value(loader, value, _joined(within, key)) for key, value in dict(pairs).items()}
    if isinstance(node, SequenceNode):
        _is_plain(node, within, "seq")
        return [_value(loader, child, _joined(within, place)) for place, child in enumerate(node.value)]
    return _scalar(loader, node, within)


def _is_plain(node: Node, within: str, kind: str) -> None:
    if node.tag != _TAG + kind:
        raise UserError(f"{_named(within)} has the tag {node.tag.replace(_TAG, '!!')}; leave the tag out")


def _key(loader: _Loader, node: Node, within: str) -> str | int:
    if isinstance(node, ScalarNode):
        if node.tag == f"{_TAG}bool" and node.value.lower() in _WORDS:
            return str(node.value)
        key = _scalar(loader, node, _joined(within, node.value))
        if isinstance(key, str) or type(key) is int:
            return key
    shown = f" '{node.value}'" if isinstance(node, ScalarNode) else ""
    raise UserError(f"{_named(within)} has a key{shown} that is no text ({_place(node)}); put it in quotes")


def _scalar(loader: _Loader, node: Node, within: str) -> Any:
    kind = node.tag.removeprefix(_TAG)
    try:
        value = loader.construct_object(node, deep=True)
    except ValueError:
        raise UserError(f"{_named(within)} ({_place(node)}): this {kind} cannot be read; put it in quotes") from None
    if kind in ("int", "float") and (":" in node.value or _looks_decimal_and_is_octal(node.value, kind)):
        raise UserError(f"{_named(within)}: YAML reads {node.value} as {value}; write {value}, or a text in quotes")
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{_named(within)}: {node.value} is no finite number; write a number, or leave the key out")
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise UserError(f"{_named(within)} holds half a character (a lone surrogate); write the character itself")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    what = "a date" if kind == "timestamp" else f"!!{kind}"
    raise UserError(f"{_named(within)}: YAML reads {node.value} as {what}; put it in quotes")


def _looks_decimal_and_is_octal(text: str, kind: str) -> bool:
    digits = text.lstrip("+-").replace("_", "")
    return kind == "int" and len(digits) > 1 and digits[0] == "0" and digits.isdigit()


def _joined(within: str, key: Any) -> str:
    return f"{within}.{key}" if within else str(key)


def _named(within: str) -> str:
    return f"'{within}'" if within else "it"


def _place(found: Any) -> str:
    return f"line {found.start_mark.line + 1}"
