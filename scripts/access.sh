# shellcheck shell=bash
# Access to the service from outside the cluster: minikube tunnel, otherwise kubectl port-forward.

# Time limits in seconds for a new tunnel, for one that is already open, and for the API.
tunnel_seconds="${TUNNEL_SECONDS:-60}"
reuse_seconds="${REUSE_SECONDS:-10}"
api_seconds="${API_SECONDS:-120}"
# Patterns of their command lines.
tunnel='minikube.*tunnel'
forward='kubectl.*port-forward'
# HOST:PORT of the service, set by find_service.
address=""

request() {
  curl --noproxy '*' --silent --show-error --max-time 10 "$@"
}

# detached_is_running NAME PATTERN: whether what run_detached started is running; sets $detached_pid.
detached_is_running() {
  read -r detached_pid 2>/dev/null <"$state/$1.pid" || return 1
  is_running "$detached_pid" "$2"
}

# access_is_open [PATTERN]: whether the tunnel or port-forward is running; sets $detached_pid.
access_is_open() {
  detached_is_running access "${1:-$tunnel|$forward}"
}

# forwarded_address NAME: the address on this machine of a kubectl port-forward.
forwarded_address() {
  sed -n 's/^Forwarding from \(127\.0\.0\.1:[0-9]*\) .*/\1/p' "$state/$1.log"
}

# Whether the open tunnel or port-forward leads to the service; sets $address.
find_service() {
  local found=""
  if access_is_open "$tunnel"; then
    found="$(cluster -n "$namespace" get service prediction-service -o \
      'jsonpath={.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}:{.spec.ports[0].port}')"
  elif access_is_open "$forward"; then
    found="$(forwarded_address access)"
  fi
  case "$found" in "" | :*) return 1 ;; esac
  bypass_proxy "${found%:*}"
  request --max-time 3 --output /dev/null "http://$found/health" 2>/dev/null || return 1
  address="$found"
}

wait_for_service() {
  local deadline=$((SECONDS + $1))
  until find_service; do
    if [ "$SECONDS" -ge "$deadline" ] || ! access_is_open; then return 1; fi
    sleep 1
  done
}

open_access() {
  local wanted="$tunnel"
  [ "$port_forward" = no ] || wanted="$forward"
  # An open tunnel notices a new service within 5 s.
  if access_is_open "$wanted" && wait_for_service "$reuse_seconds"; then
    echo "Process $detached_pid already gives access to the service."
  else
    close_access
    if [ "$port_forward" = yes ] || ! open_tunnel; then
      open_port_forward
    fi
  fi
  echo "The service is at http://$address."
}

# run_detached NAME PATTERN COMMAND…: runs it in its own process group, where neither Ctrl-C nor
# closing the terminal reaches it. PATTERN matches its command line. Job control keeps SIGINT working,
# which other background commands of bash ignore: only on SIGINT does a tunnel remove its route.
run_detached() {
  local name="$1" pattern="$2"
  shift 2
  (
    exec </dev/null >"$state/$name.log" 2>&1
    trap '' HUP
    set -m
    "$@" &
    echo "$!" >"$state/$name.pid"
  )
  # At first, the process still has the command line of run.sh.
  local deadline=$((SECONDS + 5))
  until detached_is_running "$name" "$pattern" || ! kill -0 "$detached_pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || break
    sleep 0.1
  done
}

open_tunnel() {
  may_add_routes || return 1
  run_detached access "$tunnel" minikube tunnel -p "$profile"
  echo "Started minikube tunnel, log in $state/access.log"
  wait_for_service "$tunnel_seconds" && return 0
  echo "minikube tunnel does not reach the service. Its last output:"
  tail -n 5 "$state/access.log"
  close_access
  return 1
}

# On Linux, minikube tunnel calls sudo, which cannot ask for a password in the background.
may_add_routes() {
  case "$platform" in Linux*) ;; *) return 0 ;; esac
  if ! command -v sudo >/dev/null; then
    echo "minikube tunnel needs sudo to add a route, and sudo is not installed."
    return 1
  fi
  sudo -n true 2>/dev/null && return 0
  if [ ! -t 0 ]; then
    echo "minikube tunnel needs sudo to add a route, and without a terminal sudo cannot ask for a password."
    return 1
  fi
  echo "minikube tunnel adds a route to the cluster: sudo asks for your password."
  sudo -v
}

# forward_port NAME SERVICE: starts kubectl port-forward to the service, on any free port.
forward_port() {
  run_detached "$1" "$forward" kubectl --context "$profile" -n "$namespace" port-forward \
    --address 127.0.0.1 "service/$2" :http
}

open_port_forward() {
  forward_port access prediction-service
  echo "Started kubectl port-forward, log in $state/access.log"
  wait_for_service 30 && return 0
  tail -n 5 "$state/access.log" >&2
  fail 1 "kubectl port-forward does not reach the service either: see its last output above."
}

wait_for_api() {
  retry "$api_seconds" request --fail --output /dev/null "http://$address/health" ||
    fail 1 "The API at http://$address did not become healthy within $api_seconds s."
  echo "http://$address/health responds."
}

close_access() {
  if access_is_open; then
    # sudo removes the route, and the password given at the start may have expired.
    if access_is_open "$tunnel" && [ -t 0 ]; then
      may_add_routes || true
    fi
    kill -INT "$detached_pid" || true
    if wait_while 20 access_is_open; then
      echo "Closed the access to the service (process $detached_pid)."
    else
      kill -TERM "$detached_pid"
      say "Process $detached_pid ignored SIGINT and got SIGTERM. The next minikube tunnel removes its route, if it left one."
    fi
  fi
  rm -f "$state/access.pid"
}
