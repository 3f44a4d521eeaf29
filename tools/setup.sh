#!/usr/bin/env bash
# Make .venv with every pinned package, and the OS packages that pip cannot bring.
#
#   tools/setup.sh [EXTRA ...]     EXTRA: an extra of pyproject.toml besides "bench", "cluster", "plots", "demo" and "dev", e.g. train
#   PYTHON=/path/to/python3 tools/setup.sh     to choose the interpreter
#   WITH_BROWSER=1 tools/setup.sh              with Chromium, for the test of the report's page (root only)
#
# Exit status: 0 ready, 2 something is missing (one line says what to run), 1 an install failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
stop() { local status=$1; shift; printf 'setup: %s\n' "$*" >&2; exit "$status"; }

# One set-up at a time in a tree: a second one waits here, then finds the work done.
exec 9<pyproject.toml
flock 9
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints "X.Y" and then what this interpreter lacks. cocotb loads Python into the simulator as a
# shared library, which a default pyenv build does not have and Debian keeps in a package of its own.
probe_python() {
    "$1" - 2>/dev/null <<'PY'
import importlib.util, os, sys, sysconfig

var = sysconfig.get_config_var
version = "%d.%d" % sys.version_info[:2]
words = [version]
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    words.append("version")
if importlib.util.find_spec("ensurepip") is None:
    words.append("venv")
folders = [var("LIBDIR") or "", os.path.join(var("LIBDIR") or "", var("MULTIARCH") or ""), var("LIBPL") or ""]
names = ["libpython%s.so.1.0" % version, "libpython%s.so" % version]
if not any(os.path.isfile(os.path.join(f, n)) for f in folders for n in names):
    words.append("libpython")
print(*words)
PY
}

# The first interpreter that lacks nothing; else the system's, if apt can complete it.
python="" system_lacks="" seen=""
for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.13 python3.12 python3.11}; do
    if ! path=$(command -v "$candidate") || ! words=$(probe_python "$path"); then continue; fi
    read -r version lacks <<<"$words"
    if [[ -z $lacks ]]; then
        python=$path
        break
    fi
    seen+="${seen:+, }$path $version lacks ${lacks// / and }"
    if [[ $path -ef /usr/bin/python3 && $lacks != *version* ]]; then
        system_version=$version system_lacks=$lacks
    fi
done

packages=()
command -v g++ >/dev/null || packages+=(g++)
command -v make >/dev/null || packages+=(make)
command -v iverilog >/dev/null || packages+=(iverilog)
# Verilator is a Perl script; the perl-base of a bare Debian lacks these modules.
perl -MPod::Usage -MGetopt::Long -MFindBin -e 1 2>/dev/null || packages+=(perl)
if [[ -z $python ]]; then
    [[ -n $system_lacks ]] || stop 2 "needs Python 3.11 to 3.13 with venv and a shared libpython;" \
        "${seen:-none found}; install one and run: make setup PYTHON=/path/to/python3"
    [[ $system_lacks == *venv* ]] && packages+=(python3-venv)
    [[ $system_lacks == *libpython* ]] && packages+=("libpython$system_version")
    python=/usr/bin/python3
fi

if ((${#packages[@]})); then
    command -v apt-get >/dev/null || stop 2 "missing ${packages[*]} (Debian names)," \
        "and there is no apt-get here; install them, then run make again"
    as_root=()
    if [[ $(id -u) != 0 ]]; then
        as_root=(sudo -n)
        sudo -n true 2>/dev/null || stop 2 "missing ${packages[*]}; run:" \
            "sudo apt-get update && sudo apt-get install -y ${packages[*]}"
    fi
    command -v ccache >/dev/null || packages+=(ccache) # optional: only speeds up Verilator's rebuilds
    say "apt-get install ${packages[*]}"
    # python3-venv brings ca-certificates, whose installation rewrites this bundle and so drops what was
    # appended to it by hand, such as a company proxy's. pip below goes on trusting what it did before.
    bundle=/etc/ssl/certs/ca-certificates.crt
    [[ ! -r $bundle ]] || cp "$bundle" "$work/bundle.crt"
    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    # A failing update is no verdict: one broken extra source must not stop what is installable.
    { "${as_root[@]}" "${apt[@]}" update || true
      "${as_root[@]}" "${apt[@]}" install --no-install-recommends "${packages[@]}"
    } >"$work/apt.log" 2>&1 </dev/null || {
        tail -n 15 "$work/apt.log" >&2
        stop 1 "apt-get could not install ${packages[*]} (its last lines are above)"
    }
    if [[ -e $work/bundle.crt ]] && ! cmp -s "$work/bundle.crt" "$bundle"; then
        export PIP_CERT=$work/bundle.crt REQUESTS_CA_BUNDLE=$work/bundle.crt
    fi
fi

# The page of `evaluate --html` is opened in a browser by one test, which skips where there is none: .ci/run asks for it.
if [[ -n ${WITH_BROWSER:-} && $(id -u) == 0 ]] && ! command -v chromium >/dev/null; then
    say "apt-get install chromium"
    env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
        chromium fonts-dejavu-core >"$work/browser.log" 2>&1 </dev/null || say "no chromium: a test skips"
fi

.venv/bin/python -c 'import pip' 2>/dev/null || {
    say "making .venv with $python"
    "$python" -m venv --clear .venv
}
extras=$(IFS=, && echo "bench,cluster,plots,demo,dev${*:+,$*}")
say "installing the pinned packages [$extras]"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
    --constraint requirements-lock.txt --editable ".[$extras]" </dev/null ||
    stop 1 "pip could not install the packages of requirements-lock.txt (its message is above)"
.venv/bin/python -m find_libpython | grep -q . ||
    stop 2 "$(readlink -f .venv/bin/python) has no shared libpython; run: make distclean, then" \
        "make setup PYTHON=/path/to/another/python3"

touch .venv/.ready
for extra in "$@"; do touch ".venv/.ready-$extra"; done
say "ready"
