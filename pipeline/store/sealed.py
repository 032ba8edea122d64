"""JSON objects that end with a checksum of themselves, and what is said of a file that is not as it was written."""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any

from hipo_data.schemas.errors import DamagedError

_KEY = "checksum"
_SEAL = re.compile(rb',\n "checksum": "([0-9a-f]{64})"\n}\n?\Z')


def seal(text: str) -> bytes:
    """A JSON object as a file: the text, and as its last key the SHA-256 of all bytes before that."""
    body = text.rstrip().removesuffix("}").rstrip().encode()
    return body + b',\n "checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}'


def unseal(path: object, data: bytes, known: Collection[str]) -> dict[str, Any]:
    """What `seal` was given, parsed. Files of before there were checksums pass without one.

    Raises `DamagedError` where the checksum does not fit, where there is none beside a key that is not `known` (it may
    be the checksum's own), and where the file is no JSON object.
    """
    found = _SEAL.search(data)
    if found is not None and hashlib.sha256(data[: found.start()]).hexdigest().encode() != found[1]:
        raise DamagedError(path, "does not fit its checksum")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedError(path, f"is {'no JSON' if data.strip() else 'empty'}") from error
    if not isinstance(value, dict):
        raise DamagedError(path, "is no JSON object")
    if found is None and (strange := sorted(value.keys() - set(known))):
        raise DamagedError(path, f"was altered: it holds '{strange[0][:40]}' and no checksum that fits")
    value.pop(_KEY, None)
    return value
