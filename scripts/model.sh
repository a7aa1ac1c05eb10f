# shellcheck shell=bash
# The model that the stack serves, and the requests that follow from its card.

trained_model=model/california-housing.onnx
# Set by read_card, which reads them in the order in which card-values.ts prints them.
model_version="" plural="" example="" other="" fresh="" invalid=""

read_card() {
  local values
  values="$(node "$root/scripts/card-values.ts" "$root/${model%.onnx}.json")" || return 1
  {
    IFS= read -r model_version
    IFS= read -r plural
    IFS= read -r example
    IFS= read -r other
    IFS= read -r fresh
    invalid="$(cat)"
  } <<<"$values"
}

model_matches_card() {
  read_card && [ -e "$root/$model" ] && [ "$(sha256 "$root/$model")" = "$model_version" ]
}

check_model() {
  model="$(node "$root/infra/stack-model.ts" "$root/Pulumi.$stack.yaml")" ||
    fail 1 "The stack selects no model: see the message above."
  if ! model_matches_card; then
    [ "$model" = "$trained_model" ] ||
      fail 1 "$model is missing or does not match its card. To write the card: ./run.sh card $model --data FILE.csv"
    echo "The model is missing or does not match its card: training it."
    interruptible node "$root/model/src/train.ts"
    model_matches_card || fail 1 "The trained model does not match its card."
  fi
  echo "$model matches its card."
}
