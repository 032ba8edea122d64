"""The report of a run as publish would write it."""

from hipo_data.pipeline.report.page import report
from hipo_data.pipeline.views.run_files import RunFiles
from hipo_data.schemas.length_unit import lengths_of
from hipo_data.stages.publish.statistics import statistics


def page(files: RunFiles) -> str:
    """The page of a run whose examples are there."""
    decisions, examples = files.scan("select"), files.scan("justify")
    assert decisions is not None
    assert examples is not None
    return report(files, statistics(decisions, examples, lengths_of(files.config).unit), decisions, examples)
