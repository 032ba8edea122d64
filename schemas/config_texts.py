"""Texts that keys of a config hold: lines, names of folders, addresses, names of environment variables.

None of what is refused is quoted: an address may hold a password, and a key may stand where its variable belongs.
"""

import re
import unicodedata
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_LONGEST_NAME = 200
"""Bytes; file systems take 255, and `.probe`, `.check` and the like are put behind a run's name."""

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile("(?:sk|pk|hf|gsk|xai|ghp|gho|pplx|nvapi|glpat|r8)_[A-Za-z0-9_]{16,}|AKIA[A-Z0-9]{12,}")
_RANDOM = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{20,}(?![A-Za-z0-9])")
_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?", re.ASCII)
_OF_A_REQUEST = "/chat/completions"


def _line(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write what it is, or leave the key out")
    sign = next((sign for sign in text if unicodedata.category(sign) in ("Cc", "Zl", "Zp")), None)
    if sign is not None:
        raise ValueError(f"holds the control character U+{ord(sign):04X}, such as the end of a line; leave it out")
    return text


def _name(text: str) -> str:
    if "/" in _line(text):
        raise ValueError("holds '/', which would be a folder in its path; write another sign")
    return text


def _folder_name(text: str) -> str:
    if _name(text) in (".", ".."):
        raise ValueError(f"'{text}' means another folder; write a name")
    if len(text.encode()) > _LONGEST_NAME:
        raise ValueError(f"has {len(text.encode())} bytes, more than {_LONGEST_NAME}, and folders are named by it")
    return text


Line = Annotated[str, AfterValidator(_line)]
"""Text without line ends and other control characters, and not empty."""

Name = Annotated[str, AfterValidator(_name)]
"""A line without `/`."""

FolderName = Annotated[str, AfterValidator(_folder_name)]
"""What a folder can be called."""


def repository_objection(name: str) -> str | None:
    """What is wrong with the name of a repository on the Hugging Face Hub."""
    if _REPOSITORY.fullmatch(name) and ".." not in name:
        return None
    return "names no repository on the Hub; write ORGANISATION/NAME, or give 'path' for local files"


def address_objection(url: str) -> str | None:
    """What is wrong with an http(s) address."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(sign.isspace() or unicodedata.category(sign) == "Cc" for sign in url):
        return "is no address; write it whole, as http://HOST:PORT/… or https://HOST/…"
    return None


def base_url_objection(url: str) -> str | None:
    """What is wrong with the base address of an endpoint; white space around it does no harm."""
    url = url.strip()
    if urlsplit(url).path.rstrip("/").endswith(_OF_A_REQUEST) if address_objection(url) is None else False:
        return f"is the address of one request; leave out {_OF_A_REQUEST}, which is put behind it"
    return address_objection(url)


def variable_objection(name: str) -> str | None:
    """What is wrong with the name of the environment variable that holds a key."""
    if _VARIABLE.fullmatch(name) and not _KEY.search(name) and not _RANDOM.search(name):
        return None
    return (
        "takes the name of an environment variable, such as TEACHER_KEY, and what stands there is none; put a key "
        "itself into such a variable"
    )


def is_variable(name: str) -> bool:
    """Whether an environment variable can have this name."""
    return bool(re.fullmatch(r"[^=\s\0]+", name))
