# shellcheck shell=bash
# Deploys and destroys the stack with Pulumi, whose state is in the checkout.

namespace=w255
stack=dev
# Time limit in seconds for deleting the namespace.
namespace_seconds="${NAMESPACE_SECONDS:-180}"

has_own_backend=no
[ -z "${PULUMI_BACKEND_URL:-}" ] || has_own_backend=yes

# Pulumi writes only into the state folder. It gets a copy of the project there, because a new stack
# writes its encryption salt into the stack file next to the project.
prepare_pulumi() {
  export PULUMI_SKIP_UPDATE_CHECK=true
  project="$state/project"
  if [ "$has_own_backend" = yes ]; then
    project="$state/project-of-own-backend"
  else
    use_local_backend
  fi
  mkdir -p "$project"
  cp "$root/Pulumi.yaml" "$project"
  copy_stack_file
}

use_local_backend() {
  mkdir -p "$state/backend"
  if [ ! -e "$state/passphrase" ]; then
    (umask 077 && node --print 'crypto.randomBytes(32).toString("hex")' >"$state/passphrase")
  fi
  export PULUMI_BACKEND_URL="file://$state/backend"
  export PULUMI_CONFIG_PASSPHRASE_FILE="$state/passphrase"
  unset PULUMI_CONFIG_PASSPHRASE
}

# The copy keeps its salt. A salt in the original belongs to the user's own backend and passphrase.
copy_stack_file() {
  local original="$root/Pulumi.$stack.yaml" salt=""
  stack_file="$project/Pulumi.$stack.yaml"
  if [ "$has_own_backend" = yes ]; then
    salt="$(sed -n '/^encryptionsalt:/p' "$original")"
  fi
  if [ -z "$salt" ] && [ -e "$stack_file" ]; then
    salt="$(sed -n '/^encryptionsalt:/p' "$stack_file")"
  fi
  {
    sed -e '/^encryptionsalt:/d' -e "s/\(:kubeContext:\).*/\1 $profile/" "$original"
    echo "$salt"
  } >"$stack_file.new"
  mv "$stack_file.new" "$stack_file"
}

stack_exists() {
  pulumi stack export --cwd "$project" --stack "$stack" --non-interactive >/dev/null 2>&1
}

# operate up|refresh|destroy [OPTION…]
operate() {
  local operation="$1"
  shift
  set -- "$operation" --cwd "$root" --stack "$stack" --config-file "$stack_file" --yes --skip-preview "$@"
  if [ -t 1 ]; then
    pulumi "$@"
  else
    pulumi "$@" --suppress-progress | print_results
  fi
}

# Without a terminal, Pulumi prints a row for every change of a resource: " OP TYPE NAME STATE
# INFO". This prints one row per resource, with its result, and all other lines unchanged.
print_results() {
  local line resource printed="" are_rows=yes row='^ .. ([^ ]+:[^ ]+:[^ ]+ [^ ]+) (.*)'
  # After Ctrl-C, Pulumi still reports what it was doing.
  trap '' INT
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in Diagnostics: | Policies: | Outputs: | Resources:) are_rows=no ;; esac
    if [ "$are_rows" = yes ] && [[ $line =~ $row ]]; then
      resource="${BASH_REMATCH[1]}"
      case "${BASH_REMATCH[2]}" in
        "created replacement"* | "deleted original"*) continue ;;
        created* | updated* | deleted* | replaced* | "**"* | *"(interrupted)"*) ;;
        # The resource is unchanged.
        " "*) ;;
        # For components, Pulumi prints only the start.
        creating* | updating* | deleting*)
          case "$resource" in prediction-service:*) ;; *) continue ;; esac
          ;;
        *) continue ;;
      esac
      case "$printed" in *"<$resource>"*) continue ;; esac
      printed="$printed<$resource>"
    fi
    printf '%s\n' "$line"
  done
}

deploy() {
  prepare_pulumi
  release_stale_lock
  if [ "$(namespace_info '{.status.phase}')" = Terminating ]; then
    echo "The namespace $namespace is still being deleted: waiting for that."
    delete_namespace
  fi
  if ! stack_exists; then
    touch "$state/deploying"
    interruptible pulumi stack init "$stack" --cwd "$project" --no-select --non-interactive
    remove_namespace "no stack's state contains it"
  elif [ -e "$state/deploying" ]; then
    # Resources that it was creating may be in the cluster, but not in the state.
    remove_namespace "an earlier deployment did not finish"
    interruptible operate refresh --clear-pending-creates
  fi
  touch "$state/deploying"
  set -- --refresh
  [ "$monitoring" = no ] || set -- "$@" --config prediction-service:monitoring.deploy=true --config-path
  interruptible operate up "$@"
  rm -f "$state/deploying"
  cluster -n "$namespace" get all
}

# Removes a lock whose owner is gone. If an interrupted run left the owner running, stops it first.
release_stale_lock() {
  local lock pid found=no
  if [ "$has_own_backend" = yes ] || ! stack_exists; then
    return 0
  fi
  while IFS= read -r lock; do
    found=yes
    pid="$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock")"
    if [ -n "$pid" ] && is_running "$pid" pulumi; then
      say "Stopping Pulumi (process $pid), which an earlier run left running"
      kill -INT "$pid"
      if ! wait_while 120 is_running "$pid" pulumi; then
        say "It did not stop within 120 s. Stop it yourself, then start again."
        return 1
      fi
    fi
  done < <(find "$state/backend" -path '*/locks/*' -name '*.json')
  [ "$found" = no ] ||
    pulumi cancel --cwd "$project" --stack "$stack" --yes --non-interactive
}

# namespace_info JSONPATH: empty if there is no such namespace.
namespace_info() {
  cluster get namespace "$namespace" --ignore-not-found -o "jsonpath=$1"
}

# remove_namespace REASON: deletes the namespace with everything in it, if it exists and is ours.
remove_namespace() {
  local label
  label="$(namespace_info '{.metadata.name} {.metadata.labels.app\.kubernetes\.io/part-of}')" || return 1
  case "$label" in
    "") ;;
    "$namespace prediction-service")
      echo "Deleting the namespace $namespace with everything in it: $1."
      delete_namespace
      ;;
    *)
      say "The namespace $namespace does not belong to this project: it lacks the label" \
        "app.kubernetes.io/part-of=prediction-service. Delete or rename it, then start again."
      return 1
      ;;
  esac
}

# Deletes the namespace, or waits until it is gone. If it is stuck, this prints why, and removes the
# cause if that is a metrics-server that --autoscaling enabled.
delete_namespace() {
  local conditions
  interruptible cluster delete namespace "$namespace" --ignore-not-found --timeout="${namespace_seconds}s" && return 0
  say "The namespace $namespace is not deleted: see the message above."
  conditions="$(namespace_info '{range .status.conditions[?(@.status=="True")]}  {.reason}: {.message}{"\n"}{end}')"
  [ -z "$conditions" ] || say "Kubernetes reports:"$'\n'"$conditions"
  [ -e "$state/metrics-server-enabled" ] || return 1
  disable_metrics_server
  interruptible cluster delete namespace "$namespace" --ignore-not-found --timeout="${namespace_seconds}s"
}

# Kubernetes deletes no namespace while a registered API is unavailable.
warn_about_unavailable_apis() {
  local apis
  apis="$(cluster get apiservices --no-headers | sed -n 's/^\([^ ]*\) .* False.*/\1/p' | tr '\n' ' ')"
  [ -z "$apis" ] ||
    say "The cluster cannot delete namespaces while these APIs are unavailable: ${apis% }." \
      "If nothing needs them: kubectl --context $profile delete apiservice ${apis% }"
}

undeploy() {
  disable_metrics_server
  prepare_pulumi
  release_stale_lock
  warn_about_unavailable_apis
  if stack_exists; then
    interruptible operate destroy --refresh || say "Pulumi did not destroy everything: see its message above."
  fi
  remove_namespace "nothing may be left in it" || return 1
  rm -f "$state/deploying"
  echo "The namespace $namespace is deleted."
}
