"""The families as rows of a table, for a terminal and for the docs."""

import json
from collections.abc import Iterator

from hipo_data.prompts.families.loading import families
from hipo_data.schemas.family import Family, Switch

HEADINGS = ("family", "models", "think-on", "think-off", "the prompt ends in (on / off)", "reasoning", "parser")


def rows() -> Iterator[tuple[str, ...]]:
    """One a family, in the order of their names; `HEADINGS` says what of."""
    for each in families().values():
        yield (
            each.name,
            each.title,
            _switch(each, each.think_on, each.default == "think_on"),
            _switch(each, each.think_off, each.default == "think_off"),
            f"{_tail(each.think_on)} / {_tail(each.think_off)}",
            f"{_code(each.reading.open[0])} … {_code(each.reading.close[0])}",
            _code(each.parser) if each.parser else "–",
        )


def markdown() -> str:
    """The table as Markdown, without a line break at its end."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *rows()]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _switch(each: Family, switch: Switch | None, default: bool) -> str:
    if switch is None:
        return "no switch"
    said = [
        *(f"{name}: {json.dumps(value)}" for name, value in switch.kwargs.items()),
        *([f"system text {json.dumps(switch.system)}"] if switch.system is not None else []),
        *([f"suffix {json.dumps(switch.suffix)}"] if switch.suffix else []),
        *([f"prefix {json.dumps(switch.prefix)}"] if switch.prefix else []),
    ]
    text = ", ".join(_code(part) for part in said)
    if switch.model is not None:
        text = f"the model with `{switch.model}` in its name"
    if not text:
        return (
            "nothing said" if each.think_off is not None else "its own choice" if each.default == "model" else "always"
        )
    return text + (" (default)" if default else "")


def _tail(switch: Switch | None) -> str:
    if switch is None:
        return "no off"
    if switch.tail is None:
        return "opened" if switch.opens else "?"
    return _code(json.dumps(_short(switch.tail), ensure_ascii=False)[1:-1]) if switch.tail else "–"


def _short(text: str) -> str:
    """Long tails by their ends."""
    return text if len(text) <= 60 else f"{text[:12]}…{text[-13:]}"


def _code(text: str) -> str:
    return f"`{text}`".replace("\n", "\\n")
