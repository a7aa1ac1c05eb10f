# shellcheck shell=bash
# Numbered steps with their times, and commands that a signal ends at once.

bold="" green="" red="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
fi

last_step=10
step_number=""
summary=""
# The exit status of a run that comes to its end: 1 once any check has failed.
outcome=0
attended=""
is_finishing=no

# announce NUMBER TITLE: ends the step under way and begins the next.
announce() {
  conclude
  step_number="$1"
  step_title="$2"
  step_result=passed
  step_start=$SECONDS
  printf '\n%s[%s/%s] %s%s\n' "$bold" "$step_number" "$last_step" "$step_title" "$plain"
}

# conclude [RESULT]: ends the step under way, if there is one.
conclude() {
  [ -n "$step_number" ] || return 0
  local result="${1:-$step_result}" seconds=$((SECONDS - step_start))
  echo "      $result, $seconds s"
  summary="$summary$(printf '%4s  %-38s %5s s  %s' "$step_number" "$step_title" "$seconds" "$result")"$'\n'
  step_number=""
}

show_summary() {
  printf '\n%s%4s  %-38s %7s  %s%s\n%s' "$bold" step "" time result "$plain" "$summary"
}

# Notes a failure that lets the run go on, to fail at its end.
note_failure() {
  step_result=FAILED
  outcome=1
}

# await SECONDS COMMAND…: tries it once a second; when the time is up, shows its last message.
await() {
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

# attend COMMAND…: runs what may take long, so that a signal to this process ends it too.
# A terminal's Ctrl-C reaches the command by itself, and only in the foreground can it ask for a
# password. Elsewhere bash would not look at a signal before the command has ended; so it waits for
# it in the background, in a process group that end_attended can signal as a whole.
attend() {
  local status=0
  if [ -t 0 ] && [ "$is_finishing" = no ]; then
    "$@" || status=$?
    return "$status"
  fi
  set -m
  "$@" </dev/null &
  attended=$!
  set +m
  wait "$attended" || status=$?
  attended=""
  return "$status"
}

end_attended() {
  [ -n "$attended" ] || return 0
  kill -INT -- "-$attended" 2>/dev/null
  outlive 60 kill -0 -- "-$attended" || kill -KILL -- "-$attended" 2>/dev/null
  wait "$attended" 2>/dev/null
  attended=""
}

# outlive SECONDS COMMAND…: waits until what it tells of has ended.
outlive() {
  local deadline=$((SECONDS + $1))
  shift
  while "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# runs PID PATTERN: whether that process is there, with a command line like this.
runs() {
  ps -p "$1" -o args= 2>/dev/null | grep -Eq "$2"
}

# finish_with COMMAND: runs it once, whatever ends this run, and then shows the summary.
finish_with() {
  at_end="$1"
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# What it calls must never say "return" alone: in a trap, that returns the status from before it.
finish() {
  local status=$?
  # From here on nothing interrupts: half a clean-up is worse than a slow one.
  trap - EXIT
  trap '' HUP INT TERM
  set +e
  is_finishing=yes
  end_attended
  case "$status" in
    0) conclude && status=$outcome ;;
    129 | 130 | 143) conclude interrupted ;;
    *) conclude FAILED ;;
  esac
  if ! "$at_end" && [ "$status" -eq 0 ]; then
    status=1
  fi
  conclude
  show_summary
  exit "$status"
}
