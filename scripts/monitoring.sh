# shellcheck shell=bash
# Access to Grafana and Prometheus, which --monitoring deploys: one kubectl port-forward each.

# Seconds until each of them must respond.
monitoring_seconds="${MONITORING_SECONDS:-60}"

monitoring_responds() {
  request --output /dev/null "http://$(forwarded_address "$1")/"
}

open_monitoring() {
  local name
  for name in grafana prometheus; do
    if detached_is_running "$name" "$forward" && monitoring_responds "$name" 2>/dev/null; then continue; fi
    close_forward "$name"
    forward_port "$name" "$name"
    retry "$monitoring_seconds" monitoring_responds "$name" && continue
    say "kubectl port-forward does not reach $name. Its last output:"
    tail -n 5 "$state/$name.log" >&2
    close_forward "$name"
    note_failure
  done
  print_monitoring
}

print_monitoring() {
  ! detached_is_running grafana "$forward" || echo "Grafana is at http://$(forwarded_address grafana)."
  ! detached_is_running prometheus "$forward" || echo "Prometheus is at http://$(forwarded_address prometheus)."
}

close_monitoring() {
  close_forward grafana
  close_forward prometheus
}

# close_forward NAME: ends its kubectl port-forward, if it is running.
close_forward() {
  if detached_is_running "$1" "$forward"; then
    kill -INT "$detached_pid" || true
    wait_while 20 detached_is_running "$1" "$forward" || kill -KILL "$detached_pid"
  fi
  rm -f "$state/$1.pid"
}
