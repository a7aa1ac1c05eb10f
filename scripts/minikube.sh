# shellcheck shell=bash
# The cluster: a Minikube with the right Kubernetes version, whose Docker daemon holds the image.

kubernetes_version=v1.27.3
profile="${MINIKUBE_PROFILE:-minikube}"
# Time limits in seconds for each of the cluster's parts, and for metrics-server.
cluster_seconds="${CLUSTER_SECONDS:-180}"
metrics_seconds="${METRICS_SECONDS:-120}"
metrics_api=v1beta1.metrics.k8s.io
is_cluster_ready=no

cluster() {
  kubectl --context "$profile" "$@"
}

minikube_is_running() {
  [ "$(minikube status -p "$profile" --format '{{.Host}} {{.APIServer}}' 2>/dev/null)" = "Running Running" ]
}

# Whether there is no node, neither running nor stopped. Status 85 means that there is no profile.
minikube_is_absent() {
  local host status=0
  host="$(minikube status -p "$profile" --format '{{.Host}}' 2>/dev/null)" || status=$?
  [ "$status" -eq 85 ] || [ "$host" = Nonexistent ]
}

minikube_start() {
  # The flags have to be split into words.
  # shellcheck disable=SC2086
  minikube start -p "$profile" --kubernetes-version="$kubernetes_version" \
    --container-runtime=docker ${MINIKUBE_START_FLAGS:-} "$@" 2>&1 | tee "$state/minikube.log"
}

start_minikube() {
  if minikube_is_running; then
    echo "Minikube's profile '$profile' is already running."
  else
    # These are files, so that a later run can read them even after kill -9.
    touch "$state/minikube-started"
    ! minikube_is_absent || rm -f "$state/metrics-server-enabled"
    interruptible minikube_start || force_minikube_start
  fi
  bypass_proxy_for_cluster
  retry "$cluster_seconds" node_is_registered || fail 1 "Minikube's profile '$profile' has no node."
  require_matching_cluster
  # "minikube start" returns before these are ready.
  echo "Waiting for the node and for cluster DNS"
  retry "$cluster_seconds" cluster wait --for=condition=Ready node --all --timeout=5s ||
    fail 1 "Minikube's node is not ready."
  retry "$cluster_seconds" cluster -n kube-system rollout status deployment/coredns --timeout=5s ||
    fail 1 "Cluster DNS is not ready."
  is_cluster_ready=yes
  [ "$autoscaling" = no ] || enable_metrics_server
}

force_minikube_start() {
  grep -q K8S_OLD_UNSUPPORTED "$state/minikube.log" ||
    fail 1 "Minikube did not start: see its message above. MINIKUBE_START_FLAGS adds flags."
  echo "This Minikube release supports Kubernetes $kubernetes_version only with --force: trying again with it."
  interruptible minikube_start --force ||
    fail 1 "Minikube did not start with --force either: see its message above."
}

node_info() {
  cluster get nodes -o "jsonpath={.items[0].status.nodeInfo.$1}"
}

node_is_registered() {
  [ -n "$(node_info kubeletVersion)" ]
}

require_matching_cluster() {
  local kubernetes runtime
  kubernetes="$(node_info kubeletVersion)"
  runtime="$(node_info containerRuntimeVersion)"
  case "$kubernetes $runtime" in
    "$kubernetes_version docker://"*) echo "Kubernetes $kubernetes on $runtime" ;;
    *)
      fail 1 "Minikube's profile '$profile' has Kubernetes $kubernetes on $runtime;" \
        "required is $kubernetes_version on docker." \
        "Use another profile (MINIKUBE_PROFILE=w255 ./run.sh), or delete this one (minikube delete -p $profile)."
      ;;
  esac
}

uses_proxy() {
  [ -n "${HTTPS_PROXY:-}${https_proxy:-}${HTTP_PROXY:-}${http_proxy:-}${ALL_PROXY:-}${all_proxy:-}" ]
}

# bypass_proxy HOST…: makes child processes connect to these hosts directly. Some programs read
# NO_PROXY and others no_proxy, so both get what the user set in either.
bypass_proxy() {
  uses_proxy || return 0
  export NO_PROXY="${NO_PROXY:-${no_proxy:-}}"
  export no_proxy="${no_proxy:-$NO_PROXY}"
  local host
  for host in "$@"; do
    NO_PROXY="$(with_host "$NO_PROXY" "$host")"
    no_proxy="$(with_host "$no_proxy" "$host")"
  done
}

# with_host LIST HOST: the list with the host added, unless it contains it or is *, which means all.
with_host() {
  case "$1,$2" in
    "*,$2" | "$2,$2" | "$2,"*",$2" | *",$2,"*) echo "$1" ;;
    *) echo "${1:+$1,}$2" ;;
  esac
}

# Child processes talk to the node's Docker daemon and to the Kubernetes API of the context.
bypass_proxy_for_cluster() {
  uses_proxy || return 0
  local node api
  node="$(minikube ip -p "$profile")" || fail 1 "Minikube reported no address: see its message above."
  api="$(kubectl config view --context "$profile" --minify -o 'jsonpath={.clusters[0].cluster.server}')" ||
    fail 1 "kubectl has no context '$profile': see its message above."
  api="${api#*://}"
  bypass_proxy "$node" "${api%:*}"
}

# The Pulumi program also finds the daemon. This step reports a problem earlier.
find_docker_daemon() {
  local settings
  settings="$(minikube docker-env --shell none -p "$profile")" ||
    fail 1 "Minikube reported no Docker daemon: see its message above."
  (
    while IFS= read -r setting; do
      case "$setting" in DOCKER_*=*) export "${setting?}" ;; esac
    done <<<"$settings"
    docker version --format "Docker {{.Server.Version}} at $DOCKER_HOST, inside Minikube"
  ) || fail 1 "Minikube's Docker daemon does not respond."
}

# The autoscaler needs metrics-server. If it was there before, it is used but never removed.
enable_metrics_server() {
  local is_enabled=yes
  if [ -z "$(cluster get apiservice "$metrics_api" --ignore-not-found -o name)" ]; then
    touch "$state/metrics-server-enabled"
    interruptible minikube addons enable metrics-server -p "$profile" || is_enabled=no
  fi
  echo "Waiting for metrics-server"
  if [ "$is_enabled" = no ] ||
    ! retry "$metrics_seconds" cluster wait --for=condition=Available "apiservice/$metrics_api" --timeout=5s; then
    say "metrics-server is not available: the number of pods will not follow the load."
    note_failure
    disable_metrics_server
  fi
}

# Removes metrics-server if enable_metrics_server added it. As long as its API is registered but
# unavailable, Kubernetes deletes no namespace.
disable_metrics_server() {
  [ -e "$state/metrics-server-enabled" ] || return 0
  echo "Disabling metrics-server, which --autoscaling enabled"
  interruptible minikube addons disable metrics-server -p "$profile" && rm -f "$state/metrics-server-enabled"
  cluster delete apiservice "$metrics_api" --ignore-not-found ||
    say "The API $metrics_api could not be deleted: see the message above."
}

stop_minikube() {
  if [ "$stop" = no ] && [ ! -e "$state/minikube-started" ]; then
    echo "Minikube was running before, so it is left running. --stop stops it too."
    return 0
  fi
  # "minikube stop" fails if there is nothing to stop.
  if minikube_is_absent; then
    echo "Minikube's profile '$profile' has no node to stop."
  else
    interruptible minikube stop -p "$profile" || return 1
  fi
  rm -f "$state/minikube-started"
}
