# shellcheck shell=bash
# What the demonstration needs on the machine, beside what run.sh brings itself.

# lacks COMMAND WHAT-FOR LINUX MACOS: describes the command if it is missing.
lacks() {
  command -v "$1" >/dev/null || describe "$@"
}

describe() {
  printf '  %-9s %s\n            Linux: %s\n            macOS: %s\n' "$@"
}

node_can_be_had() {
  node_fits || { node --version >/dev/null 2>&1 && command -v npm >/dev/null; }
}

check_prerequisites() {
  local missing
  missing="$(
    lacks docker "runs the node of Minikube" \
      "apt install docker.io" "install Docker Desktop"
    lacks minikube "is the Kubernetes cluster" \
      "https://minikube.sigs.k8s.io/docs/start/" "brew install minikube"
    lacks kubectl "asks the cluster" \
      "https://kubernetes.io/docs/tasks/tools/" "brew install kubectl"
    lacks pulumi "deploys the stack" \
      "./run.sh tools" "./run.sh tools, or brew install pulumi/tap/pulumi"
    lacks curl "asks the service" \
      "apt install curl" "brew install curl"
    node_can_be_had || describe node "runs the Pulumi program; any, with npm, brings the right one" \
      "apt install nodejs npm" "brew install node"
  )"
  [ -z "$missing" ] || fail 3 "Missing on this machine:"$'\n'"$missing"
  report_pulumi_version
  echo "docker, minikube, kubectl, pulumi and curl are there."
}

report_pulumi_version() {
  local found pin
  found="$(pulumi version 2>/dev/null || true)"
  pin="$(pulumi_pin)"
  [ "$found" = "v$pin" ] ||
    echo "pulumi is $found; the stack was made with v$pin, which ./run.sh tools fetches."
}
