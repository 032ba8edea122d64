"""Rows of all four shapes with random damage, the same for the same seed."""

import csv
import io
import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.stages.ingest.ingesting import ace_row, am_row, ii_row, sky_row

Row = dict[str, Any]

WORDS = [
    "sum",
    "of",
    "the",
    "first",
    "odd",
    "integers",
    "ball",
    "urn",
    "$x^2$",
    "\\frac{1}{2}",
    "is",
    "find",
    "ü",
    "½",
    "7",
]
ANSWERS = ["1", "1/2", "\\frac{1}{2}", "(0, 1]", "['3', '3.0']", "x+1", "nan", "", "[]", "42 cm", "A"]
TESTS: list[Any] = [
    {"inputs": ["1 2\n"], "outputs": ["3\n"]},
    {"fn_name": "add", "inputs": ["1\n2"], "outputs": ["3"]},
    {"test_code": "def check(f):\n    assert f(1) == 2", "entry_point": "f", "import_prefix": "import math\n"},
    {"assert_case": ["assert f(1) == 2"]},
    {"inputs": [], "outputs": []},
]
JUNK: list[Any] = [
    *(None, True, 0, -7, 10**400, 2**63, 0.5, float("nan"), float("inf")),
    *("", " \n\t", "nan", "null", "[", "{}", "0" * 5_000, "\ud800", "a\0b", "\x1c", "\u2028", "x" * 50_000, "日本"),
    *([], {}, [[]], [None], [{}], {"": None}, {"a": {"b": [1]}}, json.loads("[" * 60 + "]" * 60)),
    *(["1", "2"], [1, 2], {"value": "1"}, {"from": "human"}, [{"from": "human", "value": "q"}]),
]


def question(random: Random) -> str:
    """One of a few that come often, or one that hardly comes again."""
    if random.random() < 0.15:
        return f"What is {random.randrange(30)} + 1?"
    return f"Find {random.randrange(10**6)} " + " ".join(random.choices(WORDS, k=random.randrange(4, 25))) + "?"


def ace(random: Random) -> Row:
    return ace_row(question(random), random.choice(ANSWERS))


def skywork(random: Random) -> Row:
    if random.random() < 0.3:
        return sky_row(question(random), json.dumps(random.choice(TESTS)), "code")
    return sky_row(question(random), random.choice(ANSWERS))


def am_thinking(random: Random) -> Row:
    category = random.choice(["math", "math", "code", "chat"])
    tests = deepcopy(random.choice(TESTS))
    gold = random.choice([tests, json.dumps(tests)]) if category == "code" else random.choice(ANSWERS)
    row = am_row(question(random), gold, category)
    return row if random.random() < 0.5 else row | {"info": row["conversations"][1].pop("info")}


def ii_thought(random: Random) -> Row:
    if random.random() < 0.3:
        cases = [{"input": str(n), "output": str(n)} for n in range(random.randrange(3))]
        return ii_row(question(random), {"test_cases": cases, "language": "python"}, "code_verifiable")
    kind = random.choice(["math_verifiable", "math_verifiable", "llm_judge", "swe_verifiable"])
    return ii_row(question(random), {"value": random.choice(ANSWERS)}, kind)


SHAPES: dict[str, Callable[[Random], Row]] = {
    "ace": ace,
    "skywork": skywork,
    "am_thinking": am_thinking,
    "ii_thought": ii_thought,
}


def mutated_lines(shape: str, rows: int, random: Random) -> bytes:
    """A file of about so many lines, one in five of them sound."""
    return b"".join(_line(SHAPES[shape](random), random) for _ in range(rows))


def _line(row: Row, random: Random) -> bytes:
    if random.random() < 0.2:
        return json.dumps(row).encode() + b"\n"
    if random.random() < 0.6:
        for _ in range(random.choice([1, 1, 2, 4])):
            _change_value(row, random)
    line = json.dumps(row, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    return line + b"\n" if random.random() < 0.4 else random.choice(BYTE_CHANGES)(line, random)


def _change_value(row: Row, random: Random) -> None:
    """Something anywhere in the row is deleted, renamed, retyped, wrapped, written as text, or moved."""
    places = _places(row)
    if not places:
        return
    holder, key = random.choice(places)
    change = random.randrange(6)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[random.choice([str(key).upper(), f"{key} ", "answer", "problem", "info.category", ""])] = holder.pop(key)
    elif change == 2:
        holder[key] = random.choice([[holder[key]], {key: holder[key]}, json.dumps(holder[key]), str(holder[key])])
    elif change == 3:
        holder[key] = deepcopy(random.choice([*ANSWERS, *TESTS, "math", "code", "user", "human"]))
    elif change == 4:
        other, other_key = random.choice(places)
        holder[key] = json.loads(json.dumps(other[other_key]))
    else:
        holder[key] = deepcopy(random.choice(JUNK))


def _places(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]


def _flipped(line: bytes, random: Random) -> bytes:
    data = bytearray(line)
    for _ in range(random.choice([1, 2, 8])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data) + b"\n"


def _cut(line: bytes, random: Random) -> bytes:
    at = random.randrange(len(line))
    return random.choice([line[:at], line[at:], line[:at] + line[at + random.randrange(40) :]]) + b"\n"


def _with_junk(line: bytes, random: Random) -> bytes:
    at = random.randrange(len(line) + 1)
    junk = [
        b"\0",
        b"\xff",
        b"\xed\xa0\x80",
        b"\n",
        b"\r",
        b"\\",
        b'"',
        b"}",
        b"{",
        b",",
        b"\\ud800",
        b"NaN",
        b"\x0b",
        b"1e999",
    ]
    return line[:at] + random.choice(junk) + line[at:] + b"\n"


JUNK_BYTES = [
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\n",
    b"\r",
    b"\x0b",
    b"\\",
    b'"',
    b"}",
    b"{",
    b",",
    b"\\ud800",
    b"NaN",
    b"1e999",
]
BYTE_CHANGES: list[Callable[[bytes, Random], bytes]] = [
    _flipped,
    _cut,
    _with_junk,
    lambda line, random: line + line + b"\n",
    lambda line, random: line + b"\n" + line + b"\n",
    lambda line, random: random.choice([b" ", b"\t", b"\n", b"\xef\xbb\xbf", b"["]) + line + b"\r\n",
    lambda line, random: line[:-1] + b',"problem":"twice","info":{"category":"math"},"ability":"code"}\n',
    lambda line, random: line[:-1] + b',"more":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n",
    lambda line, random: line.replace(b'"', b"'") + b"\n",
    lambda line, random: random.choice([b"", b" ", b"null", b"[]", b"1", b'"x"', b"{}", b"nan"]) + b"\n",
    lambda line, random: random.randbytes(random.randrange(60)) + b"\n",
]


def mutated_array(shape: str, rows: int, random: Random) -> tuple[bytes, int]:
    """A JSON array of so many elements, some of which are no objects, and how many rows it counts as."""
    elements = [_sound_or_changed(SHAPES[shape](random), random) for _ in range(rows)]
    text = json.dumps(elements, indent=random.choice([None, 0, 2]), ensure_ascii=random.random() < 0.5)
    data = text.encode("utf-8", "surrogatepass")
    return (data, rows) if random.random() < 0.8 else (data.rstrip(b" \n]"), rows)


def mutated_csv(shape: str, rows: int, random: Random, delimiter: str) -> tuple[bytes, int]:
    """So many records, some with a cell too many or too few, or with bytes that are no text, and their number."""
    names = list(SHAPES[shape](random))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=random.choice(["\n", "\r\n"]))
    writer.writerow(names)
    for _ in range(rows):
        row = _sound_or_changed(SHAPES[shape](random), random)
        cells = [row.get(name) if isinstance(row, dict) else row for name in names]
        cells = [cell if isinstance(cell, str) else json.dumps(cell) for cell in cells]
        if random.random() < 0.1:
            cells = random.choice([[*cells, "more"], cells[:-1] or ["x", "y"]])
        writer.writerow(cells)
    return text.getvalue().encode("utf-8", "surrogatepass"), rows


def _sound_or_changed(row: Row, random: Random) -> Any:
    if random.random() < 0.4:
        return row
    if random.random() < 0.1:
        return random.choice([None, 7, "row", [], {}])
    _change_value(row, random)
    return row


def damaged(data: bytes, random: Random) -> bytes:
    """A byte flipped, or the end cut off."""
    at = random.randrange(len(data))
    return (
        data[:at]
        if random.random() < 0.5
        else data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
    )


def mutated_parquet(shape: str, rows: int, random: Random) -> bytes:
    """A file of so many rows. Whole columns are emptied, renamed, retyped or damaged, and at last perhaps its bytes."""
    found = pa.Table.from_pylist([_of_one_type(SHAPES[shape](random)) for _ in range(rows)])
    for at in random.sample(range(found.num_columns), random.choice([0, 1, 1, min(2, found.num_columns)])):
        found = _change_column(found, at, random)
    sink = io.BytesIO()
    pq.write_table(found, sink, row_group_size=random.choice([7, 1_000]), compression=random.choice(["none", "zstd"]))
    data = bytearray(sink.getvalue())
    if random.random() < 0.3:
        for _ in range(random.choice([1, 3, 20])):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data) if random.random() < 0.95 else bytes(data[: random.randrange(len(data))])


def _of_one_type(row: Row) -> Row:
    """Tests as JSON text, since a column holds either that or objects."""
    for info in [turn.get("info") for turn in row.get("conversations", [])] + [row.get("info")]:
        if info and isinstance(info["test_case"], dict):
            info["test_case"] = json.dumps(info["test_case"])
    return row


def _change_column(found: pa.Table, at: int, random: Random) -> pa.Table:
    name, values = found.column_names[at], found[at].combine_chunks()
    rows = len(values)
    not_utf8 = pa.Array.from_buffers(
        pa.string(), rows, pa.array([random.choice([b"ok", b"\xff", b"\xed\xa0\x80"]) for _ in range(rows)]).buffers()
    )
    texts = pa.array([json.dumps(value) for value in values.to_pylist()])
    changed = [
        pa.nulls(rows),
        pa.nulls(rows, values.type),
        pa.array(range(rows)),
        pa.array([10.0**n for n in range(rows)]),
        pa.array([b"\xff"] * rows),
        pa.array([[1, None]] * rows),
        pa.array([{"ground_truth": "1", "value": None, "category": "math"}] * rows),
        pa.array([2**40 * (n % 2) for n in range(rows)], pa.timestamp("s")),
        not_utf8,
        texts,
        texts.cast(pa.large_string()),
        texts.dictionary_encode(),
        pa.array([[value] for value in values.to_pylist()]),
        pa.StructArray.from_arrays([values], [name]),
        pa.array([value if random.random() < 0.5 else None for value in values.to_pylist()], values.type),
    ]
    pick = random.randrange(len(changed) + 2)
    if pick < len(changed):
        return found.set_column(at, name, changed[pick])
    names = list(found.column_names)
    names[at] = random.choice([name.upper(), "problem", "info.category", "reward_model.ground_truth"])
    return found.rename_columns(names) if pick == len(changed) else found.append_column(names[at], not_utf8)
