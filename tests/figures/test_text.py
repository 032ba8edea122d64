from hipo_data.figures.text import number, percent


def test_figures_are_written_for_people() -> None:
    assert (percent(0.625), percent(0.0), percent(None)) == ("62.5 %", "0.0 %", "–")
    assert (number(1234.56), number(0.0), number(None)) == ("1,234.6", "0.0", "–")
    assert (number(1234.56, 0), number(None, 0)) == ("1,235", "–")
