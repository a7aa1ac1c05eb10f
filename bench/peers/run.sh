#!/usr/bin/env bash
# run.sh PEER: serves the model with another server, on $PORT of the loopback interface. The first run installs the
# server in .tools/peers, and so does the first run after a change of its requirements. fastapi-cache2 uses $REDIS_URL.
set -euo pipefail
peer="$1"
peers="$(cd "$(dirname "$0")" && pwd)"
project="$(cd "$peers/../.." && pwd)"
environment="$project/.tools/peers/$peer"
cd "$peers/$peer"

if ! cmp -s requirements.txt "$environment/requirements.txt"; then
  rm -rf "$environment"
  python3 -m venv "$environment" >&2
  "$environment/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
  # This is the last step, so an environment with this file is complete.
  cp requirements.txt "$environment"
fi

export PATH="$environment/bin:$PATH" PYTHONPATH="$peers" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
export MODEL="$project/model/california-housing.onnx"
uvicorn=(uvicorn server:app --host 127.0.0.1 --port "$PORT" --no-access-log --log-level warning)
case "$peer" in
  kserve) KSERVE_LOGLEVEL=WARNING exec python server.py ;;
  litserve) exec python server.py ;;
  robyn) exec python server.py --processes=1 --workers=1 --log-level=WARN ;;
  mlserver) MLSERVER_HTTP_PORT="$PORT" MLSERVER_GRPC_PORT=0 exec mlserver start . ;;
  bentoml)
    export BENTOML_HOME="$environment/home" BENTOML_DO_NOT_TRACK=True
    exec bentoml serve server:Housing --host 127.0.0.1 --port "$PORT"
    ;;
  fastapi-svr)
    export MODEL="$environment/svr.joblib"
    [ -f "$MODEL" ] || python train.py "$MODEL" >&2
    exec "${uvicorn[@]}" --app-dir ../fastapi
    ;;
  *) exec "${uvicorn[@]}" ;;
esac
