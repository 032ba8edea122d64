"""Measured quantities: how units are written, what converts into what, how near is near, and what cannot be told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipo_data.graders import Grader
from hipo_data.graders.quantities import unit_text
from hipo_data.graders.quantities.compare import decide
from hipo_data.schemas.gold import MathGold
from hipo_data.schemas.grading import GradeRequest, GradingConfig
from hipo_data.schemas.records import Status

Gold = tuple[str, str | None]

SPEEDING: Gold = ("9.8", r"\mathrm{m/s^2}")
ENTROPY: Gold = ("-87.8", r"$\mathrm{J} \mathrm{K}^{-1} \mathrm{~mol}^{-1}$")
STIFF: Gold = ("313", r"$\mathrm{~N} \cdot \mathrm{m}^{-1}$")
WARM: Gold = ("25", "°C")
HEATED: Gold = ("20", "K")
SHARE: Gold = ("45", r"\%")
ANGLE: Gold = ("30", "degrees")
TONE: Gold = ("50", "Hz")
WORK: Gold = ("2.0", "J")
LENGTH: Gold = ("1.437", "m")
SMALL: Gold = ("1.5", r"$10^{-3} \mathrm{~m}$")
CHARGE: Gold = ("1.6e-19", "C")
IONS: Gold = ("13.6", "eV")
PRESSURE: Gold = ("1", "atm")
FORCE: Gold = ("5", "N")
MANY: Gold = (r"6.02 \times 10^{23}", "mol^{-1}")
ROUND: Gold = (r"2\pi", "rad")
COUNT: Gold = ("4", "electrons")
TORQUE: Gold = ("7200", "ft-lb")
ZERO: Gold = ("0", "V")
VOLUME: Gold = ("3.0", "L")
FAR: Gold = ("1.0", "AU")
DISTANCE: Gold = ("3.5", "m")
CURRENT: Gold = ("5", "A")
MOMENT: Gold = ("12", "N m")
CONDUCTION: Gold = ("0.6", "W/(m K)")
FIELD: Gold = ("1.0", "T")
MINUTES: Gold = ("125", "min")
HALVED: Gold = ("0.625", "m")
CIRCLE: Gold = ("x^2 + y^2 = 4", "m")
NAMED: Gold = ("v_0 = 3", "m/s")
SYMBOLIC: Gold = ("2x", "m")
HEIGHT: Gold = (r"\frac{v^2}{2g}", "m")
IN_DOLLAR_SIGNS: Gold = ("20", r"$^\circ$C")

CASES: list[tuple[Gold, str, str, str]] = [
    # how units are written
    (SPEEDING, "9.8 m/s^2", "correct", "match"),
    (SPEEDING, r"9.8\ \mathrm{m\,s^{-2}}", "correct", "match"),
    (SPEEDING, r"9.8 \text{ m/s}^2", "correct", "match"),
    (SPEEDING, r"9.8\,\frac{\mathrm{m}}{\mathrm{s}^2}", "correct", "match"),
    (SPEEDING, r"\SI{9.8}{m.s^{-2}}", "correct", "match"),
    (SPEEDING, r"\qty{9.8}{\metre\per\second\squared}", "correct", "match"),
    (SPEEDING, r"9.8\,\si{\metre\per\second\squared}", "correct", "match"),
    (SPEEDING, "9.8 meters per second squared", "correct", "match"),
    (SPEEDING, "9.8 m s⁻²", "correct", "match"),
    (SPEEDING, r"9.8\ \mathrm{ms^{-2}}", "correct", "match"),
    (SPEEDING, r"g \approx 9.8\ \mathrm{m \cdot s^{-2}}", "correct", "match"),
    (SPEEDING, "9,8 m/s²", "correct", "match"),
    (SPEEDING, r"(9.8 \pm 0.1)\ \mathrm{m/s^2}", "correct", "match"),
    (ENTROPY, r"-87.8\ \mathrm{J/(mol\cdot K)}", "correct", "match"),
    (ENTROPY, "-87.8 J/mol K", "correct", "match"),
    (ENTROPY, "-87.8 J/K/mol", "correct", "match"),
    (ENTROPY, "−87.8 J K⁻¹ mol⁻¹", "correct", "match"),
    (WARM, r"25^\circ\text{C}", "correct", "match"),
    (WARM, "25 degrees Celsius", "correct", "match"),
    (ANGLE, r"30^{\circ}", "correct", "match"),
    (CHARGE, r"1.6\times10^{-19}\,\text{C}", "correct", "match"),
    (CHARGE, "1.602 × 10⁻¹⁹ C", "correct", "match"),
    (MANY, r"6.022 \cdot 10^{23}\ \mathrm{mol}^{-1}", "correct", "match"),
    (MANY, "6.02e23 /mol", "correct", "match"),
    (ROUND, r"2\pi \text{ rad}", "correct", "match"),
    (WORK, r"2.0\ \text{joules}", "correct", "match"),
    (VOLUME, "3 cubic decimeters", "correct", "match"),
    (SPEEDING, r"9.8\ \frac{m}{s^2}", "correct", "match"),
    (SPEEDING, r"\text{9.8 m/s²}", "correct", "match"),
    (DISTANCE, r"\text{3.5 m}", "correct", "match"),
    (DISTANCE, r"\text{about 3.5 m}", "correct", "match"),
    (DISTANCE, r"\mathbf{3.5}\ \text{m}", "correct", "match"),
    (DISTANCE, r"3{,}5\text{ m}", "correct", "match"),
    (DISTANCE, r"3.5\text{ m} \pm 0.2\text{ m}", "correct", "match"),
    (DISTANCE, r"3.5\text{ m} \pm 5\%", "correct", "match"),
    (DISTANCE, r"\frac{7}{2}\ m", "correct", "match"),
    (HALVED, "0,625 m", "correct", "match"),
    (ROUND, r"2\pi\ rad", "correct", "match"),
    (IN_DOLLAR_SIGNS, r"20^\circ\text{C}", "correct", "match"),
    (IN_DOLLAR_SIGNS, "20 ℃", "correct", "match"),
    (WARM, "25 degrees C", "correct", "match"),
    # what converts
    (SPEEDING, "980 cm/s^2", "correct", "match"),
    (SPEEDING, "35.28 km/h/s", "correct", "match"),
    (ENTROPY, "-0.0878 kJ/(K mol)", "correct", "match"),
    (ENTROPY, "-20.98 cal/(mol K)", "correct", "match"),
    (STIFF, "313 kg/s^2", "correct", "match"),
    (STIFF, "3.13 mdyn/Å", "correct", "match"),
    (WARM, "298.15 K", "correct", "match"),
    (WARM, "77 °F", "correct", "match"),
    (ANGLE, r"\pi/6 \text{ rad}", "correct", "match"),
    (ROUND, "360°", "correct", "match"),
    (TONE, "0.05 kHz", "correct", "match"),
    (TONE, "50 s^{-1}", "correct", "match"),
    (TONE, "3000 rpm", "correct", "match"),
    (SMALL, "1.5 mm", "correct", "match"),
    (SMALL, "0.0015 m", "correct", "match"),
    (CHARGE, "1.0 e", "correct", "match"),
    (IONS, "2.18e-18 J", "correct", "match"),
    (PRESSURE, "760 Torr", "correct", "match"),
    (PRESSURE, "101.3 kPa", "correct", "match"),
    (VOLUME, "0.003 m^3", "correct", "match"),
    (FORCE, "5 kg m/s^2", "correct", "match"),
    (FAR, "1.5e11 m", "correct", "match"),
    (CURRENT, "5 amps", "correct", "match"),
    (MOMENT, "12 Nm", "correct", "match"),
    (CONDUCTION, "0.6 W/mK", "correct", "match"),
    (FIELD, r"10^4\ \text{gauss}", "correct", "match"),
    (FIELD, "10000 G", "correct", "match"),
    (("47", r"\Omega"), r"0.047\ \text{k}\Omega", "correct", "match"),
    # without a unit
    (SPEEDING, "9.81", "correct", "match_without_unit"),
    (WARM, "25", "correct", "match_without_unit"),
    (SHARE, "45", "correct", "match_without_unit"),
    (SHARE, "0.45", "correct", "match_without_unit"),
    (COUNT, "4", "correct", "match_without_unit"),
    (ROUND, "6.283", "correct", "match_without_unit"),
    (SPEEDING, "98", "unknown", "missing_unit"),
    (WORK, "2000", "unknown", "missing_unit"),
    (ANGLE, r"\frac{\pi}{6}", "unknown", "missing_unit"),
    (SPEEDING, "12", "incorrect", "outside_tolerance"),
    (SPEEDING, "-9.8", "incorrect", "outside_tolerance"),
    # how near
    (SPEEDING, "9.75 m/s^2", "correct", "match"),
    (SPEEDING, "10 m/s^2", "unknown", "near_tolerance"),
    (SPEEDING, "12 m/s^2", "incorrect", "outside_tolerance"),
    (SPEEDING, "-9.8 m/s^2", "incorrect", "outside_tolerance"),
    (LENGTH, "1.4 m", "correct", "match"),
    (LENGTH, "1.40 m", "unknown", "near_tolerance"),
    (LENGTH, "1 m", "incorrect", "outside_tolerance"),
    (WORK, "2.04 J", "correct", "match"),
    (WORK, "2.1 J", "unknown", "near_tolerance"),
    (WORK, "3 J", "incorrect", "outside_tolerance"),
    (ZERO, "0 V", "correct", "match"),
    (ZERO, "0.001 V", "incorrect", "outside_tolerance"),
    (SHARE, r"0.45\%", "incorrect", "outside_tolerance"),
    # other units
    (SPEEDING, "9.8 m/s", "incorrect", "other_unit"),
    (FORCE, "5 J", "incorrect", "other_unit"),
    (FORCE, "5 °C", "incorrect", "other_unit"),
    (WARM, "25 J", "incorrect", "other_unit"),
    (FORCE, "5 kN", "incorrect", "outside_tolerance"),
    (STIFF, "313 N m", "incorrect", "other_unit"),
    (IONS, "13.6 MeV", "incorrect", "outside_tolerance"),
    (SMALL, "1.5 m", "incorrect", "outside_tolerance"),
    (WARM, "25 °F", "incorrect", "outside_tolerance"),
    (HEATED, "293.15 K", "incorrect", "outside_tolerance"),
    (COUNT, "5 electrons", "incorrect", "outside_tolerance"),
    (("400", "electrons"), "401 electrons", "unknown", "near_tolerance"),
    (("400", "electrons"), "400", "correct", "match_without_unit"),
    (DISTANCE, r"\text{3.5 cm}", "incorrect", "outside_tolerance"),
    (DISTANCE, r"\text{3.5 kg}", "incorrect", "other_unit"),
    (DISTANCE, r"\mathbf{3.5\ kg}", "incorrect", "other_unit"),
    (DISTANCE, r"3.5\ \frac{m}{s}", "incorrect", "other_unit"),
    (DISTANCE, r"\frac{7}{2}\ cm", "incorrect", "outside_tolerance"),
    # what cannot be told
    (MINUTES, "2 h 5 min", "unknown", "unclear_unit"),
    (("5.5", "ft"), "5 ft 6 in", "unknown", "unclear_unit"),
    (DISTANCE, r"3.5\text{ kg} \text{ (or } 3500\text{ g)}", "unknown", "unclear_unit"),
    (HEATED, "20 °C", "unknown", "temperature_or_difference"),
    (TONE, "50 rad/s", "unknown", "turns_or_radians"),
    (TONE, "314 rad/s", "unknown", "turns_or_radians"),
    (TONE, "70 rad/s", "incorrect", "outside_tolerance"),
    (ENTROPY, "-87.8 J/K", "unknown", "unclear_unit"),
    (IONS, "1312 kJ/mol", "unknown", "unclear_unit"),
    (TORQUE, "9762 J", "unknown", "unclear_unit"),
    (COUNT, "4 photons", "unknown", "unclear_unit"),
    # no quantities: as any mathematics
    (FORCE, "5 or 6 N", "incorrect", "mismatch"),
    (FORCE, "5, 6 N", "incorrect", "mismatch"),
    (FORCE, "10^{10^{10}} N", "incorrect", "mismatch"),
    (FORCE, r"\text{no force at all}", "incorrect", "mismatch"),
    (("mg", "N"), "mg", "correct", "match"),
    (DISTANCE, r"3.5\text{ m or }4.2\text{ m}", "incorrect", "mismatch"),
    (DISTANCE, r"\pm 3.5\text{ m}", "incorrect", "mismatch"),
    (DISTANCE, "< 3.5 m", "incorrect", "mismatch"),
    (CIRCLE, "x^2 + y^2 = 4", "correct", "match"),
    (CIRCLE, "x^2 - y^2 = 4", "incorrect", "mismatch"),
    (CIRCLE, "4", "incorrect", "mismatch"),
    (NAMED, "3 m/s", "correct", "match"),
    (NAMED, "v_0 = 3.0 m/s", "correct", "match"),
    (SYMBOLIC, "2x", "correct", "match"),
    (SYMBOLIC, r"2x\text{ m}", "correct", "match"),
    (SYMBOLIC, "2", "incorrect", "mismatch"),
    (SYMBOLIC, r"2x\text{ kg}", "unknown", "unclear_unit"),
    (HEIGHT, r"\frac{v^2}{2g}\text{ m}", "correct", "match"),
    (HEIGHT, r"\frac{v^2}{2g}\text{ s}", "unknown", "unclear_unit"),
]


def request(gold: MathGold, answer: str) -> GradeRequest:
    return GradeRequest(id="x", kind="math", question="", gold=gold, response=rf"\boxed{{{answer}}}")


@pytest.mark.parametrize(("gold", "answer", "status", "reason"), CASES, ids=lambda value: str(value)[:40])
def test_a_quantity_is_graded_by_value_and_unit(
    grader: Grader, gold: Gold, answer: str, status: str, reason: str
) -> None:
    (grade,) = grader.grade([request(MathGold(answers=[gold[0]], unit=gold[1]), answer)])
    assert (grade.status.value, grade.reason) == (status, reason), grade


@pytest.mark.parametrize(
    ("limits", "answer", "status"),
    [
        ({"tolerance": 0.05}, "9.5 m/s^2", "correct"),
        ({"tolerance": 0.001}, "9.81 m/s^2", "incorrect"),
        ({"tolerance": 0.001}, "9.801 m/s^2", "correct"),
        ({"error": 0.1}, "9.9", "correct"),
        ({"error": 0.1}, "9.95", "incorrect"),
        ({"error": 0.1}, "990 cm/s^2", "correct"),
        ({"tolerance": 0.001, "error": 0.3}, "10.1", "correct"),
    ],
)
def test_a_gold_may_say_how_near_is_right(grader: Grader, limits: dict[str, float], answer: str, status: str) -> None:
    gold = MathGold(answers=["9.8"], unit="m/s^2", **limits)
    assert grader.grade([request(gold, answer)])[0].status.value == status


def test_a_tolerance_alone_makes_a_quantity_whose_answer_names_its_unit(grader: Grader) -> None:
    gold = MathGold(answers=["9.8 m/s^2"], tolerance=0.02)
    found = [grader.grade([request(gold, answer)])[0].status.value for answer in ("982 cm/s^2", "9.7", "9.8 m", "0.5")]
    assert found == ["correct", "correct", "incorrect", "incorrect"]


def test_the_time_limit_is_for_the_comparison_and_not_for_what_the_first_one_loads() -> None:
    with Grader(GradingConfig(workers=1, math_timeout_s=0.25)) as hasty:
        asked = request(MathGold(answers=["5"], unit="m"), "500 cm")
        assert hasty.grade([asked])[0].status is Status.CORRECT


def test_any_of_several_golds_will_do(grader: Grader) -> None:
    gold = MathGold(answers=["3", "5"], unit="m")
    assert [grader.grade([request(gold, each)])[0].status.value for each in ("500 cm", "3 m", "4 m")] == [
        "correct", "correct", "incorrect"
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "m/", "m *", "((m)", "m^{n}", "5 or more", "$$", "m" * 500, "/" * 50])
def test_what_is_no_unit_is_none(text: str) -> None:
    assert unit_text.products(text) == ()


def test_plain_golds_need_no_units(grader: Grader) -> None:
    assert grader.grade([request(MathGold(answers=["10 cm"]), "10 m")])[0].reason == "mismatch"


PIECES = (
    *(
        "9.8",
        "-",
        "/",
        "1/2",
        r"\frac{1}{2}",
        r"\times 10^{3}",
        "10^",
        "{",
        "}",
        "(",
        ")",
        "m",
        "s",
        "kg",
        "J",
        "°C",
        " ",
    ),
    *(
        r"^\circ",
        "^{-1}",
        r"\mathrm{",
        r"\si{",
        r"\per",
        "squared",
        "%",
        "lb",
        "rad",
        "rpm",
        "mol",
        "e5",
        "or",
        "=",
        "٣",
    ),
)
written = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(gold=st.sampled_from(["9.8", "5 J", r"2\pi", "25", "0"]), answer=written, unit=st.none() | written)
def test_whatever_is_written_gets_a_verdict(gold: str, answer: str, unit: str | None) -> None:
    said = decide(gold, answer, unit or None, None, None)
    assert said is None or said.reason
