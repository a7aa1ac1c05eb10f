# shellcheck shell=bash
# The commands that need a cluster. The other files contain their steps.

state="$root/.state"
port_forward=no
autoscaling=no
monitoring=no
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
# shellcheck source=scripts/monitoring.sh
. "$root/scripts/monitoring.sh"
# shellcheck source=scripts/checks.sh
. "$root/scripts/checks.sh"

read_options() {
  local option
  for option in "$@"; do
    case "$option" in
      --port-forward) port_forward=yes ;;
      --autoscaling) autoscaling=yes ;;
      --monitoring) monitoring=yes ;;
      --keep) keep=yes ;;
      --stop) stop=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        say "Unknown option: $option"
        usage >&2
        exit 2
        ;;
    esac
  done
}

# Only one run at a time: two would close each other's tunnel and change the same stack.
lock_state() {
  local other name
  mkdir -p "$state"
  if read -r other name 2>/dev/null <"$state/run.pid"; then
    case "$(ps -p "$other" -o args= 2>/dev/null)" in
      *"${name:-run.sh}"*) fail 1 "Another run of this checkout is in progress (process $other)." ;;
    esac
  fi
  echo "$$ ${0##*/}" >"$state/run.pid"
}

prepare() {
  prefer_pinned_pulumi
  check_prerequisites
  install_workspace
  lock_state
}

bring_up() {
  begin_step 2 "Start Minikube"
  start_minikube
  begin_step 3 "Find Minikube's Docker daemon"
  find_docker_daemon
  begin_step 4 "Check the model"
  check_model
  begin_step 5 "Build the image and deploy the stack"
  deploy
  begin_step 6 "Open access to the service"
  open_access
  if [ "$monitoring" = yes ]; then open_monitoring; else close_monitoring; fi
  begin_step 7 "Wait for the API"
  wait_for_api
}

demo() {
  read_options "$@"
  begin_step 1 "Check prerequisites"
  prepare
  clean_up_with take_down_unless_kept
  bring_up
  begin_step 8 "Check the general endpoints"
  check_general_endpoints
  begin_step 9 "Check predictions and their cache"
  check_prediction_endpoints
}

up() {
  read_options "$@"
  begin_step 1 "Check prerequisites"
  prepare
  keep=yes
  clean_up_with take_down_unless_kept
  bring_up
}

down() {
  read_options "$@"
  prepare
  clean_up_with take_down
  if minikube_is_running; then
    bypass_proxy_for_cluster
    is_cluster_ready=yes
  else
    echo "Minikube's profile '$profile' is not running. To remove what is deployed in it: ./run.sh up && ./run.sh down"
  fi
}

take_down_unless_kept() {
  if [ "$keep" = yes ]; then
    rm -f "$state/run.pid"
    [ -z "$address" ] || echo "The service is at http://$address."
    print_monitoring
    echo "Nothing was removed; ./run.sh down removes it."
  else
    take_down
  fi
}

take_down() {
  local result=0
  begin_step 10 "Clean up"
  close_access
  close_monitoring
  # A cluster that is not ready may be someone else's, with another version.
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
  prefer_pinned_pulumi
  check_prerequisites
  minikube status -p "$profile" || return 1
  bypass_proxy_for_cluster
  cluster -n "$namespace" get all
  access_is_open || fail 1 "No tunnel or port-forward is open: ./run.sh up opens one."
  find_service ||
    fail 1 "Process $detached_pid no longer gives access to the service: ./run.sh up opens it again."
  request --fail --output /dev/null "http://$address/health" ||
    fail 1 "The API at http://$address is not healthy."
  echo "The API responds at http://$address."
  print_monitoring
}

load() {
  install_workspace
  if access_is_open; then
    bypass_proxy_for_cluster
    if find_service; then
      set -- --url "http://$address" "$@"
      ! access_is_open "$forward" ||
        say "kubectl port-forward is slower than the service and limits these figures."
    fi
  fi
  exec node "$root/scripts/load-test.ts" "$@"
}
