"""When an endpoint is rested, and how it comes back."""

from hipo_data.engines.circuit import Circuit


def opened(now: float = 0.0) -> Circuit:
    circuit = Circuit()
    for prompt in range(5):
        circuit.failed(circuit.epoch, now, prompt)
    return circuit


def rested(now: float = 0.0) -> Circuit:
    circuit = opened(now)
    circuit.sent()
    circuit.failed(circuit.epoch, now)
    return circuit


def test_failures_between_successes_rest_nothing() -> None:
    circuit = Circuit()
    for _ in range(20):
        for _ in range(4):
            circuit.failed(circuit.epoch, 0.0)
        circuit.succeeded()
    assert not circuit.is_open


def test_five_failures_in_a_row_put_it_on_trial_at_once_and_a_failed_trial_rests_it() -> None:
    assert opened(now=10.0).is_open and opened(now=10.0).rests_until <= 10.0
    assert rested(now=10.0).rests_until == 12.0


def test_one_trial_finds_out_and_others_wait_for_it() -> None:
    circuit = opened()
    assert circuit.admits()
    circuit.sent()
    assert not circuit.admits()
    circuit.succeeded()
    assert circuit.admits() and not circuit.is_open and circuit.rests_until == 0


def test_each_failed_trial_doubles_the_rest_up_to_a_minute() -> None:
    circuit, now, rests = rested(), 2.0, []
    for _ in range(7):
        circuit.sent()
        circuit.failed(circuit.epoch, now)
        rests.append(circuit.rests_until - now)
        now = circuit.rests_until
    assert rests == [4, 8, 16, 32, 60, 60, 60]
    assert circuit.failing_since == 0.0


def test_burst_of_failures_opens_it_once() -> None:
    circuit = Circuit()
    sent = circuit.epoch
    for prompt in range(256):
        circuit.failed(sent, 0.0, prompt)
    assert circuit.is_open and circuit.rests_until == 0.0


def test_late_success_of_an_old_request_ends_the_rest() -> None:
    circuit = rested()
    circuit.succeeded()
    assert not circuit.is_open


def test_cancelled_trial_makes_room_for_another() -> None:
    circuit = opened()
    circuit.sent()
    circuit.unknown(circuit.epoch)
    assert circuit.admits()


# Whose fault


def test_prompts_that_fail_while_others_pass_never_open_it_again() -> None:
    circuit = opened()
    circuit.sent()
    circuit.succeeded()
    assert [circuit.suspicion(prompt) for prompt in range(6)] == [1] * 5 + [0]
    for _ in range(20):
        for prompt in range(5):
            circuit.failed(circuit.epoch, 0.0, prompt)
    assert not circuit.is_open and circuit.failing_since is None and circuit.suspicion(3) == 21


def test_other_prompts_open_it_beside_those() -> None:
    circuit = opened()
    circuit.succeeded()
    for prompt in range(9):
        assert not circuit.is_open
        circuit.failed(circuit.epoch, 0.0, prompt + 1)
    assert circuit.is_open


def test_prompts_that_failed_while_the_endpoint_was_down_are_no_suspects() -> None:
    circuit = rested()
    circuit.sent()
    circuit.succeeded()
    assert not any(circuit.suspicion(prompt) for prompt in range(5))


def test_prompt_that_passes_is_no_suspect() -> None:
    circuit = opened()
    circuit.succeeded(prompt=7)
    circuit.succeeded(prompt=3)
    assert [circuit.suspicion(prompt) for prompt in (2, 3)] == [1, 0]


def test_request_that_never_arrived_makes_no_suspect() -> None:
    circuit = Circuit()
    for _ in range(5):
        circuit.failed(circuit.epoch, 0.0)
    assert circuit.is_open
