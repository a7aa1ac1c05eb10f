# shellcheck shell=bash
# The verbs that need a cluster, made of the steps that the other files describe.

state="$root/.state"
port_forward=no
keep=no
stop=no

# shellcheck source=scripts/steps.sh
. "$root/scripts/steps.sh"
# shellcheck source=scripts/tools.sh
. "$root/scripts/tools.sh"
# shellcheck source=scripts/prerequisites.sh
. "$root/scripts/prerequisites.sh"
# shellcheck source=scripts/model.sh
. "$root/scripts/model.sh"
# shellcheck source=scripts/minikube.sh
. "$root/scripts/minikube.sh"
# shellcheck source=scripts/stack.sh
. "$root/scripts/stack.sh"
# shellcheck source=scripts/access.sh
. "$root/scripts/access.sh"
# shellcheck source=scripts/checks.sh
. "$root/scripts/checks.sh"

read_flags() {
  local flag
  for flag in "$@"; do
    case "$flag" in
      --port-forward) port_forward=yes ;;
      --keep) keep=yes ;;
      --stop) stop=yes ;;
      *)
        say "There is no flag '$flag'."
        usage >&2
        exit 2
        ;;
    esac
  done
}

# One run at a time: two would take each other's tunnel and stack away.
claim_state() {
  local other
  mkdir -p "$state"
  other="$(cat "$state/run.pid" 2>/dev/null || true)"
  if [ -n "$other" ] && runs "$other" 'run\.sh'; then
    fail 1 "Another ./run.sh is at work in this checkout (process $other)."
  fi
  echo "$$" >"$state/run.pid"
}

prepare() {
  prefer_fetched_pulumi
  check_prerequisites
  install_workspace
  claim_state
}

bring_up() {
  announce 2 "Start Minikube"
  start_minikube
  announce 3 "Find Minikube's Docker daemon"
  find_docker_daemon
  announce 4 "Provide the model"
  provide_model
  announce 5 "Build the image and deploy the stack"
  deploy
  announce 6 "Open a way to the service"
  open_access
  announce 7 "Wait for the API"
  wait_for_api
}

demo() {
  read_flags "$@"
  announce 1 "Check prerequisites"
  prepare
  finish_with take_down_unless_kept
  bring_up
  announce 8 "Validate the general endpoints"
  validate_general_endpoints
  announce 9 "Validate predictions and their cache"
  validate_prediction_endpoints
}

up() {
  read_flags "$@"
  announce 1 "Check prerequisites"
  prepare
  keep=yes
  finish_with take_down_unless_kept
  bring_up
}

down() {
  read_flags "$@"
  prepare
  finish_with take_down
  if minikube_is_running; then
    is_cluster_ready=yes
  else
    echo "Minikube's profile '$profile' doesn't run, and nothing in it; ./run.sh up && ./run.sh down clears it."
  fi
}

take_down_unless_kept() {
  if [ "$keep" = yes ]; then
    rm -f "$state/run.pid"
    [ ! -e "$state/address" ] || echo "The service is at http://$(address)."
    echo "Everything is left as it is; ./run.sh down takes it down."
  else
    take_down
  fi
}

take_down() {
  local result=0
  announce 10 "Clean up"
  close_access
  # A cluster that doesn't fit is somebody else's.
  if [ "$is_cluster_ready" = yes ]; then
    undeploy || result=1
    stop_minikube || result=1
  elif [ -e "$state/minikube-started" ]; then
    stop_minikube || result=1
  fi
  [ "$result" -eq 0 ] || step_result=FAILED
  rm -f "$state/run.pid"
  return "$result"
}

show_status() {
  prefer_fetched_pulumi
  check_prerequisites
  minikube status -p "$profile" || return 1
  cluster -n "$namespace" get all
  access_is_open || fail 1 "There is no way to the service from outside: ./run.sh up opens one."
  request --fail --output /dev/null "http://$(address)/health" ||
    fail 1 "The API doesn't answer at http://$(address)."
  echo "The API answers at http://$(address)."
}

load() {
  install_workspace
  case " $* " in
    *" --url"*) ;;
    *)
      access_is_open || fail 1 "There is no service to drive: ./run.sh up deploys it."
      ! runs "$(cat "$state/access.pid")" port-forward ||
        say "kubectl port-forward, which these requests go through, is slower than the service."
      set -- --url "http://$(address)" "$@"
      ;;
  esac
  exec node "$root/bench/src/load-test.ts" "$@"
}
