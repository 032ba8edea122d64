"""How long endpoints ask to be left alone: too short costs attempts, too long leaves an engine idle."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipo_data.engines.retry_headers import LONGEST_PAUSE_S, pause_asked_for

NOW = datetime(2027, 1, 15, 8, 0, 0, tzinfo=UTC)


def pause(**headers: str) -> float | None:
    return pause_asked_for({name.replace("_", "-"): value for name, value in headers.items()}, NOW.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        (" 20 ", 20.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("-3", 0.0),
        ("86400", LONGEST_PAUSE_S),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert pause(Retry_After=value) == pytest.approx(seconds)


def test_milliseconds_come_first() -> None:
    assert pause(retry_after_ms="1500", Retry_After="2") == 1.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("8.64s", 8.64),
        ("20ms", 0.02),
        ("1m2.5s", 62.5),
        ("12", 12.0),
        (str(int(NOW.timestamp()) + 30), 30.0),
        (str(int(NOW.timestamp() * 1000) + 30_000), 30.0),
        ("2027-01-15T08:00:45Z", 45.0),
    ],
)
def test_reset_in_the_forms_that_providers_use(value: str, seconds: float) -> None:
    assert pause(x_ratelimit_reset_requests=value) == pytest.approx(seconds)
    assert pause(X_RateLimit_Reset=value) == pytest.approx(seconds)
    assert pause(anthropic_ratelimit_tokens_reset=value) == pytest.approx(seconds)


def test_limit_that_is_used_up_decides_and_the_other_does_not() -> None:
    asked = pause(
        x_ratelimit_remaining_requests="0",
        x_ratelimit_reset_requests="2s",
        x_ratelimit_remaining_tokens="900",
        x_ratelimit_reset_tokens="40s",
    )
    assert asked == 2.0


def test_earliest_reset_where_no_limit_is_said_to_be_used_up() -> None:
    assert pause(x_ratelimit_reset_requests="2s", x_ratelimit_reset_tokens="40s") == 2.0


def test_retry_after_wins_over_resets() -> None:
    assert pause(Retry_After="3", x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="60s") == 3.0


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "1y", "s", "Mon, 99 Foo 2027"])
def test_nonsense_asks_for_nothing(value: str) -> None:
    assert pause(Retry_After=value, retry_after_ms=value, x_ratelimit_reset_tokens=value) is None


def test_other_headers_ask_for_nothing() -> None:
    assert pause(Content_Length="3", x_request_id="7", x_ratelimit_limit_requests="60") is None


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_value_gives_a_bounded_pause_or_none(after: str, reset: str) -> None:
    asked = pause(Retry_After=after, x_ratelimit_reset_requests=reset)
    assert asked is None or 0 <= asked <= LONGEST_PAUSE_S
