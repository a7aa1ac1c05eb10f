# shellcheck shell=bash
# Sends requests to the endpoints with curl and compares the status and body of each response.

house='{"MedInc":8.3252,"HouseAge":41,"AveRooms":6.98,"AveBedrms":1.02,"Population":322,"AveOccup":2.55,"Latitude":37.88,"Longitude":-122.23}'
other_house='{"MedInc":3.2,"HouseAge":25,"AveRooms":5.1,"AveBedrms":1.1,"Population":1400,"AveOccup":3,"Latitude":34.05,"Longitude":-118.3}'
# Time limit in seconds until a prediction is found in the cache.
cache_seconds="${CACHE_SECONDS:-15}"
number='-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?'

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
  local price required='Field required' forbidden='Extra inputs are not permitted'
  local not_a_number='Input should be a valid number, unable to parse string as a number'
  local north='"north"' incomplete='{"MedInc":8.3252}' missing="" field
  check GET /health 200 like '^\{"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+\+00:00"\}$'
  check POST /predict 200 like "^\\{\"prediction\":$number\\}\$" "$house"
  price="$(sed -n 's/^{"prediction":\(.*\)}$/\1/p' <<<"$body")"
  compare "the model is the one of this checkout" "$(header x-model-version)" "$(model_version)"
  check POST /bulk_predict 200 like "^\\{\"predictions\":\\[$price,$number\\]\\}\$" \
    "{\"houses\":[$house,$other_house]}"
  check POST /bulk_predict 200 is '{"predictions":[]}' '{"houses":[]}'
  for field in HouseAge AveRooms AveBedrms Population AveOccup Latitude Longitude; do
    missing="$missing,$(validation_error missing "\"body\",\"$field\"" "$required" "$incomplete")"
  done
  check POST /predict 422 is "{\"detail\":[${missing#,}]}" "$incomplete"
  check POST /predict 422 is "{\"detail\":[$(validation_error extra_forbidden '"body","Pool"' "$forbidden" true)]}" \
    "${house%?},\"Pool\":true}"
  check POST /bulk_predict 422 is \
    "{\"detail\":[$(validation_error float_parsing '"body","houses",0,"Latitude"' "$not_a_number" '"north"')]}" \
    "{\"houses\":[${house/37.88/$north}]}"
  check_cache
}

# Sends the same new house until the response comes from the cache: the first pod stores its response
# in the background, and the next request may reach another pod.
check_cache() {
  local new_house before first deadline=$((SECONDS + cache_seconds))
  new_house="{\"MedInc\":8.$RANDOM,\"HouseAge\":$((RANDOM % 52 + 1)),\"AveRooms\":6.$RANDOM,\"AveBedrms\":1.$RANDOM,\"Population\":$((RANDOM + 1)),\"AveOccup\":2.$RANDOM,\"Latitude\":37.88,\"Longitude\":-122.23}"
  before="$(cached_keys || true)"
  send POST /predict "$new_house"
  first="$body"
  compare "200  MISS  $sent" "$status  $(header x-cache)" "200  MISS"
  until send POST /predict "$new_house" && [ "$(header x-cache)" = HIT ]; do
    [ "$SECONDS" -lt "$deadline" ] || break
    sleep 0.5
  done
  compare "200  HIT   $sent" "$status  $(header x-cache)  $body" "200  HIT  $first"
  local key
  key="$(comm -13 <(echo "$before") <(cached_keys))"
  compare "Redis has a new key: $key" "${key%:*}" "predictions:$(model_version):predict"
}

cached_keys() {
  cluster -n "$namespace" exec deployment/redis -- redis-cli --scan --pattern 'predictions:*' | sort
}
