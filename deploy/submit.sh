#!/usr/bin/env bash
# Runs a recipe on a Ray cluster that is up, as a Ray job: it goes on when this terminal is closed.
# Needs: Ray on this machine, and the cluster's dashboard at RAY_API_SERVER_ADDRESS (`ray dashboard cluster.yaml`, or
# `kubectl port-forward service/NAME-head-svc 8265`).
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: deploy/submit.sh [--address URL] [--no-wait] RECIPE [OPTION...]

  RECIPE         a recipe; it alone is sent to the cluster, so paths in it, run_dir above all, are absolute or s3://…
  OPTION         passed on to `hipo-data run`, such as --set select.delta=0.2 or --limit 1000
  --address URL  the dashboard; default: RAY_API_SERVER_ADDRESS, else http://127.0.0.1:8265
  --no-wait      do not follow the log

Exits with 0 or 1. Ray does not pass the driver's own exit code on: `hipo-data status RUN_DIR` says how far it is.
TEXT
}

address=${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}
wait=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --address) address=${2:?"--address needs a URL"}; shift 2 ;;
        --no-wait) wait=(--no-wait); shift ;;
        *) break ;;
    esac
done
if [ $# -eq 0 ]; then
    usage >&2
    exit 2
fi
recipe=$1
shift
if [ ! -f "$recipe" ]; then
    echo "submit.sh: there is no recipe $recipe; name a YAML file" >&2
    exit 2
fi

# Relative to the job's own folder, a run would be gone with the node that the driver was on.
if ! grep -Eq "^run_dir: *[\"']?(/|s3://)" "$recipe" &&
    ! grep -Eq " (--run-dir[ =]|run_dir=)(/|s3://)" <<<" $*"; then
    echo "submit.sh: the run needs an absolute folder that all nodes see, or s3://…: set run_dir in $recipe, or give --run-dir" >&2
    exit 2
fi

# A folder with the recipe alone: Ray uploads all of it, and the recipe's own folder may hold runs.
sent=$(mktemp -d)
trap 'rm -rf "$sent"' EXIT
cp "$recipe" "$sent/recipe.yaml"
# Ray's own limit of 3 s is too short for the driver to let its engines write their journals.
ray job submit --address "$address" --working-dir "$sent" \
    --runtime-env-json '{"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "60"}}' "${wait[@]}" \
    -- hipo-data run --config recipe.yaml "$@"
