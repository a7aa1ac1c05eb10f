# shellcheck shell=bash
# The model's file, and the card that says which one it must be.

model="$root/model/california-housing"

model_version() {
  sed -n 's/^  "version": "\([0-9a-f]*\)".*/\1/p' "$model.json"
}

provide_model() {
  if [ -e "$model.onnx" ] && [ "$(sha256 "$model.onnx")" = "$(model_version)" ]; then
    echo "The model is there and is the one that its card describes."
    return 0
  fi
  echo "The model is missing or is not the one that its card describes: training it."
  attend node "$root/model/src/train.ts"
}
