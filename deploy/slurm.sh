#!/usr/bin/env bash
# A Ray cluster of one Slurm job, and one run on it; the job takes itself up again after preemption or its time limit.
# Needs: hipo-data at the same path on all nodes (`make install ENGINE=gpu` in a shared folder, from which this is
# submitted), a run_dir on a shared file system, and bubblewrap on the nodes (or --set verify.sandbox=landlock).
# Adapt the #SBATCH lines, or override them on the command line. All engines have to fit at the same time: four nodes of
# 8 GPUs hold the recipe's four teachers, so one of them also writes the justifications.
#   sbatch deploy/slurm.sh recipes/qwen3-cluster.yaml --set roles.justifier.engine=teacher
#SBATCH --job-name=hipo-data
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=64
#SBATCH --gpus-per-node=8
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --output=hipo-data-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# To this script, five minutes before the time limit (and before preemption, where PreemptParameters=send_user_signal):
#SBATCH --signal=B:USR1@300
set -euo pipefail

recipe=${1:?usage: sbatch deploy/slurm.sh RECIPE [OPTION OF hipo-data run...]}
shift
most_restarts=${MOST_RESTARTS:-3}
export PATH="${HIPO_DATA:-${SLURM_SUBMIT_DIR:-$PWD}}/.venv/bin:$PATH"
# Read by Ray's own processes, so before `ray start`. Keys of endpoints in the environment of sbatch travel the same way.
export RAY_USAGE_STATS_ENABLED=0 RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0

# Other users reach these nodes too. Set for all processes alike: left to itself, Ray asks for a token only where it finds
# one in the home folder.
RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE RAY_AUTH_TOKEN

port=$((20000 + SLURM_JOB_ID % 10000)) # other jobs may share the node
read -r head < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
read -r ip _ < <(srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" hostname --all-ip-addresses)
address=$ip:$port

# Ray would count all CPUs of a node, also those of other jobs.
start=(ray start --block "--num-cpus=${SLURM_CPUS_PER_TASK:-1}")
srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
    "${start[@]}" --head "--node-ip-address=$ip" "--port=$port" --include-dashboard=false \
    "--temp-dir=/tmp/ray-$SLURM_JOB_ID" &
for attempt in $(seq 60); do
    ray status --address "$address" >/dev/null 2>&1 && break
    if [ "$attempt" = 60 ]; then
        echo "slurm.sh: Ray's head on $head did not answer at $address; the lines above say why" >&2
        exit 1
    fi
    sleep 2
done
others=$((SLURM_JOB_NUM_NODES - 1))
if [ "$others" -gt 0 ]; then
    srun --overlap --nodes="$others" --ntasks="$others" --exclude="$head" "${start[@]}" "--address=$address" &
fi

# The driver journals what is finished and exits with 130 on SIGTERM. A signal ends bash's `wait`, not the driver.
again='' signalled='' driver=''
trap 'again=yes signalled=yes; [ -z "$driver" ] || kill -TERM "$driver"' USR1
trap 'signalled=yes; [ -z "$driver" ] || kill -TERM "$driver"' TERM INT
hipo-data run --config "$recipe" --ray-address "$address" "$@" &
driver=$!
while :; do
    signalled='' code=0
    wait "$driver" || code=$?
    [ -n "$signalled" ] || break
done

# 0 done, 2 wrong usage or config, 3 budget used up: trying again would change nothing.
if [ "$code" = 1 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "$most_restarts" ]; then
    again=yes
fi
if [ -n "$again" ] && { [ "$code" = 1 ] || [ "$code" = 130 ]; }; then
    echo "slurm.sh: hipo-data exited with $code; the job is queued again and goes on from the journals" >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
