"""A plug-in for verl: this project's advantages, rewards and forced modes in verl's trainer, for clusters.

`trainer.verl.plugin` registers everything when it is imported; `VERL_USE_EXTERNAL_MODULES` has verl do so in each of
its processes. `deploy/verl.sh` starts a run. Written for verl 0.9.1 and its V1 trainer.

verl hands an advantage estimator the rewards, the mask and the prompt of each row, and nothing of what a response
says. So the reward manager, which sees the tokens, reports on each rollout (`reports`); the report travels in
`reward_extra_info`; the trainer of this plug-in fetches it and lends it to the estimator.
"""
