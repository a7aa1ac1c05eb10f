# shellcheck shell=bash
# The cluster: a Minikube with a fitting Kubernetes, whose Docker daemon holds the image.

kubernetes_version=v1.27.3
profile="${MINIKUBE_PROFILE:-minikube}"
# How long the cluster may take for each thing that it is waited for.
cluster_seconds="${CLUSTER_SECONDS:-180}"
is_cluster_ready=no

cluster() {
  kubectl --context "$profile" "$@"
}

minikube_is_running() {
  [ "$(minikube status -p "$profile" --format '{{.Host}} {{.APIServer}}' 2>/dev/null)" = "Running Running" ]
}

minikube_start() {
  # Its flags are to be split.
  # shellcheck disable=SC2086
  minikube start -p "$profile" --kubernetes-version="$kubernetes_version" \
    --container-runtime=docker ${MINIKUBE_START_FLAGS:-} "$@" 2>&1 | tee "$state/minikube.log"
}

start_minikube() {
  if minikube_is_running; then
    echo "Minikube's profile '$profile' is running already."
  else
    # Kept in a file, so that whoever cleans up knows it, even after kill -9.
    touch "$state/minikube-started"
    attend minikube_start || force_minikube_start
  fi
  await "$cluster_seconds" node_is_registered || fail 1 "Minikube's profile '$profile' shows no node."
  require_fitting_cluster
  # "start" returns before they are ready.
  echo "Waiting for the node and for cluster DNS"
  await "$cluster_seconds" cluster wait --for=condition=Ready node --all --timeout=5s ||
    fail 1 "Minikube's node is not ready."
  await "$cluster_seconds" cluster -n kube-system rollout status deployment/coredns --timeout=5s ||
    fail 1 "Cluster DNS is not ready."
  is_cluster_ready=yes
  attend minikube addons enable metrics-server -p "$profile" ||
    say "Without metrics-server the number of pods stays as it is; everything else works."
}

force_minikube_start() {
  grep -q K8S_OLD_UNSUPPORTED "$state/minikube.log" ||
    fail 1 "Minikube didn't start: see its message above. MINIKUBE_START_FLAGS adds flags."
  echo "This release of Minikube takes Kubernetes $kubernetes_version only by force: trying again with --force."
  attend minikube_start --force || fail 1 "Minikube didn't start by force either: see its message above."
}

node_info() {
  cluster get nodes -o "jsonpath={.items[0].status.nodeInfo.$1}"
}

node_is_registered() {
  [ -n "$(node_info kubeletVersion)" ]
}

require_fitting_cluster() {
  local kubernetes runtime
  kubernetes="$(node_info kubeletVersion)"
  runtime="$(node_info containerRuntimeVersion)"
  case "$kubernetes $runtime" in
    "$kubernetes_version docker://"*) echo "Kubernetes $kubernetes on $runtime" ;;
    *)
      fail 1 "Minikube's profile '$profile' has Kubernetes $kubernetes on $runtime;" \
        "needed is $kubernetes_version on docker." \
        "Take another profile (MINIKUBE_PROFILE=w255 ./run.sh), or delete this one (minikube delete -p $profile)."
      ;;
  esac
}

# The Pulumi program asks for the daemon itself; here it shows that there is one.
find_docker_daemon() {
  local settings
  settings="$(minikube docker-env --shell none -p "$profile")" ||
    fail 1 "Minikube tells of no Docker daemon: see its message above."
  (
    while IFS= read -r setting; do
      case "$setting" in DOCKER_*=*) export "${setting?}" ;; esac
    done <<<"$settings"
    docker version --format "Docker {{.Server.Version}} at $DOCKER_HOST, inside Minikube"
  ) || fail 1 "Minikube's Docker daemon doesn't answer."
}

stop_minikube() {
  if [ "$stop" = no ] && [ ! -e "$state/minikube-started" ]; then
    echo "Minikube is left running, as it ran before. --stop stops it all the same."
    return 0
  fi
  attend minikube stop -p "$profile" || return 1
  rm -f "$state/minikube-started"
}
