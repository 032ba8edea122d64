"""Files of other tools as JSON Lines of rollouts, which the rest of ingest reads like any file.

The number of a row is that of the rollout in its file, since one row of a tool may hold several.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from hipo_data.prompts.families.reading import read
from hipo_data.schemas.keys import digest
from hipo_data.schemas.records import FinishReason, Mode, Status
from hipo_data.schemas.tables import lookup
from hipo_data.stages.ingest.elsewhere import mapped, nemo_gym, tools
from hipo_data.stages.ingest.elsewhere.objects import objects
from hipo_data.stages.ingest.elsewhere.rollout import Json, NotARolloutError, Written, asked
from hipo_data.stages.ingest.reading.files import SourceFile
from hipo_data.stages.ingest.reading.unreadable import UnreadableFileError

_IN_MEMORY = 64 * 2**20
_INPUTS = "_materialized_inputs"
_MODES = {
    **dict.fromkeys((Mode.THINK_ON.value, "on", "true", "think", "thinking"), Mode.THINK_ON),
    **dict.fromkeys((Mode.THINK_OFF.value, "off", "false", "no_think", "none"), Mode.THINK_OFF),
}
"""What a column of modes may say without being told what it means."""


@dataclass(frozen=True)
class Translated(SourceFile):
    """A file of another tool that opens as rollouts, one JSON object a line."""

    config: Any = field(kw_only=True)
    """The source's part of the recipe."""

    @property
    def format_name(self) -> str:
        """Lines, whatever the file itself is."""
        return "rollouts.jsonl"

    def identity(self) -> str:
        """Changes with the file and with the inputs that its golds come from."""
        inputs = self._inputs()
        own = super().identity()
        return own if inputs is None else digest(own, SourceFile(inputs.name, inputs).identity())

    def open(self) -> BinaryIO:
        """The rollouts. Raises `UnreadableFileError` where it is no file of rollouts at all."""
        out = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (whoever opened it closes it)
        with super().open() as file:
            try:
                for row in _rows(objects(file), self.config, self._golds()):
                    out.write(json.dumps(row).encode() + b"\n")
            except BaseException:
                out.close()
                raise
        out.seek(0)
        return cast(BinaryIO, out)

    def _inputs(self) -> Path | None:
        """NeMo Gym's materialised inputs: those that the recipe names, else those beside the file."""
        if self.config.inputs is not None:
            return Path(self.config.inputs)
        place = self.local
        if place is None or self.config.format not in ("auto", nemo_gym.NAME):
            return None
        beside = place.with_name(f"{place.stem}{_INPUTS}.jsonl")
        return beside if beside.exists() else None

    def _golds(self) -> Mapping[str, object]:
        """Golds by NeMo Gym's number of the task."""
        place = self._inputs()
        if place is None:
            return {}
        with place.open("rb") as file:
            found = [row for row in objects(file) if isinstance(row, Mapping) and nemo_gym.TASK in row]
        return {str(row[nemo_gym.TASK]): tools.gold(nemo_gym.NAME, row) for row in found}


def _rows(found: Iterator[Json | NotARolloutError], config: Any, golds: Mapping[str, object]) -> Iterator[Json]:
    """A row for each rollout, and one for each object that is none, with the reason."""
    tool = None if config.format == "auto" else config.format
    seen: set[int] = set()
    for each in found:
        try:
            if isinstance(each, NotARolloutError):
                raise each
            tool = tool or tools.told(each)
            for written in mapped.rollouts(each, config.columns) if tool == mapped.NAME else tools.rollouts(tool, each):
                yield _checked(tool, each, written, config, golds, seen)
        except NotARolloutError as error:
            yield {"reason": error.reason, "said": str(error), "row": _shown(each)}
        except UnreadableFileError:
            raise
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            said = f"it is not as {tool} writes a rollout: {type(error).__name__}: {error}"
            yield {"reason": "bad_column", "said": said, "row": _shown(each)}


def _checked(
    tool: str, row: Json, written: Written, config: Any, golds: Mapping[str, object], seen: set[int]
) -> dict[str, Any]:
    """The row of a rollout; a refused one is told with its reason, so that those after it are still read."""
    try:
        return _row(tool, row, written, config, golds, seen)
    except NotARolloutError as error:
        return {"reason": error.reason, "said": str(error), "row": _shown(row)}


def _row(
    tool: str, row: Json, written: Written, config: Any, golds: Mapping[str, object], seen: set[int]
) -> dict[str, Any]:
    if written.key is not None:
        if hash(written.key) in seen:
            raise NotARolloutError("duplicate_rollout", f"the file has rollout {written.key} already")
        seen.add(hash(written.key))
    if not written.text.strip():
        raise NotARolloutError("no_response", "the response is empty")
    values, columns = dict(row), config.columns
    said = {
        name: lookup(values, path)
        for name in ("kind", "domain", "licence")
        if (path := getattr(columns, name)) is not None
    }
    question = written.question
    if tool != mapped.NAME and columns.question != "question":
        question = asked(lookup(values, columns.question))
    trusted = config.grades == "theirs"
    if trusted and written.reward is None:
        raise NotARolloutError("no_grade", f"{tool} says no grade of this response; set the source's grades: again")
    return {
        **said,
        "question": question,
        "gold": _gold(tool, values, written, config, golds),
        "id": _own_id(values, written, config),
        "response": written.text,
        "model": written.model or config.model,
        "mode": _mode(values, written, config).value,
        "ended": written.ended.value,
        "given": _status(written.reward, config.right_from) if trusted else None,
        "given_by": tool if trusted else None,
    }


def _gold(tool: str, values: dict[str, Any], written: Written, config: Any, golds: Mapping[str, object]) -> object:
    if config.columns.gold is not None:
        return lookup(values, config.columns.gold)
    if tool == mapped.NAME:
        return lookup(values, "answer")
    own = tools.gold(tool, values)
    return golds.get(written.task or "") if own is None else own


def _own_id(values: dict[str, Any], written: Written, config: Any) -> str | None:
    if config.columns.id is None:
        return written.task
    found = lookup(values, config.columns.id)
    return None if found is None else str(found)


def _mode(values: dict[str, Any], written: Written, config: Any) -> Mode:
    if config.columns.mode is not None:
        found = lookup(values, config.columns.mode)
        named = {key.lower(): mode for key, mode in config.modes.items()}
        mode = {**_MODES, **named}.get(str(found).lower())
        if mode is None:
            raise NotARolloutError(
                "unknown_mode",
                f"column '{config.columns.mode}' is {found!r}, which is no mode; say which in `modes`, such as "
                f"{{{found}: think_on}}",
            )
        return Mode(mode)
    if config.mode != "shown":
        return Mode(config.mode)
    if not written.shows_mode:
        raise NotARolloutError(
            "unknown_mode",
            "such files leave out reasoning that the server kept apart, so that nothing shows the mode; set the "
            "source's mode, or columns.mode",
        )
    cut = written.ended is FinishReason.LENGTH
    return Mode.THINK_ON if read(written.text, cut=cut).reasoning else Mode.THINK_OFF


def _status(reward: float | None, right_from: float) -> str:
    assert reward is not None
    return (Status.CORRECT if reward >= right_from else Status.INCORRECT).value


def _shown(row: object) -> str:
    return "" if isinstance(row, Exception) else json.dumps(row, default=str)[:2_000]
