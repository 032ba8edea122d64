#!/usr/bin/env bash
# Reinforcement learning on a cluster: verl's trainer with this project's advantages, rewards and forced modes.
# Needs: one environment on all nodes, with verl 0.9.1, hipo-data, and of what hipo-data asks for that which is used here;
# the rest would not go with verl's versions:
#   pip install 'verl[vllm]==0.9.1' 'math-verify[antlr4-9-3]' tenacity polars polars-hash
#   pip install --no-deps hipo-data
# Also a Ray cluster that is up for more than one node, and a shared file system for MODEL, DATA and OUT.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: deploy/verl.sh MODEL DATA OUT [OVERRIDE...]

  MODEL     a model of `hipo-data train sft`
  DATA      the folder of `hipo-data export --to verl-rl`: train.parquet, validation.parquet
  OUT       a folder for checkpoints; the same command goes on from the last one
  OVERRIDE  any of verl's own, such as trainer.nnodes=4 or +algorithm.hipo_data.method.omega=0.02

In the environment:
  METHOD    hipo (default), hgpo, thinkless, adaptthink, autothink, lcpo, length_penalty, adapt or
            ada_grpo
  FORMAT    how the model says its mode: hipo (default), thinkless, lhrm, adaptthink, autothink
  PYTHON    the interpreter of verl's environment (default: python3)
TEXT
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
if [ $# -lt 3 ]; then
    usage >&2
    exit 2
fi
model=$1 data=$2 out=$3
shift 3
for split in train validation; do
    if [ ! -f "$data/$split.parquet" ]; then
        echo "verl.sh: there is no $data/$split.parquet; write it with hipo-data export --to verl-rl" >&2
        exit 2
    fi
done

method=${METHOD:-hipo}
# What a paper sets, and what verl calls it.
clip=0.2 kl=0 loss=vanilla agent=single_turn_agent extra=()
case $method in
    hipo | autothink | lcpo) ;;
    length_penalty)
        extra=(+algorithm.hipo_data.method.reward.type=length_penalty +algorithm.hipo_data.method.reward.beta=0.0001) ;;
    thinkless | ada_grpo) kl=0.001 ;;
    hgpo) clip=0.5 kl=0.001 agent=hipo_data_forced ;;
    adapt) kl=0.01 agent=hipo_data_forced ;;
    adaptthink) loss=gspo agent=hipo_data_forced ;; # gspo has the one ratio a response that the authors' code takes
    *) echo "verl.sh: there is no METHOD $method; --help lists them" >&2; exit 2 ;;
esac
use_kl=False
[ "$kl" = 0 ] || use_kl=True

# The plug-in is imported by every process of the job; verl looks for its trainer before `external_lib` is imported.
exec "${PYTHON:-python3}" -m verl.trainer.main_ppo \
    +ray_kwargs.ray_init.runtime_env.env_vars.VERL_USE_EXTERNAL_MODULES=hipo_data.trainer.verl.plugin \
    trainer.v1.trainer_mode=hipo_data_sync \
    reward.reward_manager.name=hipo_data \
    algorithm.adv_estimator="$method" \
    +algorithm.hipo_data.format="${FORMAT:-hipo}" \
    algorithm.use_kl_in_reward=False \
    data.train_files="$data/train.parquet" \
    data.val_files="$data/validation.parquet" \
    data.train_batch_size=128 \
    data.max_prompt_length=2048 \
    data.max_response_length=8192 \
    data.filter_overlong_prompts=True \
    actor_rollout_ref.model.path="$model" \
    actor_rollout_ref.model.enable_gradient_checkpointing=True \
    actor_rollout_ref.actor.optim.lr=1e-6 \
    actor_rollout_ref.actor.ppo_mini_batch_size=128 \
    actor_rollout_ref.actor.use_dynamic_bsz=True \
    actor_rollout_ref.actor.ppo_max_token_len_per_gpu=20480 \
    actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-mean \
    actor_rollout_ref.actor.clip_ratio="$clip" \
    actor_rollout_ref.actor.clip_ratio_low="$clip" \
    actor_rollout_ref.actor.clip_ratio_high="$clip" \
    actor_rollout_ref.actor.policy_loss.loss_mode="$loss" \
    actor_rollout_ref.actor.use_kl_loss="$use_kl" \
    actor_rollout_ref.actor.kl_loss_coef="$kl" \
    actor_rollout_ref.actor.kl_loss_type=low_var_kl \
    actor_rollout_ref.rollout.name=vllm \
    actor_rollout_ref.rollout.n=16 \
    actor_rollout_ref.rollout.temperature=1.0 \
    actor_rollout_ref.rollout.gpu_memory_utilization=0.5 \
    actor_rollout_ref.rollout.tensor_model_parallel_size=1 \
    actor_rollout_ref.rollout.agent.default_agent_loop="$agent" \
    trainer.nnodes=1 \
    trainer.n_gpus_per_node=8 \
    trainer.total_epochs=2 \
    trainer.save_freq=20 \
    trainer.test_freq=20 \
    trainer.logger='[console]' \
    trainer.project_name=hipo-data \
    trainer.experiment_name="$method" \
    trainer.default_local_dir="$out" \
    "${extra[@]}" "$@"
