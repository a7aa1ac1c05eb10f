# shellcheck shell=bash
# The model file must be the one that the model card describes.

model="$root/model/california-housing"

model_version() {
  sed -n 's/^  "version": "\([0-9a-f]*\)".*/\1/p' "$model.json"
}

check_model() {
  if [ -e "$model.onnx" ] && [ "$(sha256 "$model.onnx")" = "$(model_version)" ]; then
    echo "The model matches its card."
    return 0
  fi
  echo "The model is missing or does not match its card: training it."
  interruptible node "$root/model/src/train.ts"
}
