#!/usr/bin/env bash
# Installs what Berth needs on a bare Debian 12, as root or with sudo.
#
#   scripts/install_packages.sh           to build and run
#   scripts/install_packages.sh --tests   also what `make test` needs
#
# Does nothing, quickly, when everything is there.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build ccache mold pkg-config make python3
  libcaf-dev libmsgpack-cxx-dev librocksdb-dev librdkafka-dev libspdlog-dev
  catch2 librapidcheck-dev libboost-dev nlohmann-json3-dev libcli11-dev
  prometheus-cpp-dev libjemalloc-dev libcurl4-openssl-dev zlib1g-dev libssl-dev
)

missing=()
need_package() {
  local status
  status=$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null || true)
  [[ $status == "install ok installed" ]] || missing+=("$1")
}
# For what may as well have been installed in another way.
need_command() {
  command -v "$1" >/dev/null || missing+=("$2")
}

for package in "${build_packages[@]}"; do
  need_package "$package"
done
if [[ ${1:-} == --tests ]]; then
  need_command clang-format-14 clang-format-14
  need_command git git
  # libFuzzer and its sanitizers.
  need_command clang++-14 clang-14
  need_package libclang-rt-14-dev
  need_command node nodejs
  need_command npm npm
  # A real Kafka broker: Java runs it, Maven brings it.
  need_command java openjdk-17-jre-headless
  need_command mvn maven
  # Produces submissions as a user would.
  need_command kcat kcat
  # Cuts clusters apart.
  need_command ip iproute2
  # PyPI's aws has no `logs tail`, so it must be Debian's.
  [[ -x /usr/bin/aws ]] || missing+=(awscli)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
elif [[ $# -gt 0 ]]; then
  echo "install_packages.sh: unknown argument '$1'; only --tests is known" >&2
  exit 2
fi

if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install_packages.sh: these packages are missing, and installing" \
      "them needs root or sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
