"""What may be shown of an address, a text or a config: passwords, tokens and keys are left out of all that is said.

Everything that writes or prints one of them goes through here. What a run works with is never touched, nor is what its
fingerprints are made of.
"""

import re
from typing import Any

HIDDEN = "***"
"""What stands in the place of a secret."""

_SCHEME = r"\b[a-zA-Z][a-zA-Z0-9+.-]*://"
_USER = re.compile(rf"({_SCHEME})(?:[^\s/?#]*@|[^\s/?#@]*:(?!\d+(?:[/?#]|$))\S*@)")
"""The second form is a password with a raw `/`, `?` or `#`, which no client would have taken."""
_QUERY = re.compile(rf"({_SCHEME}[^\s?#'\"<>`]*)\?([^\s#'\"<>`]*)")
_FRAGMENT = re.compile(rf"({_SCHEME}[^\s#'\"<>`]*)#[^\s'\"<>`]+")
_HARMLESS = {"api-version", "api_version", "version", "region"}
"""Names in a query whose values are shown; whatever else stands there may be a key."""
_BARE_USER = re.compile(r"^[^\s/]*:\S*@")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|cookie|x-[\w-]*(?:key|token|secret))(['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n]+"
)
_CREDENTIAL = re.compile(r"\b(Bearer|Basic|bearer|basic)\s+(?=\S*[\d=_]|\S+[A-Z])[\w.~+/=-]{6,}")
_USER_ALONE = re.compile(r"(?<![\w/:.@%+-])[A-Za-z][\w.%+-]*:[^\s@'\"/]+@(?=[\w\[])")
"""Of an address whose scheme was forgotten."""
_SECRET_WORDS = {
    *("token", "password", "passwd", "passphrase", "pwd", "secret", "apikey", "authorization", "auth", "credential"),
    *("credentials", "cookie", "signature"),
}
_KEYS = {"api", "access", "private", "secret", "subscription", "account", "auth", "function", "license", "x"}
"""What a `…_key` that is secret is called; a `_key` alone may be a column."""
_MARKS = {
    *("bos", "eos", "pad", "unk", "sep", "cls", "mask", "stop", "start", "end", "special", "image", "audio", "video"),
    *("think", "think_end", "reasoning"),
}
"""Tokens of a tokenizer, which are no secrets."""
_ASSIGNED = re.compile(r"([A-Za-z][\w.-]*)=(?!\*\*\*)([^\s&;'\"]+)")
_ANY_VALUE = {"headers", "extra_headers", "default_headers", "cookies"}
"""Mappings in which every value is hidden."""


def shown_url(url: str) -> str:
    """An address without user, password, the values of its query and its fragment; whatever its form."""
    if "://" not in url:
        url = _BARE_USER.sub(f"{HIDDEN}@", url)
        path, mark, _ = url.partition("?")
        return f"{path}?{HIDDEN}" if mark else url
    # Where the text ends is known, so that no quote or bracket in a password ends it before.
    head, mark, query = _USER.sub(rf"\g<1>{HIDDEN}@", url.strip()).partition("?")
    head, fragment, _ = head.partition("#")
    query, inner, _ = query.partition("#")
    said = f"?{_shown_query(query, head)}" if mark else ""
    return f"{head}{said}{f'#{HIDDEN}' if fragment or inner else ''}"


def shown_hook(url: str) -> str:
    """An address that is a secret as a whole, as chat services give them out: its scheme and host alone."""
    head, scheme, rest = shown_url(url).partition("://")
    if not scheme:
        return HIDDEN
    host, _, path = re.sub(r"[?#]", "/", rest).partition("/")
    return f"{head}://{host}{f'/{HIDDEN}' if path else ''}"


def shown_text(text: str) -> str:
    """A text, such as an error of a library, whose addresses, headers and assignments of keys are without secrets."""
    if "://" in text:
        text = _USER.sub(rf"\g<1>{HIDDEN}@", text)
        text = _FRAGMENT.sub(rf"\g<1>#{HIDDEN}", text)
        text = _QUERY.sub(lambda found: f"{found[1]}?{_shown_query(found[2], found[1])}", text)
    text = _USER_ALONE.sub(f"{HIDDEN}@", text)
    text = _HEADER.sub(rf"\g<1>\g<2>{HIDDEN}", text)
    text = _CREDENTIAL.sub(rf"\g<1> {HIDDEN}", text)
    return _ASSIGNED.sub(lambda found: f"{found[1]}={HIDDEN}" if names_secret(found[1]) else found[0], text)


def shown_config(tree: Any, key: str = "") -> Any:
    """A tree of a config, as JSON has it, of the same form and valid as a config, without secrets.

    Args:
        tree: mappings, lists and values.
        key: the one that it lies under.
    """
    if isinstance(tree, dict):
        if key.lower() in _ANY_VALUE:
            return _hidden(tree)
        return {name: _shown_in(key, str(name), value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [
            HIDDEN if place and _is_option(tree[place - 1]) and isinstance(value, str) else shown_config(value, key)
            for place, value in enumerate(tree)
        ]
    if not isinstance(tree, str):
        return tree
    return shown_url(tree) if key.endswith("_url") or key == "address" else shown_text(tree)


def names_secret(name: str) -> bool:
    """Whether what a key, a variable or an option of this name holds is to be hidden; `…_env` names a variable."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower().replace("-", "_").strip("_")
    *before, last = words.split("_")
    if last == "key":
        return bool(before) and before[-1] in _KEYS
    return last in _SECRET_WORDS and "_".join(before) not in _MARKS


def _shown_in(key: str, name: str, value: Any) -> Any:
    if name == "webhook" and isinstance(value, str):
        return shown_hook(value)
    variable = key == "env" and name.lower().endswith("key")
    return _hidden(value) if variable or names_secret(name) else shown_config(value, name)


def _hidden(tree: Any) -> Any:
    """All of it, but for switches and what is left empty."""
    if isinstance(tree, dict):
        return {name: _hidden(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_hidden(value) for value in tree]
    return tree if tree is None or isinstance(tree, bool) or tree == "" else HIDDEN


def _shown_query(query: str, head: str) -> str:
    """Elsewhere than in http, a question mark may as well be that of a glob."""
    bare_is_secret = head.lower().startswith(("http:", "https:"))
    parts = re.split(r"([&;])", query)
    return "".join(part if part in ("", "&", ";") else _shown_part(part, bare_is_secret) for part in parts)


def _shown_part(part: str, bare_is_secret: bool) -> str:
    name, equals, _ = part.partition("=")
    if not equals:
        return HIDDEN if bare_is_secret else part
    return part if name.lower() in _HARMLESS else f"{name}={HIDDEN}"


def _is_option(word: Any) -> bool:
    return isinstance(word, str) and word.startswith("-") and "=" not in word and names_secret(word.lstrip("-"))
