"""How long an endpoint asks to be left alone, from the headers of its refusal."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE_S = 3600.0
"""A quota that is renewed tomorrow is asked about now and then, and a nonsensical header does not end a run."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_EPOCH_S, _EPOCH_MS = 1e9, 1e11
_RESET = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:(?P<what>.+)-)?reset(?:-(?P<what_last>.+))?")


def pause_asked_for(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, at most an hour, or None where nothing is said.

    `Retry-After` (RFC 9110: seconds or a date) and OpenAI's `retry-after-ms` come first. Else the limits that have
    nothing remaining decide, by the latest of their resets; where none is said to be used up, the earliest reset.

    Args:
        headers: of the response; names in any case.
        now: seconds since the epoch.
    """
    known = {name.lower(): value.strip() for name, value in headers.items()}
    asked = _milliseconds(known.get("retry-after-ms"))
    if asked is None:
        asked = moment(known.get("retry-after", ""), now)
    if asked is None:
        asked = _until_reset(known, now)
    return None if asked is None else min(max(asked, 0.0), LONGEST_PAUSE_S)


def moment(text: str, now: float) -> float | None:
    """Seconds from `now` to what `text` means: seconds, `6m0s`, an epoch time, or a date; None for anything else."""
    try:
        number = float(text)
    except ValueError:
        return _duration(text) if _DURATION.fullmatch(text) else _until_date(text, now)
    if not math.isfinite(number):
        return None
    if number > _EPOCH_MS:
        return number / 1000 - now
    return number - now if number > _EPOCH_S else number


def _milliseconds(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number / 1000 if math.isfinite(number) else None


def _duration(text: str) -> float:
    return sum(float(count) * _UNITS[unit] for count, unit in _DURATION_PART.findall(text))


def _until_date(text: str, now: float) -> float | None:
    parsers: tuple[Callable[[str], datetime], ...] = (parsedate_to_datetime, datetime.fromisoformat)
    for parse in parsers:
        try:
            date = parse(text)
        except ValueError:
            continue
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return None


def _until_reset(headers: Mapping[str, str], now: float) -> float | None:
    used_up: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        match = _RESET.fullmatch(name)
        seconds = moment(value, now) if match else None
        if match is None or seconds is None:
            continue
        remaining = headers.get(name.replace("reset", "remaining"), "")
        (used_up if remaining.split(".")[0] == "0" else others).append(seconds)
    if used_up:
        return max(used_up)
    return min(others, default=None)
