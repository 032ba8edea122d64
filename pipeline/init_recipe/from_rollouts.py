"""A recipe for rollouts that another tool sampled: nothing is asked, all is decided anew."""

from collections import Counter
from collections.abc import Sequence

from hipo_data.figures.plural import counted
from hipo_data.schemas.config import IngestConfig
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import Mode
from hipo_data.schemas.source_config import SourceConfig
from hipo_data.stages.ingest.elsewhere.objects import objects
from hipo_data.stages.ingest.elsewhere.tools import TOOLS, tool_of
from hipo_data.stages.ingest.none_accepted import Taken, why_none
from hipo_data.stages.ingest.origins import Origin, files_of
from hipo_data.stages.ingest.reading.blocks import blocks
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError
from hipo_data.stages.ingest.rows import Reader, read_rows
from hipo_data.stages.ingest.sources import adapter_of, own_config

ENGINE = """
engines:
  came:
    type: rollouts    # nothing is sampled; name a tokenizer to count lengths in its tokens

roles:
  think_on: {{engine: came}}
  think_off: {{engine: came}}
  justifier: {{engine: came}}

sample:
  n: {n}    # at most so many rollouts a problem and mode; what came beyond them is quarantined

select:
  min_graded: {graded}
"""


def tool_that_wrote(files: Sequence[SourceFile]) -> str | None:
    """The tool whose rollouts the first file holds; null where it is of none that is known."""
    try:
        with files[0].open() as file:
            first = next(objects(file), None)
    except UnreadableFileError:
        return None
    return None if first is None or isinstance(first, Exception) else tool_of(first)


def looked_at(tool: str, keys: dict[str, str]) -> tuple[str, list[str]]:
    """The part of a recipe behind its source, and a sentence for each thing that was found, over all its files.

    Raises `UserError` where no rollout can be used, and `SourceError`.
    """
    source = SourceConfig.model_validate({"type": "rollouts", "format": tool, **keys})
    reader = Reader(adapter_of(source), own_config(source), IngestConfig(), None, source.licence)
    origin = Origin(source.name or "rollouts", source.revision, source.split, files_of(source), reader)
    taken, found = Taken(), Counter[tuple[str, str]]()
    for file in origin.files:
        for block in blocks(file, reader.columns):
            read = read_rows(block, reader)
            taken.add(read.rows, len(read.accepted), read.refused)
            found.update(read.accepted.select("problem_id", "response_mode").iter_rows())
    if not taken.accepted:
        raise UserError(why_none(origin, taken))
    problems = len({problem for problem, _ in found})
    modes = {mode: [count for (_, of), count in found.items() if of == mode.value] for mode in Mode}
    came = ", ".join(f"{sum(of):,} {mode.replace('_', '-')}" for mode, of in modes.items())
    least = min(min(of, default=1) for of in modes.values())
    said = [
        f"source: {TOOLS[tool].TITLE}, {counted(taken.accepted, 'rollout')} ({came}) of {counted(problems, 'problem')}",
        "engine: none, nothing is sampled; format qwen3 holds no justifications, which only an engine could write",
        "grades: again, by the graders here; grades: theirs in the source trusts the file's",
        *(
            f"refused: {counted(rows, 'row')} as {reason}: {taken.words[reason]}"
            for reason, rows in taken.refused.most_common()
        ),
    ]
    for mode, of in modes.items():
        if not of:
            said.append(f"mode: no rollout is {mode.replace('_', '-')}, so that no problem has both modes to compare")
    most = max(max(of, default=1) for of in modes.values())
    return ENGINE.format(n=most, graded=min(least, 2)), said
