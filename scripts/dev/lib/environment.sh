# Sourced by the entry points: makes the virtual environment once and keeps it in step.
# Sets PYTHON. Needs Python 3.11 or newer and the package registry pip is set up for.

PYTHON=".venv/bin/python"

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

# Run a command, keep its output to itself unless it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is needed: install it and try again."
}

# The stamp holds what was installed, so that a changed requirement is installed at the next start.
ensure_environment() {
  local wanted stamp=".venv/installed"
  wanted=$(cat requirements*.txt)
  if [ -x "$PYTHON" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    return
  fi
  # One that was interrupted while it was made has a Python and no pip: it is made again.
  if ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
    say "Making a virtual environment"
    "$(find_python)" -m venv --clear .venv ||
      fail "the virtual environment could not be made (on Debian: apt-get install python3-venv)."
  fi
  say "Installing Python packages (a minute the first time)"
  quietly "$PYTHON" -m pip install --disable-pip-version-check -r requirements-dev.txt ||
    fail "pip could not install the requirements: see above; is the package registry reachable?"
  printf '%s\n' "$wanted" >"$stamp"
}
