"""The settings that `hipo-data whatif` is asked about, from the text of its options."""

from decimal import Decimal, InvalidOperation

from hipo_data.schemas.errors import UserError

_MOST_DELTAS = 101


def parse_deltas(text: str) -> list[float]:
    """`0:0.5:0.05` (both ends included) or `0.1,0.2`. Raises `UserError` for anything else, or outside of 0 to 1."""
    form = "--delta takes start:stop:step, such as 0:0.5:0.05, or values such as 0.1,0.2"
    try:
        values = [Decimal(part) for part in text.split(":" if ":" in text else ",")]
    except InvalidOperation:
        raise UserError(f"{form}; '{text}' is neither") from None
    if ":" in text:
        if len(values) != 3 or not all(value.is_finite() for value in values) or values[2] <= 0:
            raise UserError(f"{form}; '{text}' is neither")
        start, stop, step = values
        if (stop - start) / step >= _MOST_DELTAS:
            raise UserError(f"--delta {text} names more than {_MOST_DELTAS} values; take a larger step")
        values = [start + step * at for at in range(int((stop - start) / step) + 1)]
    if not values or not all(value.is_finite() and 0 <= value <= 1 for value in values):
        raise UserError(f"--delta {text}: every δ lies between 0 and 1, and a range goes upwards")
    return [float(value) for value in values]


def parse_ns(text: str) -> list[int]:
    """`4,8`. Raises `UserError` for anything but positive whole numbers."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise UserError(f"--n takes whole numbers of rollouts, such as 4,8; '{text}' is not of that form")
    return [int(part) for part in parts]
