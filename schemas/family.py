"""A family of models: how each mode is asked for, what its prompt ends in, and how its responses are read."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from hipo_data.schemas.config_node import Config
from hipo_data.schemas.records import Mode

_Text = Annotated[str, StringConstraints(min_length=1)]


class Reading(Config):
    """How the raw text of a response is taken apart into reasoning and answer."""

    open: list[_Text] = Field(default=["<think>"], description="what reasoning begins with, each an alternative")
    close: list[_Text] = Field(
        default=["</think>"], min_length=1, description="what ends it, each an alternative; the last one there counts"
    )
    skip: list[_Text] = Field(default=[], description="what ends a preamble, which is no part of the reasoning")
    joints: list[_Text] = Field(default=[], description="what parts of the reasoning are joined by")
    answers: list[tuple[_Text, _Text]] = Field(default=[], description="what answers are wrapped in")
    turns: list[_Text] = Field(default=[], description="tokens that end a turn or begin the next one; they may leak")


class Switch(Config):
    """How a mode is asked for. `tail` is what the prompt ends in beyond the bare generation prompt, null where no
    template could be looked at."""

    kwargs: dict[str, Any] = Field(default={}, description="arguments of the chat template")
    body: dict[str, Any] = Field(default={}, description="fields of a request, in their place, at any endpoint")
    api: dict[str, Any] = Field(default={}, description="fields of a request, in their place, at the maker's own API")
    system: str | None = Field(default=None, description="system text")
    suffix: str = Field(default="", description="end of the user turn")
    prefix: str = Field(default="", description="start of the response, which the model continues")
    model: str | None = Field(default=None, description="in a pair of models, a pattern of this mode's names")
    tail: str | None = None
    opens: bool | None = Field(default=None, description="whether the prompt opens the reasoning; default: by the tail")


class Instead(Config):
    """What works in place of a switch that a family does not have."""

    prefix: str = Field(default="", description="a response prefix that holds a closed block of reasoning")
    effort: dict[str, Any] = Field(default={}, description="the lowest effort, which still reasons")
    models: list[str] = Field(default=[], description="models that never reason")


class Family(Config):
    """What is known of a family. `source` says whence."""

    name: str
    title: str
    models: list[str] = Field(min_length=1, description="some of its models")
    match: str = Field(description="pattern of its models' names, in lower case")
    default: Literal["think_on", "think_off", "model"] = Field(
        description="the mode without a switch; model: it chooses itself"
    )
    think_on: Switch
    think_off: Switch | None = None
    instead: Instead = Instead()
    levels: list[str] = Field(default=[], description="efforts that the template knows")
    effort: str = Field(default="reasoning_effort", description="the argument or field that takes one of them")
    reading: Reading = Reading()
    parser: str | None = Field(default=None, description="vLLM's reasoning parser of its server")
    note: str = ""
    source: str

    @model_validator(mode="after")
    def _a_way_out(self) -> "Family":
        if self.think_off is None and self.instead == Instead():
            raise ValueError("a family without think_off says in 'instead' what works: a prefix, an effort or models")
        return self

    def request(self, mode: Mode) -> Switch | None:
        """How `mode` is asked for; null where the family has no such switch."""
        return self.think_on if mode.thinks else self.think_off

    def opens(self, mode: Mode) -> bool:
        """Whether responses in `mode` begin inside the reasoning; a mode without a switch has the other's prompt."""
        switch = self.request(mode) or self.think_on
        if switch.opens is not None:
            return switch.opens
        tail = (switch.tail or "").strip()
        return any(tail.endswith(tag.strip()) for tag in self.reading.open)
