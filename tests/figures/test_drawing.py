from pathlib import Path

import altair as alt
import pytest

from hipo_data.figures.drawing import data, picture, sized

CHART = sized(alt.Chart(data([{"x": 1, "y": 2}])).mark_bar().encode(x="x:Q", y="y:Q"), 80, 60)


def test_a_chart_is_the_picture_that_its_name_says() -> None:
    drawn = picture(CHART, Path("a.svg")).decode()
    assert drawn.startswith("<svg") and "<script" not in drawn
    assert picture(CHART, Path("a.png")).startswith(b"\x89PNG")


def test_other_endings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.pdf: the name of a chart ends in \.svg or \.png"):
        picture(CHART, Path("a.pdf"))
