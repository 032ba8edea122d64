"""The records that flow from stage to stage, one pydantic model each. `schemas.arrow` gives their Parquet form."""

import re
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from hipo_data.schemas.gold import ProblemGold

_ARM_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_ARM = 40
_ARMS: dict[str, "Mode"] = {}


class Mode(StrEnum):
    """Whether a response reasons before it answers, or which arm of a recipe it is of.

    The members are the two modes that every recipe has without arms. The name of an arm is a mode as well, made when it
    is asked for, as `Mode("low")`: the same object each time, and none of those that iteration gives. `think_off` is
    the one arm that does not reason, all others do.
    """

    THINK_ON = "think_on"
    THINK_OFF = "think_off"

    @classmethod
    def _missing_(cls, value: object) -> "Mode | None":
        if not isinstance(value, str) or not is_arm_name(value):
            return None
        if value not in _ARMS:
            arm = str.__new__(cls, value)
            arm._name_, arm._value_ = value.upper(), value
            _ARMS[value] = arm
        return _ARMS[value]

    @property
    def thinks(self) -> bool:
        """Whether its responses reason."""
        return self is not Mode.THINK_OFF

    @property
    def base(self) -> "Mode":
        """`think_on` of every mode that reasons, else `think_off`: how its responses are written down."""
        return Mode.THINK_ON if self.thinks else Mode.THINK_OFF

    @property
    def other(self) -> "Mode":
        """The opposite mode."""
        return Mode.THINK_OFF if self is Mode.THINK_ON else Mode.THINK_ON


def is_arm_name(text: str) -> bool:
    """Whether an arm can be called so, which is part of the names of files: lower case, digits and single `_`."""
    return len(text) <= _LONGEST_ARM and _ARM_NAME.fullmatch(text) is not None


class Kind(StrEnum):
    """What sort of answer a problem asks for, and so which grader reads it."""

    MATH = "math"
    CODE = "code"
    CHOICE = "choice"


class Status(StrEnum):
    """A verdict's value. `unknown` means that the grader could not tell; it never counts as wrong."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNKNOWN = "unknown"


class FinishReason(StrEnum):
    """Why generation ended: the model stopped, the token limit was reached, the request failed, or it brought a
    response that holds nothing at all, time and again."""

    STOP = "stop"
    LENGTH = "length"
    ERROR = "error"
    EMPTY = "empty"

    @property
    def is_failure(self) -> bool:
        """Whether there is no response."""
        return self in (FinishReason.ERROR, FinishReason.EMPTY)


GoldSource = Literal["source", "pseudo", "given"]
"""What responses are graded by: the gold of the problem's source, a pseudo-gold, which is the answer that responses
agree on, or nothing here, since verdicts came with the responses and the recipe trusts them."""


class Record(BaseModel):
    """Base of all records. `version` changes whenever a field changes meaning, and is written into Parquet."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: ClassVar[int] = 1


class Source(Record):
    """Where a problem came from, exactly enough to find the row again."""

    dataset: str
    revision: str | None = None
    split: str
    file: str
    row: int
    """Zero-based row (Parquet) or line (JSON Lines) in `file`."""
    licence: str | None = None
    id: str | None = None
    """What the dataset itself calls the row, where the recipe says in which column."""


class Problem(Record):
    """One question with its gold. Key: `problem_id`."""

    problem_id: str
    kind: Kind
    question: str
    gold: ProblemGold
    sources: list[Source] = Field(min_length=1)
    domain: str | None = None
    difficulty: float | None = None
    """Share of a reference model's attempts that failed, 0 to 1, where the source says."""
    licence: str | None = None
    split: Literal["train", "validation"] = "train"
    gold_text: str | None = None
    """What the source has in the gold's place, where the gold is a part of it, such as a solution that ends in it."""
    options: int | None = None
    """Of a multiple-choice problem, how many options its question shows: a guess is right in one of so many."""

    @property
    def source_id(self) -> str | None:
        """What its first source that has ids calls it."""
        return next((source.id for source in self.sources if source.id is not None), None)


class Response(Record):
    """A response that came with a source row."""

    problem_id: str
    model: str
    text: str
    source: Source
    mode: Mode = Mode.THINK_ON
    finish_reason: FinishReason = FinishReason.STOP
    given: Status | None = None
    """What whoever sampled it said of it, where the recipe trusts that."""
    given_by: str | None = None
    """Whose word that is."""


HIDDEN = ""
"""As a rollout's reasoning: there was some, which the server counted and did not show."""


class Control(Record):
    """What the control of a response's thinking did, and what it took beside the response itself."""

    pieces: int
    """Of thinking that the response holds."""
    trials: int
    """Trial answers."""
    returns: int
    """Times that thinking was taken back or begun anew."""
    unread: int
    """Replies of a controller that said nothing it could say; thinking went on."""
    ended_by: Literal["model", "agreement", "repetition", "controller", "limit"]
    """Who ended the thinking."""
    prompt_tokens: int
    """Of all requests but the first."""
    completion_tokens: int
    """Of pieces that were thrown away, of trial answers and of the controller."""


class Rollout(Record):
    """One response to one problem. Key: `problem_id`, `mode`, `index`."""

    problem_id: str
    mode: Mode
    index: int
    seed: int
    model: str
    prompt_hash: str
    """Digest of the rendered conversation."""
    request_hash: str
    """Digest of all that decides the record except the token limit: conversation, sampling, model, seed, parsing."""
    max_tokens: int
    cap: int | None = None
    """Set where the problem's mode was settled before this rollout: it is longer than so many tokens or could be kept.
    Which rollouts end within a cap depends on their length, so that one with a cap counts in no pass rate."""
    text: str
    """What the model wrote, raw."""
    reasoning: str | None
    """Null where there is none, `HIDDEN` where none is shown."""
    answer: str | None
    """Parsed from `text`; null where the response ended inside its reasoning."""
    finish_reason: FinishReason
    prompt_tokens: int
    reasoning_tokens: int
    answer_tokens: int
    completion_tokens: int
    """Tokens of the whole response, tags included."""
    error: str | None = None
    source: Source | None = None
    """The row that the response came with; null where it was sampled."""
    error_permanent: bool = False
    """Whether the same request would only fail again, such as a prompt that the model's context cannot hold."""
    given: Status | None = None
    """A verdict that the response came with and that the recipe trusts; null where it is graded here."""
    given_by: str | None = None
    """Whose verdict that is."""
    control: Control | None = None
    """Null where nothing controlled the thinking."""

    @property
    def spent_prompt_tokens(self) -> int:
        """Of all requests that it took."""
        return self.prompt_tokens + (self.control.prompt_tokens if self.control else 0)

    @property
    def spent_completion_tokens(self) -> int:
        """Of the response and of all that was generated for it beside."""
        return self.completion_tokens + (self.control.completion_tokens if self.control else 0)


class Grade(Record):
    """What a grader says of one response."""

    status: Status
    reason: str
    """A code in snake_case, such as `match`, `mismatch`, `no_answer`, `wrong_output`, `time_limit`, `starved`."""
    extracted: str | None = None
    """The answer or program that was graded."""
    tests_passed: int | None = None
    tests_total: int | None = None
    cpu_ms: float = 0.0
    """Processor time of the comparison, or of the program under test."""
    wall_ms: float = 0.0
    """Time that went by meanwhile."""
    grader: str
    """Name and version, such as `math/1`."""


class Verdict(Grade):
    """A grade with the key of its rollout."""

    problem_id: str
    mode: Mode
    index: int


class Vote(Record):
    """What the think-on responses to a problem without a gold agree on. Key: `problem_id`."""

    problem_id: str
    answer: str | None
    """As the first of those that agree wrote it; null where the rule found no agreement."""
    rule: Literal["esc", "adaptive_consistency"]
    samples: int
    """Responses looked at until the rule was content, or all."""
    agreeing: int
    """How many of those gave the answer; the most frequent one where there is no agreement."""
    confidence: float
    """The probability that it is more frequent than the second, whichever rule was asked."""


class Decision(Record):
    """Which mode a problem gets and by which rule, or why it is dropped. Key: `problem_id`.

    `n_*` counts graded rollouts (unknown ones excluded); `p_*` is `right_* / n_*`, null where `n_*` is 0, with the
    95 % Wilson interval in `p_*_low` and `p_*_high`; `tokens_*` is the mean of whole responses. Of several arms `off`
    is the cheapest, and `on` the one of the others with the highest pass rate (`ArmRate` has them all).
    """

    problem_id: str
    kind: Kind
    n_on: int
    right_on: int
    unknown_on: int
    truncated_on: int
    p_on: float | None
    p_on_low: float | None
    p_on_high: float | None
    tokens_on: float | None
    n_off: int
    right_off: int
    unknown_off: int
    truncated_off: int
    p_off: float | None
    p_off_low: float | None
    p_off_high: float | None
    tokens_off: float | None
    margin: float | None
    """`p_on - p_off`."""
    delta: float
    rule: str
    mode: Mode | None
    index: int | None
    """Index of the kept rollout within `mode`."""
    chosen_tokens: int | None
    drop_reason: str | None
    pseudo_gold: str | None = None
    """The answer that verdicts go by where the source has no gold."""
    p_gain: float | None = None
    """Under `select.rule: posterior`, which alone writes these three: the probability that thinking gains δ."""
    prior: str | None = None
    """What it was computed from: `source NAME`, `run`, or `weak`."""
    prior_problems: int | None = None
    """Problems that the prior was fitted to."""

    @property
    def gold_source(self) -> GoldSource:
        """Whose gold the verdicts go by."""
        return "source" if self.pseudo_gold is None else "pseudo"


class Prior(Record):
    """How pass rates of both modes are distributed over problems, as far as a run's counts say. Key: `name`."""

    name: str
    source: str | None
    """The dataset whose problems it is for; null for all others."""
    problems: int
    """With counts of both modes (`stages.select.pair_counts`); of the weak prior, how many there were, too few."""
    weights: list[float]
    """Of pairs of rates, `stages.select.prior.RATES` of think-on times those of think-off, row by row."""


class Pick(Record):
    """A response that a policy keeps. Key: `problem_id`, `mode`, `index`."""

    problem_id: str
    rank: int
    """Place among those of its problem, from 0; the first one is the decision's."""
    mode: Mode
    index: int
    role: Literal["example", "chosen", "rejected", "member"]
    """An example of its own, either end of a pair, or a member of a group."""
    pair: str | None
    """What is kept together or not at all; its name within the problem."""
    status: Status
    tokens: int
    """Of the whole response."""
    score: float | None
    """What the policy ranks by: DAST's calibrated score, or a member's reward."""
    margin: float | None
    """By how much the score of the pair's better end is higher."""
    weight: float | None
    """Of its loss, by O1-Pruner, before it is standardised over the dataset."""
    instruction: str | None
    """Added to the question."""
    budget: float | None
    """What the instruction asks for: tokens, words, or a share."""
    reasoning: str | None
    """In place of the rollout's own where the policy rewrites it; of members, their own."""
    answer: str | None
    """Of members; of all others it is the rollout's."""


class Justification(Record):
    """One attempt at saying why a problem gets a mode. Key: `problem_id`, `mode`, `attempt`."""

    problem_id: str
    attempt: int
    seed: int
    mode: Mode
    text: str
    verdict: str
    """`accepted`, or the code of the check that refused it."""
    model: str
    request_hash: str
    prompt_tokens: int
    completion_tokens: int


class Message(Record):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Example(Record):
    """One training example. Key: `problem_id`, `mode`, `rollout_index`."""

    problem_id: str
    kind: Kind
    split: Literal["train", "validation"]
    question: str
    mode: Mode
    justification: str
    reasoning: str | None
    """Null in think-off examples."""
    answer: str
    messages: list[Message]
    """The question and the response rendered in the run's format."""
    format: str
    completion_tokens: int
    """Length of the kept rollout in its teacher's tokens."""
    justification_attempts: int
    p_on: float | None
    p_off: float | None
    delta: float
    rule: str
    teacher: str
    justifier: str
    rollout_index: int
    sources: list[Source]
    licence: str | None
    gold_source: GoldSource = "source"
    """Whether the pass rates are by the source's gold or by agreement."""
    source_id: str | None = None
    """What its first source that has ids calls the problem."""


KEPT_CHARS = 2_000
"""What is kept of a rejected row, and of the sentence that says why."""


class Rejected(Record):
    """A row that a stage did not pass on, with the reason. `row` is what was read, cut to `KEPT_CHARS`."""

    stage: str
    reason: str
    detail: str
    key: str
    row: str
    sources: list[Source] = Field(default_factory=list)
