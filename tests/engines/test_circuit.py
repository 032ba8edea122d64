"""When an endpoint is rested, and how it comes back."""

from hipo_data.engines.circuit import Circuit


def opened(now: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(5):
        circuit.failed(circuit.epoch, now)
    return circuit


def test_failures_between_successes_rest_nothing() -> None:
    circuit = Circuit()
    for _ in range(20):
        for _ in range(4):
            circuit.failed(circuit.epoch, 0.0)
        circuit.succeeded()
    assert not circuit.is_open


def test_five_failures_in_a_row_rest_it() -> None:
    assert opened(now=10.0).rests_until == 12.0


def test_one_request_finds_out_and_others_wait_for_it() -> None:
    circuit = opened()
    assert circuit.admits()
    circuit.sent()
    assert not circuit.admits()
    circuit.succeeded()
    assert circuit.admits() and not circuit.is_open and circuit.rests_until == 0


def test_each_failed_trial_doubles_the_rest_up_to_a_minute() -> None:
    circuit, now, rests = opened(), 2.0, []
    for _ in range(7):
        circuit.sent()
        circuit.failed(circuit.epoch, now)
        rests.append(circuit.rests_until - now)
        now = circuit.rests_until
    assert rests == [4, 8, 16, 32, 60, 60, 60]
    assert circuit.failing_since == 0.0


def test_burst_of_failures_rests_it_once() -> None:
    circuit = Circuit()
    sent = circuit.epoch
    for _ in range(256):
        circuit.failed(sent, 0.0)
    assert circuit.rests_until == 2.0


def test_late_success_of_an_old_request_ends_the_rest() -> None:
    circuit = opened()
    circuit.succeeded()
    assert not circuit.is_open


def test_cancelled_trial_makes_room_for_another() -> None:
    circuit = opened()
    circuit.sent()
    circuit.unknown(circuit.epoch)
    assert circuit.admits()
