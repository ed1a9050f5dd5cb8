#!/bin/sh
# Makes .venv with the `gristmill` command and installs what the system must give: called by `make setup`, quick when done.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

find_python() {
  for candidate in ${PYTHON:-} python3.12 python3.13 python3.14 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  say "Gristmill needs Python 3.12 or newer, and found none (Panel 1.10 needs it; on 3.11 pip would quietly pick an older Panel)."
  say "Install it (Debian 13, Ubuntu 24.04: apt install python3-venv; elsewhere: pyenv install 3.12, or conda env create -f environment.yml)"
  say "and run make again, or name one: make setup PYTHON=/path/to/python3.12"
  exit 1
}

# $1 the command that must exist, $2 its package, $3 what it is for
system_part() {
  command -v "$1" >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo"; else as_root="no"; fi
  if [ "$as_root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    say "Please install $2 with your system's package manager ($3): on Debian or Ubuntu, sudo apt-get install $2"
    return
  fi
  say "Installing $2 ($3) ..."
  if ! { $as_root apt-get install -y -q "$2" || { $as_root apt-get update -q && $as_root apt-get install -y -q "$2"; }; } >/dev/null 2>&1
  then
    say "apt-get could not install $2 ($3). Please install it by hand and run make again."
  fi
}

# Runs a command that may take minutes. After three seconds, and then each ten, a line says how far it has come.
patiently() {
  cache=$(.venv/bin/uv cache dir 2>/dev/null || echo /nonexistent)
  before=$(megabytes "$cache")
  (
    waited=0
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
      waited=$((waited + 1))
      [ $((waited % 10)) = 3 ] || continue
      say "  ... $(($(megabytes "$cache") - before)) MB unpacked, .venv has $(megabytes .venv) MB, $waited s"
    done
  ) &
  ticker=$!
  failed=0
  "$@" || failed=$?
  kill $ticker 2>/dev/null || :
  return $failed
}

megabytes() { du -sm "$1" 2>/dev/null | awk '{ size = $1 } END { print size + 0 }'; }

environment() {
  stamp=.venv/.installed
  wanted=$(cat requirements.lock pyproject.toml deploy/setup.sh | cksum)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  python=$(find_python)
  if [ ! -x .venv/bin/python ]; then
    say "Making .venv with $("$python" --version) ..."
    if ! "$python" -m venv .venv; then
      rm -rf .venv
      say "$python cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install python3-venv"
      exit 1
    fi
  fi
  say "Installing the locked packages (about 450 MB to fetch, 2 GB unpacked, once) ..."
  patiently .venv/bin/python -m pip install -q --disable-pip-version-check "uv==$(sed -n 's/^# bootstrap: uv //p' deploy/setup.sh)"
  patiently .venv/bin/uv pip install -q --python .venv/bin/python --compile-bytecode -r requirements.lock
  patiently .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation --compile-bytecode -e .
  printf '%s' "$wanted" > "$stamp"
}

# bootstrap: uv 0.13.8
environment
[ "$(uname -s)" = Linux ] && system_part bwrap bubblewrap "isolates every sandbox"
has_browser() {
  for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && return
  done
  return 1
}

if [ "${1:-}" = browser ] && ! has_browser; then
  wanted=chromium
  apt-cache show chromium-headless-shell >/dev/null 2>&1 && wanted=chromium-headless-shell  # takes less of everything
  system_part $wanted $wanted "shows the dashboard to its tests"
fi
exit 0
