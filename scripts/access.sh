# shellcheck shell=bash
# The way to the service from outside of the cluster: minikube tunnel, or else kubectl port-forward.

tunnel_seconds="${TUNNEL_SECONDS:-60}"
api_seconds="${API_SECONDS:-120}"

# Where the service was last seen, as HOST:PORT.
address() {
  cat "$state/address" 2>/dev/null
}

request() {
  curl --noproxy '*' --silent --show-error --max-time 10 "$@"
}

service_port() {
  cluster -n "$namespace" get service prediction-service -o 'jsonpath={.spec.ports[0].port}'
}

open_access() {
  close_access
  if [ "$port_forward" = yes ] || ! open_tunnel; then
    open_port_forward
  fi
}

# run_detached COMMAND…: in a process group of its own, which Ctrl-C doesn't reach, and deaf to the
# terminal's end. Job control also leaves it SIGINT, by which alone a tunnel ends cleanly; other
# background commands of bash ignore that.
run_detached() {
  (
    exec </dev/null >"$state/access.log" 2>&1
    trap '' HUP
    set -m
    "$@" &
    echo "$!" >"$state/access.pid"
  )
}

open_tunnel() {
  may_add_routes || return 1
  run_detached minikube tunnel -p "$profile"
  echo "minikube tunnel: process $(cat "$state/access.pid"), log in $state/access.log"
  local deadline=$((SECONDS + tunnel_seconds))
  until find_external_address; do
    if [ "$SECONDS" -ge "$deadline" ] || ! access_is_open; then
      echo "There is no tunnel; its last words:"
      tail -n 5 "$state/access.log"
      close_access
      return 1
    fi
    sleep 1
  done
  echo "The service is at http://$(address), through minikube tunnel."
}

# On Linux, minikube tunnel calls sudo; in the background it could not ask for a password.
may_add_routes() {
  case "$platform" in Linux*) ;; *) return 0 ;; esac
  if ! command -v sudo >/dev/null; then
    echo "minikube tunnel needs sudo to add a route, and there is none."
    return 1
  fi
  sudo -n true 2>/dev/null && return 0
  if [ ! -t 0 ]; then
    echo "minikube tunnel needs sudo to add a route, and here nobody can be asked for a password."
    return 1
  fi
  echo "minikube tunnel adds a route to the cluster: sudo asks for your password."
  sudo -v
}

find_external_address() {
  local host port
  host="$(cluster -n "$namespace" get service prediction-service -o \
    'jsonpath={.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}')"
  port="$(service_port)"
  [ -n "$host" ] && [ -n "$port" ] || return 1
  request --max-time 3 --output /dev/null "http://$host:$port/health" 2>/dev/null || return 1
  echo "$host:$port" >"$state/address"
}

open_port_forward() {
  local port
  port="$(service_port)"
  run_detached kubectl --context "$profile" -n "$namespace" port-forward \
    --address 127.0.0.1 service/prediction-service ":$port"
  await 30 find_forwarded_address || fail 1 "kubectl port-forward doesn't answer either: see $state/access.log"
  echo "The service is at http://$(address), through kubectl port-forward (process $(cat "$state/access.pid"))."
}

find_forwarded_address() {
  local host
  host="$(sed -n 's/^Forwarding from \(127\.0\.0\.1:[0-9]*\) .*/\1/p' "$state/access.log")"
  if [ -z "$host" ]; then
    cat "$state/access.log"
    return 1
  fi
  echo "$host" >"$state/address"
}

wait_for_api() {
  await "$api_seconds" request --fail --output /dev/null "http://$(address)/health" ||
    fail 1 "The API doesn't answer at http://$(address) within $api_seconds s."
  echo "http://$(address)/health answers."
}

access_is_open() {
  local pid
  pid="$(cat "$state/access.pid" 2>/dev/null)" || return 1
  runs "$pid" 'minikube.*tunnel|kubectl.*port-forward'
}

close_access() {
  if access_is_open; then
    local pid
    pid="$(cat "$state/access.pid")"
    # What was asked for at the start may have expired, and the route is removed by sudo.
    if runs "$pid" tunnel && [ -t 0 ]; then
      may_add_routes
    fi
    kill -INT "$pid"
    if outlive 20 access_is_open; then
      echo "The way to the service (process $pid) is closed."
    else
      kill -TERM "$pid"
      say "Process $pid had to be ended by SIGTERM; its route, if any, goes with the next minikube tunnel."
    fi
  fi
  rm -f "$state/access.pid" "$state/address"
}
