"""Values and frames as they cross the sandbox's border: plain JSON, with a tag for what JSON cannot say.

None, booleans, integers, finite floats, strings and lists stand for themselves; every other value is an object with
one key, its tag. Only the values of built-in types (and of a few standard containers) are encoded, so what arrives on
the other side never carries behaviour of the program that made it.
"""

import json
import math
import socket
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_FRAME = 256 << 20
MAX_DIGITS = 4000
"""Integers with more decimal digits travel in hexadecimal, which is linear to read and write."""

_BIG = 10**MAX_DIGITS
_SCALARS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_CONTAINERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (list, list.__iter__),
    (tuple, tuple.__iter__),
    (set, set.__iter__),
    (dict, dict.items),
)
"""How to see the value of a subclass's instance without asking the subclass."""
_MAPPINGS = (dict, Counter, OrderedDict, defaultdict)


class WireError(ValueError):
    """A value that cannot cross the border, or bytes that are no value."""


class Remote:
    """A value that stays on the other side; it can be passed back, called and asked for attributes, and no more."""

    def __init__(self, number: int) -> None:
        self.number = number


class Nodes:
    """A linked list or binary tree as its values: `kind` is `ln` or `tn`, `values` in list or level order."""

    def __init__(self, kind: str, values: list[Any]) -> None:
        self.kind = kind
        self.values = values


def encode(value: Any, keep: Callable[[Any], int] | None = None) -> Any:
    """The JSON form of `value`. What has none is given to `keep`, whose number stands for it.

    Raises `WireError` where there is no `keep`, and `RecursionError` on a value that is nested too deep.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_BIG < value < _BIG else {"i": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if kind is list:
        return [encode(item, keep) for item in value]
    if kind is tuple:
        return {"t": [encode(item, keep) for item in value]}
    if kind in _MAPPINGS:
        return {"d": [[encode(k, keep), encode(v, keep)] for k, v in dict.items(value)]}
    if kind is set or kind is frozenset:
        return {"s" if kind is set else "fs": [encode(item, keep) for item in value]}
    if kind is bytes or kind is bytearray:
        return {"b" if kind is bytes else "ba": value.hex()}
    if kind is complex:
        return {"c": [encode(value.real), encode(value.imag)]}
    if kind is deque:
        return {"dq": [encode(item, keep) for item in value]}
    if kind is Fraction:
        return {"fr": [encode(value.numerator), encode(value.denominator)]}
    if kind is Decimal:
        return {"dec": str(value)}
    if kind is range:
        return {"r": [value.start, value.stop, value.step]}
    if kind is Nodes:
        return {value.kind: [encode(item, keep) for item in value.values]}
    if kind is Remote:
        return {"h": value.number}
    if kind.__module__ == "numpy":
        return _encode_numpy(value, kind, keep)
    if kind.__name__ in ("ListNode", "TreeNode"):
        return encode(_nodes(value), keep)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return {"t": [encode(item, keep) for item in tuple.__iter__(value)]}
    for base, plain in _SCALARS:
        if issubclass(kind, base):
            return encode(plain(value))
    if keep is not None:
        return {"h": keep(value)}
    for base, parts in _CONTAINERS:
        if issubclass(kind, base):
            return encode(base(parts(value)))
    raise WireError(f"a value of type {kind.__name__} cannot be compared")


def decode(value: Any, resolve: Callable[[int], Any] = Remote, node: Callable[[Nodes], Any] = lambda n: n) -> Any:
    """The value of a JSON form. `resolve` turns numbers of kept values, `node` linked lists and trees, into values.

    Raises `WireError` on what `encode` does not produce, and `RecursionError` on a value that is nested too deep.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [decode(item, resolve, node) for item in value]
    if not isinstance(value, dict) or len(value) != 1:
        raise WireError("not a value")
    ((tag, body),) = value.items()
    try:
        return _decode_tagged(tag, body, resolve, node)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise WireError(f"not a value: {error}") from None


def frame(message: Any, tail: bytes = b"") -> bytes:
    """A message as it is sent: the lengths of its JSON and of the raw bytes after it, then both."""
    head = json.dumps(message).encode()
    return len(head).to_bytes(4, "big") + len(tail).to_bytes(4, "big") + head + tail


def frame_size(data: bytes | bytearray) -> int:
    """The size of the frame that `data` begins with; 0 where too little of it is there to tell."""
    return 8 + int.from_bytes(data[:4], "big") + int.from_bytes(data[4:8], "big") if len(data) >= 8 else 0


def unframe(data: bytes) -> tuple[Any, bytes]:
    """The message and the raw bytes of a whole frame. Raises `WireError` where the message is no strict JSON."""
    head = int.from_bytes(data[:4], "big")
    return parse(data[8 : 8 + head]), data[8 + head :]


def send(link: socket.socket, message: Any, tail: bytes = b"") -> None:
    """Sends a frame."""
    link.sendall(frame(message, tail))


def receive(link: socket.socket) -> tuple[Any, bytes]:
    """The next frame. Raises `EOFError` where the other side has closed, `WireError` on a malformed frame."""
    sizes = receive_exactly(link, 8)
    if frame_size(sizes) > MAX_FRAME:
        raise WireError(f"a frame of {frame_size(sizes)} bytes")
    return unframe(sizes + receive_exactly(link, frame_size(sizes) - 8))


def parse(data: bytes) -> Any:
    """Strict JSON. Raises `WireError` on anything else, on NaN and infinities, and on too deep a nesting."""
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {type(error).__name__}") from None


def receive_exactly(link: socket.socket, size: int) -> bytes:
    """`size` bytes. Raises `EOFError` where the other side closes before."""
    parts = []
    while size:
        part = link.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _decode_tagged(tag: str, body: Any, resolve: Callable[[int], Any], node: Callable[[Nodes], Any]) -> Any:
    if tag == "i":
        return int(body, 16)
    if tag == "f":
        return float(body)
    if tag == "c":
        return complex(decode(body[0]), decode(body[1]))
    if tag == "fr":
        return Fraction(decode(body[0]), decode(body[1]))
    if tag == "dec":
        return Decimal(body)
    if tag in ("b", "ba"):
        return bytes.fromhex(body) if tag == "b" else bytearray.fromhex(body)
    if tag == "r":
        return range(*body)
    if tag == "h":
        return resolve(body)
    if tag == "d":
        return {decode(k, resolve, node): decode(v, resolve, node) for k, v in body}
    items = [decode(item, resolve, node) for item in body]
    if tag == "t":
        return tuple(items)
    if tag == "s":
        return set(items)
    if tag == "fs":
        return frozenset(items)
    if tag == "dq":
        return deque(items)
    if tag in ("ln", "tn"):
        return node(Nodes(tag, items))
    if tag == "np":
        return _array(items)
    raise WireError(f"unknown tag {tag!r}")


def _encode_numpy(value: Any, kind: type, keep: Callable[[Any], int] | None) -> Any:
    if kind.__name__ == "ndarray":
        return {"np": [encode(item, keep) for item in value.tolist()]} if value.ndim else encode(value.item(), keep)
    item = value.item()
    if type(item).__module__ == "numpy":
        raise WireError(f"a value of type numpy.{kind.__name__} cannot be compared")
    return encode(item, keep)


def _array(items: list[Any]) -> Any:
    import numpy

    return numpy.array(items)


def _nodes(value: Any) -> Nodes:
    if type(value).__name__ == "ListNode":
        values, seen = [], set()
        while value is not None:
            if id(value) in seen:
                raise WireError("a linked list with a cycle")
            seen.add(id(value))
            values.append(value.val)
            value = value.next
        return Nodes("ln", values)
    values, level, seen = [], [value], set()
    while any(item is not None for item in level):
        following = []
        for item in level:
            values.append(None if item is None else item.val)
            if item is not None:
                if id(item) in seen:
                    raise WireError("a tree with a cycle")
                seen.add(id(item))
                following += [item.left, item.right]
        level = following
    while values and values[-1] is None:
        values.pop()
    return Nodes("tn", values)


def _no_constant(name: str) -> None:
    raise ValueError(name)
