# shellcheck shell=bash
# Shared by the scripts beside this file. They have to run in the bash 3.2 of macOS, which has no
# mapfile and cannot expand an empty array under `set -u`.

# annotate KIND MESSAGE: an annotation without a place. Whatever the message holds, it stays one
# command: it has no line break, and percent signs in it stand for themselves.
annotate() {
    local message=$2
    message=${message//'%'/%25}
    message=${message//$'\r'/%0D}
    message=${message//$'\n'/%0A}
    printf '::%s title=runbook-lint::%s\n' "$1" "$message"
}

die() {
    annotate error "$1"
    exit 1
}

output() {
    printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}

# The SHA-256 of the standard input. Were a file named, its name could change how the result looks.
sha256() {
    local result
    if type sha256sum > /dev/null 2>&1; then
        result=$(sha256sum)
    else
        result=$(shasum -a 256)
    fi
    echo "${result%% *}"
}

# Where install.sh puts the linter.
program=${RUNNER_TEMP}/runbook-lint/bin/runbook-lint
if [[ $RUNNER_OS == Windows ]]; then
    program+=.exe
fi
