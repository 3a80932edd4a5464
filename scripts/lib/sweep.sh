# Shared by scripts/sweep and scripts/slurm/sweep.sbatch, which source it after train.sh.
# shellcheck shell=bash disable=SC2034,SC2154

config='' output='' seeds=(1 2 3) options=()
settings=('') # each the lines KEY=VALUE that it sets

# --config FILE --output DIR [--vary KEY VALUE...]... [--seeds N...] [-- tl-train options]
parse_sweep() {
  local option words
  while (($#)); do
    option=$1
    shift
    [[ $option != -- ]] || { options=("$@") && break; }
    words=()
    while (($#)) && [[ $1 != --* ]]; do
      words+=("$1")
      shift
    done
    ((${#words[@]} > 0)) || die 2 "$option needs a value" "see scripts/sweep --help"
    case "$option" in
      --config) config=${words[*]} ;;
      --output) output=${words[*]} ;;
      --seeds) seeds=("${words[@]}") ;;
      --vary) vary "${words[@]}" ;;
      *) die 2 "unknown option $option" "tl-train's own options come after a --" ;;
    esac
  done
  [[ -n $config ]] || die 2 "--config is missing" "see scripts/sweep --help"
  [[ -n $output ]] || die 2 "--output is missing" "see scripts/sweep --help"
}

# Each of the settings so far with each of the values: vary KEY VALUE...
vary() {
  local key=$1 value setting more=()
  shift
  (($#)) || die 2 "--vary needs a key and its values" \
    "for example --vary train.optimizer.lr 1e-2 1e-3"
  [[ $key != train.seed ]] || die 2 "seeds are no setting" "give them by --seeds"
  for setting in "${settings[@]}"; do
    for value; do more+=("$setting${setting:+$'\n'}$key=$value"); done
  done
  settings=("${more[@]}")
}

sweep_size() { echo $((${#settings[@]} * ${#seeds[@]})); }

# The setting and the seed of a run, which are counted from 0, as the path of its folder.
sweep_name() {
  local setting=${settings[$1 / ${#seeds[@]}]}
  setting=${setting//$'\n'/,}
  setting=${setting//\//_}
  echo "${setting:-unchanged}/seed_${seeds[$1 % ${#seeds[@]}]}"
}

sweep_run() { # sweep_run NUMBER
  local run=$1 set=() line
  while IFS= read -r line; do
    [[ -z $line ]] || set+=(--set "$line")
  done <<<"${settings[$run / ${#seeds[@]}]}"
  set+=(--set "train.seed=${seeds[$run % ${#seeds[@]}]}")
  train_run "$output/$(sweep_name "$run")" --config "$config" "${set[@]}" "${options[@]}"
}
