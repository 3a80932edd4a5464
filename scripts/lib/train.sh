# Shared by the scripts that train, which source it after common.sh.
# shellcheck shell=bash disable=SC2154  # bin is common.sh's

stop_signal= # what asked the last train_run to stop, if anything did

# Runs a program and hands on the signals that ask it to save and stop; returns its exit code.
run_forwarding() {
  local pid code
  "$@" &
  pid=$!
  trap 'stop_signal=USR1; kill -USR1 "$pid" 2>/dev/null || true' USR1
  trap 'stop_signal=TERM; kill -TERM "$pid" 2>/dev/null || true' TERM
  trap 'stop_signal=INT' INT # a terminal sends it to the program too
  while :; do # a signal that comes ends the wait, not the program
    wait "$pid" && code=0 || code=$?
    kill -0 "$pid" 2>/dev/null || break
  done
  trap - USR1 TERM INT
  return "$code"
}

# tl-train writes the report last.
is_finished() { [[ -f $1/report.json && ! -f $1/unfinished ]]; }

# train_run RUN ARGUMENTS...: goes on with an interrupted run; a finished one stays, where the config
# is still the one that it was trained with.
train_run() {
  local run=$1
  shift
  run_forwarding "$bin/tl-train" --output "$run" --resume "$@"
}

# requeue_if_out_of_time CODE: back into SLURM's queue after its warning of the time limit; a job
# that was cancelled stays so.
requeue_if_out_of_time() {
  [[ $1 -eq 75 && $stop_signal == USR1 ]] || return 0
  command -v scontrol >/dev/null || return 0
  local job=$SLURM_JOB_ID # the number of an array's last task means the whole array
  [[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  say "out of time; back into the queue"
  scontrol requeue "$job"
}
