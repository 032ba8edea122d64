"""What `algorithm.hipo_data` of verl's config says to this plug-in."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, model_validator

from hipo_data.prompts.formats.registry import FormatName
from hipo_data.schemas.algorithm_config import AlgorithmConfig
from hipo_data.schemas.config_file import sentences
from hipo_data.schemas.config_node import Config
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.grading import GradingConfig
from hipo_data.trainer.facts.forced_switch import refuse_forced_switch

KEY = "hipo_data"

ESTIMATORS = ("hipo", "hgpo", "thinkless", "adaptthink", "autothink", "lcpo", "length_penalty", "adapt", "ada_grpo")
"""Names for `algorithm.adv_estimator`. verl has a `grpo` of its own."""

_VERLS_OWN = {
    "clip": "actor_rollout_ref.actor.clip_ratio",
    "kl": "actor_rollout_ref.actor.kl_loss_coef",
    "average": "actor_rollout_ref.actor.loss_agg_mode",
}


class VerlSettings(Config):
    """`algorithm.hipo_data`; every key is optional."""

    format: FormatName = Field(default="hipo", description="how a response says its mode, a name in prompts/formats")
    method: AlgorithmConfig
    grading: GradingConfig = GradingConfig()
    allow_split_tags: bool = Field(default=False, description="the model was trained on tags of several tokens")

    @model_validator(mode="after")
    def _model_chooses(self) -> "VerlSettings":
        refuse_forced_switch(self.format, self.method)
        return self


def settings_of(algorithm: Mapping[str, Any]) -> VerlSettings:
    """The settings in verl's `algorithm` section: `hipo_data`, with `adv_estimator` as the type of its `method`.

    An estimator of verl's own, such as its `grpo`, comes with the settings and the reward of `grpo`. Raises
    `UserError` at a wrong key or value, and at one that is verl's to set.
    """
    tree = _plain(algorithm.get(KEY) or {})
    if not isinstance(tree, dict):
        raise UserError(f"algorithm.{KEY} is {tree!r}; it holds keys such as format, method and grading")
    name = str(algorithm.get("adv_estimator"))
    method = {"type": name if name in ESTIMATORS else "grpo", **(tree.get("method") or {})}
    verls = next((key for key in _VERLS_OWN if key in method), None)
    if verls is not None:
        raise UserError(f"algorithm.{KEY}.method.{verls} is verl's to set: use {_VERLS_OWN[verls]}")
    if name in ESTIMATORS and method["type"] != name:
        raise UserError(f"algorithm.adv_estimator is {name}, algorithm.{KEY}.method.type is {method['type']}; drop it")
    try:
        return VerlSettings.model_validate({**tree, "method": method})
    except ValidationError as error:
        raise UserError(f"algorithm.{KEY}: {sentences(VerlSettings, error)}") from error


def _plain(node: Any) -> Any:
    """Dicts and lists, whether they are OmegaConf's or plain."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list | tuple) else node
