"""What the algorithms are told about a batch of rollouts: tensors of one value a rollout, and of one code a token.

B is the number of rollouts in the batch, T the length of the longest response, N the rollouts of one prompt.
"""

from collections.abc import Sequence
from enum import IntEnum

import torch

from hipo_data.prompts.formats.parts import Segment as Part
from hipo_data.schemas.records import Mode


class Segment(IntEnum):
    """Which part of a response a token belongs to: the codes of a (B, T) tensor of integers.

    `NONE` is padding. A response that breaks off or lacks its tags is `JUDGE` as far as no mode tag has come.
    """

    NONE = 0
    JUDGE = 1
    MODE = 2
    REASONING = 3
    ANSWER = 4

    @classmethod
    def of(cls, part: Part) -> "Segment":
        """The code of a part of a response; a format's other tags are told with the part that they belong to."""
        return cls[part.name]


class ModeCode(IntEnum):
    """The mode of a rollout: the codes of a (B,) tensor of integers. `NONE` is a response without a mode tag."""

    THINK_OFF = 0
    THINK_ON = 1
    NONE = 2

    @classmethod
    def of(cls, mode: Mode | None) -> "ModeCode":
        """The code of a record's mode."""
        if mode is None:
            return cls.NONE
        return cls.THINK_ON if mode is Mode.THINK_ON else cls.THINK_OFF


def segment_tensor(rows: Sequence[Sequence[Part]], length: int) -> torch.Tensor:
    """(B, length) int64 codes of `Segment` from one part a token of each rollout, `NONE` on padding."""
    codes = torch.full((len(rows), length), int(Segment.NONE), dtype=torch.int64)
    for row, parts in zip(codes, rows, strict=True):
        row[: len(parts)] = torch.tensor([int(Segment.of(part)) for part in parts], dtype=torch.int64)
    return codes


def forced_modes(prompts: int, rollouts: int) -> torch.Tensor:
    """Mode codes, (prompts · rollouts,) int64, that force half of each prompt's rollouts into each mode.

    Think-on comes first. HGPO (arXiv 2505.14631) and AdaptThink (arXiv 2505.13417) sample so. Raises `ValueError`
    where the rollouts of a prompt cannot be halved.
    """
    if rollouts < 2 or rollouts % 2:
        raise ValueError(f"{rollouts} rollouts a prompt cannot be halved between the modes; choose an even number")
    half = torch.arange(rollouts) < rollouts // 2
    return torch.where(half, int(ModeCode.THINK_ON), int(ModeCode.THINK_OFF)).repeat(prompts)


def on_tokens(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """One value a rollout, (B,), on those of its tokens that `mask`, (B, T) bool, holds; zero elsewhere. Float32."""
    return torch.where(mask, values.unsqueeze(1), 0.0).to(torch.float32)


def in_segments(segments: torch.Tensor, *which: Segment) -> torch.Tensor:
    """Where the tokens of some segments are: (B, T) bool."""
    mask = torch.zeros_like(segments, dtype=torch.bool)
    for segment in which:
        mask |= segments == segment
    return mask


def wide(values: torch.Tensor) -> torch.Tensor:
    """The same values, detached, in float64, where a mean of equal rewards is not off by a float32's rounding."""
    return values.detach().to(torch.float32 if values.device.type == "mps" else torch.float64)  # MPS has no float64


def counted(values: torch.Tensor, known: torch.Tensor | None) -> torch.Tensor:
    """`known` as (B,) bool, all true where it is not given."""
    return torch.ones_like(values, dtype=torch.bool) if known is None else known.bool()


def check_rollouts(**tensors: torch.Tensor | None) -> None:
    """Raises `ValueError` unless all given tensors have one value a rollout: shape (B,)."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if tensor is not None}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"one value a rollout is expected in each of these, but their shapes are {found}")


def check_finite(name: str, values: torch.Tensor, known: torch.Tensor | None = None) -> None:
    """Raises `ValueError` at the first value of a known rollout that is not finite."""
    bad = ~torch.isfinite(values) & counted(values, known)
    if bool(bad.any()):
        at = int(bad.nonzero()[0])
        raise ValueError(
            f"{name}[{at}] is {float(values[at])}; pass the rollout as not `known` if its verdict is unknown, "
            "or correct the reward function"
        )


def check_modes(modes: torch.Tensor) -> None:
    """Raises `ValueError` where `modes` holds anything but codes of `ModeCode`."""
    bad = (modes < min(ModeCode)) | (modes > max(ModeCode))
    if bool(bad.any()):
        at = int(bad.nonzero()[0])
        raise ValueError(f"modes[{at}] is {int(modes[at])}, which is no code of ModeCode")


def check_segments(segments: torch.Tensor, rollouts: int) -> None:
    """Raises `ValueError` unless `segments` is (B, T) and holds codes rather than a mask."""
    if segments.dim() != 2 or segments.shape[0] != rollouts:
        raise ValueError(f"segments has shape {tuple(segments.shape)}, but ({rollouts}, T) is expected")
    if segments.dtype == torch.bool or segments.is_floating_point():
        raise ValueError(f"segments is {segments.dtype}; it has to hold the integer codes of Segment")
