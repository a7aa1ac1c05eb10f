# shellcheck shell=bash
# Numbered steps with their durations, and commands that a signal ends immediately.

bold="" green="" red="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
fi

last_step=10
step_number=""
summary=""
# The exit status of a run that reaches its end: 1 if anything failed before that.
outcome=0
# The process group of the command that interruptible waits for.
running=""
is_cleaning_up=no

# begin_step NUMBER TITLE
begin_step() {
  end_step
  step_number="$1"
  step_title="$2"
  step_result=passed
  step_start=$SECONDS
  printf '\n%s[%s/%s] %s%s\n' "$bold" "$step_number" "$last_step" "$step_title" "$plain"
}

# end_step [RESULT]: ends the current step, if there is one.
end_step() {
  [ -n "$step_number" ] || return 0
  local result="${1:-$step_result}" seconds=$((SECONDS - step_start))
  echo "      $result, $seconds s"
  summary="$summary$(printf '%4s  %-38s %5s s  %s' "$step_number" "$step_title" "$seconds" "$result")"$'\n'
  step_number=""
}

show_summary() {
  printf '\n%s%4s  %-38s %7s  %s%s\n%s' "$bold" step "" time result "$plain" "$summary"
}

# Marks the current step and the run as failed; the run continues.
note_failure() {
  step_result=FAILED
  outcome=1
}

# retry SECONDS COMMAND…: runs it once a second until it succeeds; on timeout, prints its last output.
retry() {
  local deadline=$((SECONDS + $1)) message
  shift
  until message="$("$@" 2>&1)"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "$message"
      return 1
    fi
    sleep 1
  done
}

# interruptible COMMAND…: runs a long command so that a signal to this process ends it too.
# In a terminal, Ctrl-C reaches the command directly, and the command stays in the foreground because
# it may ask for a password. Otherwise it runs in the background, in its own process group: bash
# handles signals while it waits, but not while a foreground command runs.
# During the clean-up, no signal may reach it. It is started from a subshell, because a signal that
# arrived just before the clean-up would make "wait" return immediately.
interruptible() {
  local status=0
  if [ "$is_cleaning_up" = yes ]; then
    (
      set -m
      "$@" </dev/null &
      wait "$!"
    ) || status=$?
  elif [ -t 0 ]; then
    "$@" || status=$?
  else
    set -m
    "$@" </dev/null &
    running=$!
    set +m
    wait "$running" || status=$?
    running=""
  fi
  return "$status"
}

stop_running_command() {
  [ -n "$running" ] || return 0
  kill -INT -- "-$running" 2>/dev/null
  wait_while 60 kill -0 -- "-$running" || kill -KILL -- "-$running" 2>/dev/null
  wait "$running" 2>/dev/null
  running=""
}

# wait_while SECONDS COMMAND…: waits until the command fails; returns 1 on timeout.
wait_while() {
  local deadline=$((SECONDS + $1))
  shift
  while "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# is_running PID PATTERN: whether a process has this id and a command line that matches.
is_running() {
  [[ "$(ps -p "$1" -o args= 2>/dev/null)" =~ $2 ]]
}

# clean_up_with COMMAND: however this run ends, runs the command once and prints the summary.
clean_up_with() {
  clean_up="$1"
  trap 'finish $?' EXIT
  trap 'interrupt 129' HUP
  trap 'interrupt 130' INT
  trap 'interrupt 143' TERM
}

# A second signal at this moment would exit without cleaning up. One Ctrl-C can be two signals: bash
# repeats the SIGINT that ends a command substitution.
interrupt() {
  trap '' HUP INT TERM
  exit "$1"
}

# finish STATUS: cleans up and exits. Functions called from here must pass a status to "return":
# without one, it returns the status from before the trap.
finish() {
  # The clean-up is not interruptible: stopping it halfway would leave things behind.
  trap '' HUP INT TERM
  trap - EXIT
  local status="$1"
  set +e
  is_cleaning_up=yes
  stop_running_command
  case "$status" in
    0) end_step && status=$outcome ;;
    129 | 130 | 143) end_step interrupted ;;
    *) end_step FAILED ;;
  esac
  if ! "$clean_up" && [ "$status" -eq 0 ]; then
    status=1
  fi
  end_step
  show_summary
  exit "$status"
}
