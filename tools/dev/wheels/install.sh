#!/bin/sh
# Installs shardkit from the wheels beside this file, and from nothing else: sh install.sh [VENV]
# It needs Python with venv and pip, as `target` says; PYTHON=… names one. No network is used.
set -eu

fail() {
    code=$1
    shift
    echo "Error: $*" >&2
    exit "$code"
}

case "${1:-}" in
    -*)
        echo 'sh install.sh [VENV]    make a virtual environment (shardkit-venv) with shardkit in it'
        echo 'PYTHON=python3.12 sh install.sh    with that Python'
        exit 0
        ;;
esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-shardkit-venv}
[ -f "$here/target" ] && [ -f "$here/SHA256SUMS" ] ||
    fail 4 "$here is not a finished wheelhouse: call \`make wheelhouse\` again where the network is, and carry all of it."
# shellcheck source=/dev/null
. "$here/target"

interpreter=${PYTHON:-}
for each in "python$python" python3; do
    [ -n "$interpreter" ] || ! command -v "$each" >/dev/null 2>&1 || interpreter=$each
done
[ -n "$interpreter" ] ||
    fail 2 "There is no python3 here, and these wheels are for Python $python: install it, or name it with PYTHON=…"
command -v "$interpreter" >/dev/null 2>&1 ||
    fail 2 "There is no $interpreter here: name a Python $python with PYTHON=…"
if [ -x "$venv/bin/python" ]; then
    interpreter=$venv/bin/python
fi
"$interpreter" -I "$here/check.py" "$venv"

# Neither an index nor a rule of this machine's pip has a say: exactly these wheels, in exactly these versions.
PIP_CONFIG_FILE=/dev/null
export PIP_CONFIG_FILE
echo "installing into $venv …"
before=
[ ! -x "$venv/bin/shardkit" ] || before=yes
[ -x "$venv/bin/pip" ] || "$interpreter" -m venv "$venv" || fail 1 "$venv could not be made: see above."
offline() {
    "$venv/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index --find-links "$here" \
        --constraint "$here/constraints.txt" "$@" ||
        fail 1 "pip could not install from $here: see above. The same command goes on."
}
offline "shardkit${extras:+[$extras]}==$version"
# Of a state between two versions, pip would keep the one that is there: its number is the same.
[ -z "$before" ] || offline --force-reinstall --no-deps "shardkit==$version"

echo "compiling what decodes PNGs (ten seconds) …"
"$venv/bin/python" -c 'import sys; from shardkit.image.png.kernels import load_kernels; sys.exit(not load_kernels())' ||
    echo "It could not be compiled here: PNGs are decoded in about twice the time. Nothing else changes."

"$venv/bin/shardkit" --version
echo "Next: . '$venv/bin/activate' && shardkit pack FOLDER packed --dry-run"
