# What the commands of docs/DEPLOYMENT.md do in a directory instead of a machine. PYTHON, PACKAGES, PROJECT and
# EDITED are set by the test.
set -euo pipefail

apt-get() { [ "$*" = "install -y git python3-venv" ]; }

git() {  # the project as it is here, committed or not
    [ "$1" = clone ]
    mkdir -p "$3"
    (cd "$PROJECT" && cp -r README.md LICENSE pyproject.toml constraints.txt actors pushserver config deploy "$3")
}

python3() {  # pip, and what the service depends on, are those of the tests
    [ "$1 $2" = "-m venv" ]
    "$PYTHON" -m venv --without-pip "$3"
    echo "$PACKAGES" > "$(echo "$3"/lib/python*/site-packages)/installed.pth"
    printf '#!/bin/sh\nexec "%s/bin/python" -m pip "$@"\n' "$3" > "$3/bin/pip"
    chmod +x "$3/bin/pip"
}

useradd() { [ "${*: -1}" = pushserver ]; }

install() {  # without owners: there is only us
    local kept=()
    while [ $# -gt 0 ]; do
        case $1 in
            -o | -g) shift 2 ;;
            *) kept+=("$1"); shift ;;
        esac
    done
    command install "${kept[@]}"
}

vim() {
    local path
    for path in "$@"; do
        [ -e "$path" ]
        cat "$EDITED/$(basename "$path")" > "$path"
    done
}
