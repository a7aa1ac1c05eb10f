# shellcheck shell=bash
# Sends requests to the endpoints with curl and compares the status and body of each response.

# Time limit in seconds until a prediction is found in the cache.
cache_seconds="${CACHE_SECONDS:-15}"
number='-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?'
# A prediction is a number, or a list of numbers.
prediction="($number|\[$number(,$number)*\])"

# send METHOD PATH [BODY]: sets $status, $body and $sent, and writes the headers to a file.
send() {
  local arguments=(--request "$1") response
  sent="$1 $2${3:+ $3}"
  if [ -n "${3:-}" ]; then
    arguments+=(--header 'Content-Type: application/json' --data "$3")
  fi
  response="$(request "${arguments[@]}" --dump-header "$state/headers" \
    --write-out '\n%{http_code}' "http://$address$2" 2>&1)" || true
  status=${response##*$'\n'}
  body=${response%$'\n'*}
}

header() {
  grep -i "^$1:" "$state/headers" | sed 's/^[^:]*: *//' | tr -d '\r'
}

# compare WHAT FOUND EXPECTED: prints a line with PASS or FAIL.
compare() {
  if [ "$2" = "$3" ]; then
    printf '  %sPASS%s  %s\n' "$green" "$plain" "$1"
  else
    printf '  %sFAIL%s  %s\n        expected %s\n        found    %s\n' \
      "$red" "$plain" "$1" "$3" "${2:0:1000}"
    note_failure
  fi
}

# check METHOD PATH STATUS is|like EXPECTED [BODY]: EXPECTED is the response's body, or with "like"
# a regular expression for it.
check() {
  local pattern="$5" found
  send "$1" "$2" "${6:-}"
  found="$body"
  if [ "$4" = like ] && [[ $body =~ $pattern ]]; then
    found="$pattern"
  fi
  compare "$3  $sent" "$status $found" "$3 $pattern"
}

# validation_error TYPE LOC MSG INPUT: one entry of a 422 response.
validation_error() {
  printf '{"type":"%s","loc":[%s],"msg":"%s","input":%s}' "$@"
}

check_general_endpoints() {
  check GET '/hello?name=Minikube' 200 is '{"message":"Hello Minikube"}'
  check GET /hello 422 is "{\"detail\":[$(validation_error missing '"query","name"' 'Field required' null)]}"
  check GET / 404 is '{"detail":"Not Found"}'
  check GET /docs 200 like '<div id="swagger-ui">'
  check GET /openapi.json 200 like '^\{"openapi":"3\.1\.[0-9]+",.*"/bulk_predict":'
}

check_prediction_endpoints() {
  local first path request response
  check GET /health 200 like '^\{"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+\+00:00"\}$'
  check POST /predict 200 like "^\\{\"prediction\":$prediction\\}\$" "$example"
  # The prediction, as a regular expression.
  first="$(sed -e 's/^{"prediction":\(.*\)}$/\1/' -e 's/[][+.]/\\&/g' <<<"$body")"
  compare "the model is that of this checkout" "$(header x-model-version)" "$model_version"
  check POST /bulk_predict 200 like "^\\{\"predictions\":\\[$first,$prediction\\]\\}\$" \
    "{$plural:[$example,$other]}"
  check POST /bulk_predict 200 is '{"predictions":[]}' "{$plural:[]}"
  while IFS=$'\t' read -r path request response; do
    check POST "$path" 422 is "$response" "$request"
  done <<<"$invalid"
  check_cache
}

# Sends a new list until the response comes from the cache. That may take several requests: the first
# pod stores its response in the background, and the next request may reach another pod. Lists are
# always cached in Redis, single predictions only where this pays.
check_cache() {
  local path=/bulk_predict
  local before first key deadline=$((SECONDS + cache_seconds))
  before="$(cached_keys || true)"
  send POST "$path" "$fresh"
  first="$body"
  compare "200  MISS  $sent" "$status  $(header x-cache)" "200  MISS"
  until send POST "$path" "$fresh" && [ "$(header x-cache)" = HIT ]; do
    [ "$SECONDS" -lt "$deadline" ] || break
    sleep 0.5
  done
  compare "200  HIT   $sent" "$status  $(header x-cache)  $body" "200  HIT  $first"
  key="$(comm -13 <(echo "$before") <(cached_keys))"
  compare "Redis has a new key: $key" "${key%:*}" "predictions:$model_version:${path#/}"
}

cached_keys() {
  cluster -n "$namespace" exec deployment/redis -- redis-cli --scan --pattern 'predictions:*' | sort
}
