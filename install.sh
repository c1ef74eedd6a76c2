#!/usr/bin/env bash
# Prepares .venv with pinned versions. The Makefile, the Dockerfile and CI all install through this.
#   ./install.sh           what the service needs to run
#   ./install.sh --test    and what its tests need: tools, espeak-ng, a Chromium
#
# TORCH_INDEX_URL  pip index that torch alone is taken from. On a machine without an NVIDIA GPU,
#                  point it at PyTorch's index of CPU builds: the default build brings CUDA along.
# PYTHON           interpreter to build .venv with (default: python3.11, else python3)
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

# A stamp holds the checksum of what was installed, so a second call costs nothing.
stamp() { cat pyproject.toml install.sh "$@" | sha256sum | cut -d' ' -f1; }

python=${PYTHON:-$(command -v python3.11 || command -v python3)}
if [ ! -x .venv/bin/python ]; then
  say "Creating .venv with $("$python" --version)"
  "$python" -m venv .venv || { say "python venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

want=$(stamp requirements.txt)
if [ "$(cat .venv/installed 2>/dev/null)" != "$want" ]; then
  say "Installing pinned packages (a few minutes the first time)"
  # torch first and alone: its pin must not be widened by anything that comes later.
  if ! .venv/bin/python -c 'import torch' 2>/dev/null; then
    pip install -q ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} "$(grep '^torch==' requirements.txt)"
  fi
  pip install -q -r requirements.txt
  pip install -q --no-deps --no-build-isolation -e .
  echo "$want" > .venv/installed
fi

[ "${1:-}" = "--test" ] || exit 0

want=$(stamp requirements.txt requirements-test.txt)
if [ "$(cat .venv/installed-test 2>/dev/null)" != "$want" ]; then
  say "Installing what the tests need"
  pip install -q -r requirements-test.txt
  echo "$want" > .venv/installed-test
fi

has() { command -v "$1" >/dev/null 2>&1; }
browser() { has chromium || has chromium-browser || has google-chrome; }
missing=()
has espeak-ng || missing+=(espeak-ng)
has initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql)
has redis-server || missing+=(redis-server)
[ -x /usr/sbin/nginx ] || has nginx || missing+=(nginx-light)
has sipp || missing+=(sip-tester)
has systemd-analyze || missing+=(systemd)
browser || missing+=(chromium)
fc-list 2>/dev/null | grep -i cjk >/dev/null || missing+=(fonts-noto-cjk)
if [ ${#missing[@]} -gt 0 ] && has apt-get && [ "$(id -u)" = 0 ]; then
  say "Installing from Debian: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
elif ! browser; then
  say "No Chromium here and not root: trying Playwright's own"
  .venv/bin/python -m playwright install chromium ||
    say "NO CHROMIUM: the browser tests will be SKIPPED. Install one: apt-get install chromium"
fi
has espeak-ng || say "NO ESPEAK-NG: tests that synthesise speech will be SKIPPED. Install it: apt-get install espeak-ng"
has sipp || say "NO SIPP: tests of SIPREC by sip-tester will be SKIPPED. Install it: apt-get install sip-tester"
has initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null ||
  say "NO POSTGRESQL: tests of the store on PostgreSQL will be SKIPPED. Install it: apt-get install postgresql"
if has npm && [ -f web_widget/package-lock.json ]; then
  want=$(cat web_widget/package-lock.json | sha256sum | cut -d' ' -f1)
  if [ "$(cat web_widget/node_modules/.installed 2>/dev/null)" != "$want" ]; then
    say "Installing the browser tests' tools"
    (cd web_widget && npm ci --silent --no-audit --no-fund) && echo "$want" > web_widget/node_modules/.installed
  fi
fi
