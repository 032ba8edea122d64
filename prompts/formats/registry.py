"""All formats by name."""

from prompts.formats.adaptthink import ADAPTTHINK
from prompts.formats.autothink import AUTOTHINK
from prompts.formats.format import Format
from prompts.formats.hipo import HIPO
from prompts.formats.lhrm import LHRM
from prompts.formats.qwen3 import QWEN3
from prompts.formats.thinkless import THINKLESS

FORMATS: dict[str, Format] = {each.name: each for each in (HIPO, THINKLESS, LHRM, ADAPTTHINK, AUTOTHINK, QWEN3)}
