# shellcheck shell=bash
# The stack: deployed and destroyed by Pulumi, with its state beside the checkout's files.

namespace=w255
stack=dev

has_own_backend=no
[ -z "${PULUMI_BACKEND_URL:-}" ] || has_own_backend=yes

# Everything that Pulumi writes goes into the state folder. The project there is a copy, since a new
# stack writes the salt of its passphrase into the stack file beside the project.
prepare_pulumi() {
  export PULUMI_SKIP_UPDATE_CHECK=true
  project="$state/project"
  if [ "$has_own_backend" = yes ]; then
    project="$state/project-of-own-backend"
  else
    keep_state_here
  fi
  mkdir -p "$project"
  cp "$root/Pulumi.yaml" "$project"
  copy_stack_file
}

keep_state_here() {
  mkdir -p "$state/backend"
  if [ ! -e "$state/passphrase" ]; then
    (umask 077 && node --print 'crypto.randomBytes(32).toString("hex")' >"$state/passphrase")
  fi
  export PULUMI_BACKEND_URL="file://$state/backend"
  export PULUMI_CONFIG_PASSPHRASE_FILE="$state/passphrase"
  unset PULUMI_CONFIG_PASSPHRASE
}

# The copy keeps its salt. One in the original belongs to the user's own backend and passphrase.
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

# operate up|refresh|destroy [FLAG…]
operate() {
  local operation="$1" quiet=""
  shift
  [ -t 1 ] || quiet=--suppress-progress
  pulumi "$operation" --cwd "$root" --stack "$stack" --config-file "$stack_file" \
    --yes --skip-preview ${quiet:+"$quiet"} "$@"
}

deploy() {
  prepare_pulumi
  release_stale_lock
  if ! stack_exists; then
    touch "$state/deploying"
    attend pulumi stack init "$stack" --cwd "$project" --no-select --non-interactive
    remove_namespace "no state knows it any more"
  elif [ -e "$state/deploying" ]; then
    # What was being created then is in the cluster but not in the state.
    remove_namespace "an earlier deployment did not come to its end"
    attend operate refresh --clear-pending-creates
  fi
  touch "$state/deploying"
  attend operate up --refresh
  rm -f "$state/deploying"
  cluster -n "$namespace" get all
}

# A lock whose owner is gone is removed. An owner that a cut-off run has left behind is ended first.
release_stale_lock() {
  local lock pid found=no
  if [ "$has_own_backend" = yes ] || ! stack_exists; then
    return 0
  fi
  while IFS= read -r lock; do
    found=yes
    pid="$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock")"
    if [ -n "$pid" ] && runs "$pid" pulumi; then
      say "Ending Pulumi (process $pid), which an earlier run has left behind"
      kill -INT "$pid"
      if ! outlive 120 runs "$pid" pulumi; then
        say "It doesn't end. End it yourself, then start again."
        return 1
      fi
    fi
  done < <(find "$state/backend" -path '*/locks/*' -name '*.json')
  [ "$found" = no ] ||
    pulumi cancel --cwd "$project" --stack "$stack" --yes --non-interactive
}

namespace_label() {
  cluster get namespace "$namespace" --ignore-not-found \
    -o 'jsonpath={.metadata.name} {.metadata.labels.app\.kubernetes\.io/part-of}'
}

# remove_namespace WHY: deletes this project's namespace with all that is in it, if it is there.
remove_namespace() {
  local label
  label="$(namespace_label)" || return 1
  case "$label" in
    "") ;;
    "$namespace prediction-service")
      echo "Deleting the namespace $namespace with all that is in it: $1."
      attend cluster delete namespace "$namespace" --wait --timeout=300s
      ;;
    *)
      say "There is a namespace $namespace that is not this project's: it lacks the label" \
        "app.kubernetes.io/part-of=prediction-service. Delete or rename it, then start again."
      return 1
      ;;
  esac
}

undeploy() {
  prepare_pulumi
  release_stale_lock
  if stack_exists; then
    attend operate destroy --refresh || say "Pulumi could not destroy everything: see its message above."
  fi
  remove_namespace "nothing may be left in it" || return 1
  rm -f "$state/deploying"
  echo "The namespace $namespace is gone."
}
