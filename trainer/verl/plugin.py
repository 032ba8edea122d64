"""Registers all of this plug-in with verl; to be named in `VERL_USE_EXTERNAL_MODULES`.

`actor_rollout_ref.model.external_lib` would come too late: verl looks its trainer up before it imports that.
"""

from verl.trainer.ppo.core_algos import register_adv_est

from hipo_data.trainer.verl import agent_loop, reward_manager, trainers
from hipo_data.trainer.verl.estimators import estimator
from hipo_data.trainer.verl.settings import ESTIMATORS

__all__ = ["agent_loop", "reward_manager", "trainers"]

for _name in ESTIMATORS:
    register_adv_est(_name)(estimator(_name))
