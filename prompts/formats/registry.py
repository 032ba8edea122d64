"""All formats by name."""

from typing import Annotated

from pydantic import AfterValidator

from hipo_data.prompts.formats.adaptthink import ADAPTTHINK
from hipo_data.prompts.formats.arm import ARM
from hipo_data.prompts.formats.autothink import AUTOTHINK
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.hipo import HIPO
from hipo_data.prompts.formats.lhrm import LHRM
from hipo_data.prompts.formats.qwen3 import QWEN3
from hipo_data.prompts.formats.thinkless import THINKLESS

FORMATS: dict[str, Format] = {each.name: each for each in (HIPO, THINKLESS, LHRM, ADAPTTHINK, AUTOTHINK, QWEN3, ARM)}


def _known(name: str) -> str:
    if name not in FORMATS:
        raise ValueError(f"there is no format '{name}'; choose {', '.join(FORMATS)}")
    return name


FormatName = Annotated[str, AfterValidator(_known)]
"""A format in a config."""
