# shellcheck shell=bash
# The commands that the machine must have; run.sh installs everything else itself.

# require COMMAND PURPOSE LINUX MACOS: describes the command if it is missing.
require() {
  command -v "$1" >/dev/null || describe "$@"
}

describe() {
  printf '  %-9s %s\n            Linux: %s\n            macOS: %s\n' "$@"
}

check_prerequisites() {
  local missing found pin
  missing="$(
    require docker "runs Minikube's node" \
      "apt install docker.io" "install Docker Desktop"
    require minikube "runs the Kubernetes cluster" \
      "https://minikube.sigs.k8s.io/docs/start/" "brew install minikube"
    require kubectl "talks to the cluster" \
      "https://kubernetes.io/docs/tasks/tools/" "brew install kubectl"
    require pulumi "deploys the stack" \
      "./run.sh tools" "./run.sh tools, or brew install pulumi/tap/pulumi"
    require curl "sends requests to the service" \
      "apt install curl" "brew install curl"
    node_fits || has_npm || describe node "runs the Pulumi program; any version with npm can install the pinned one" \
      "apt install nodejs npm" "brew install node"
  )"
  [ -z "$missing" ] || fail 3 "Missing on this machine:"$'\n'"$missing"
  found="$(pulumi version 2>/dev/null || true)"
  pin="v$(pulumi_pin)"
  [ "$found" = "$pin" ] ||
    echo "pulumi is $found; the stack was written for $pin, which ./run.sh tools downloads."
  echo "docker, minikube, kubectl, pulumi and curl are installed."
}
