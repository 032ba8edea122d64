"""YAML that means something else than it looks like, or that never ends, is named with its key and its line."""

from pathlib import Path

import pytest
import yaml

from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import recipes
from hipo_data.schemas.yaml_tree import yaml_tree

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
MERGED_LAUGHS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9)
)
STAIRS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", r"the key 'a' stands there twice \(lines 1 and 3\)"),
        ("a:\n  b: {c: 1, c: 1}", r"the key 'a\.b\.c' stands there twice \(lines 2 and 2\)"),
        ("- a: 1\n  'a': 1", r"the key '0\.a' stands there twice"),
        ("on: 1\n'on': 2", r"the key 'on' stands there twice"),
        ("base: &b {x: 1, x: 2}\nuse: {<<: *b}", r"the key 'base\.x' stands there twice"),
        ("a: 1:30", r"'a': YAML reads 1:30 as 90; write 90, or a text in quotes"),
        ("a: [1, 20:30.5]", r"'a\.1': YAML reads 20:30\.5 as 1230\.5"),
        ("a: -017", r"'a': YAML reads -017 as -15"),
        ("1:30: a", r"'1:30': YAML reads 1:30 as 90"),
        ("a: .inf", r"'a': \.inf is no finite number"),
        ("a: {b: 1.0e+999}", r"'a\.b': 1\.0e\+999 is no finite number"),
        ("a: -.INF", "finite"),
        ("a: .NaN", "finite"),
        ("a: 2026-01-01", r"'a': YAML reads 2026-01-01 as a date; put it in quotes"),
        ("a: 2026-01-01 10:00:00", "as a date"),
        ("a: 2026-13-77", r"this timestamp cannot be read; put it in quotes"),
        (f"a: {'9' * 5000}", r"'a' \(line 1\): this int cannot be read"),
        ("a: !!binary aGk=", "as !!binary"),
        ("a: !!set {x, y}", "has the tag !!set; leave the tag out"),
        ("a: !!omap [x: 1]", "has the tag !!omap"),
        ("a: !mine {x: 1}", "has the tag !mine"),
        ("a: !!python/object/apply:os.system [ls]", "has the tag !!python"),
        ("a: !!python/name:os.system", "is not YAML, line 1"),
        ("a: !mine x", "is not YAML, line 1"),
        ("a: =", "is not YAML, line 1"),
        ("a: {b: {null: 1}}", r"'a\.b' has a key 'null' that is no text \(line 1\); put it in quotes"),
        ("true: 1", "has a key 'true' that is no text"),
        ("1.5: 1", "has a key '1.5' that is no text"),
        ("? [a, b]\n: 1", "has a key that is no text"),
        ("? {a: b}\n: 1", "has a key that is no text"),
        ("a: &x [1, *x]", r"'a\.1' holds itself by an alias \(line 1\); write it out"),
        ("a: &x {b: {c: *x}}", r"'a\.b\.c' holds itself"),
        ("&x {? *x : 1}", "holds itself"),
        ("a: &x {<<: *x}", "holds itself"),
        ("a: *nothing", "is not YAML, line 1, column 4: found undefined alias"),
        (LAUGHS, "holds more than 100,000 values"),
        (MERGED_LAUGHS, "holds more than 100,000 values"),
        (STAIRS, "nested deeper than 100 levels"),
        ("[" * 100_000, "nested deeper than 100 levels at line 1"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper than 100 levels at line 1"),
        ("- " * 100_000, "nested deeper than 100 levels"),
        ("{a: " * 100_000, "nested deeper than 100 levels"),
        ("".join(" " * n + "a:\n" for n in range(300)), "nested deeper than 100 levels at line 1"),
        ("a: 1\n--- \nb: 2", "is not YAML, line 2"),
        ("a: [1,\nb: 2", "is not YAML, line 2"),
        ("a: \x00", r"the character U\+0000 stands in no text"),
        ("a: \ud800", r"(U\+D800|surrogate)"),
        ('a: "\\ud800"', "half a character"),
        ("a: 'sk-0123456789", r"^(?!.*sk-0123).*is not YAML"),
        ("a: &k sk-0123456789\n b: c", r"^(?!.*sk-0123).*is not YAML"),
    ],
)
def test_what_yaml_would_make_of_it_is_said(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        yaml_tree(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300 or "9999" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("on: 1\noff: {no: yes}\nyes: on", {"on": 1, "off": {"no": True}, "yes": True}),
        ("n: 8\ny: 2", {"n": 8, "y": 2}),
        ("a: {50256: -100}", {"a": {50256: -100}}),
        ("a: 0\nb: -0\nc: 0.5\nd: 0x1F\ne: 1_000\nf: 1e3", {"a": 0, "b": 0, "c": 0.5, "d": 31, "e": 1000, "f": "1e3"}),
        ("a: '1:30'\nb: '010'\nc: a:b\nd: 09", {"a": "1:30", "b": "010", "c": "a:b", "d": "09"}),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("a: &x {b: 1}\ny: &y {c: 2}\nd: {<<: [*x, *y]}", {"a": {"b": 1}, "y": {"c": 2}, "d": {"b": 1, "c": 2}}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("", None),
        ("# nothing", None),
        ("a:", {"a": None}),
    ],
)
def test_what_is_plain_is_read_as_it_is(text: str, tree: object) -> None:
    assert yaml_tree(text) == tree


def test_an_alias_is_a_copy_that_can_be_changed_alone() -> None:
    tree = yaml_tree("a: &x {b: 1}\nc: *x")
    tree["a"]["b"] = 2
    assert tree == {"a": {"b": 2}, "c": {"b": 1}}


@pytest.mark.parametrize("path", recipes().values(), ids=lambda path: path.stem)
def test_recipes_are_read_as_any_yaml_reader_reads_them(path: Path) -> None:
    assert yaml_tree(path.read_text()) == yaml.safe_load(path.read_text())
