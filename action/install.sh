#!/usr/bin/env bash
# Gets runbook-lint from a release or from the source.

set -euo pipefail
# shellcheck source=action/commands.sh
source "${GITHUB_ACTION_PATH}/action/commands.sh"

releases=https://github.com/ntropii-com/runbook-lint/releases/download

main() {
    local version=$INPUT_VERSION number='^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$'
    [[ -n $version ]] || version=$(version_of_action)
    mkdir -p "${RUNNER_TEMP}/runbook-lint/bin"
    if [[ $version == source ]]; then
        build
    elif [[ $version =~ $number ]]; then
        download "$version"
    else
        die "the input \`version\` has to be the number of a release, such as 0.1.0, or \`source\`, not \`$version\`"
    fi
    is_installed || die "runbook-lint was installed, but does not run on this machine"
}

is_installed() {
    "$program" --version 2> /dev/null
}

version_of_action() {
    sed -n 's/^version = "\(.*\)"$/\1/p' "${GITHUB_ACTION_PATH}/Cargo.toml" | head -n 1
}

# Cargo and rustup take orders from files in the directory they run in and in those above it. That
# must not be the repository that is checked.
build() {
    cd "$GITHUB_ACTION_PATH"
    # What was restored from the cache may have been built for another system of the same name.
    if is_installed > /dev/null; then return; fi
    type cargo > /dev/null 2>&1 \
        || die "\`version: source\` needs cargo; install a Rust toolchain in a step before this one, or choose a release"
    cargo install --locked --force --no-track --path . --root "${RUNNER_TEMP}/runbook-lint" 2>&1 \
        || die "runbook-lint could not be built; the log says why"
}

download() {
    local version=$1 platform suffix archive accepted actual
    suffix=tar.gz
    case $RUNNER_OS-$RUNNER_ARCH in
        Linux-X64) platform=x86_64-unknown-linux-musl ;;
        Linux-ARM64) platform=aarch64-unknown-linux-musl ;;
        macOS-X64) platform=x86_64-apple-darwin ;;
        macOS-ARM64) platform=aarch64-apple-darwin ;;
        Windows-*) platform=x86_64-pc-windows-msvc suffix=zip ;;
        *) die "there is no release for $RUNNER_OS on $RUNNER_ARCH; use \`version: source\`" ;;
    esac
    archive=runbook-lint-v$version-$platform.$suffix

    cd "${RUNNER_TEMP}/runbook-lint"
    fetch "$releases/v$version/$archive"
    accepted=$INPUT_CHECKSUM
    if [[ -z $accepted ]]; then
        fetch "$releases/v$version/$archive.sha256"
        accepted=$(cut -d ' ' -f 1 "$archive.sha256")
    fi
    actual=$(sha256 < "$archive")
    grep -qix -e "$actual" <<< "$accepted" \
        || die "$archive has the SHA-256 $actual, which is not the expected one, so it was not installed"

    if [[ $suffix == zip ]]; then
        unzip -q -o -j "$archive" -d bin
    else
        tar -xzf "$archive" -C bin --strip-components 1
    fi || die "$archive could not be unpacked"
}

# Downloads into the working directory.
fetch() {
    curl --fail --silent --show-error --location --proto '=https' --retry 3 --max-time 300 \
        --remote-name "$1" 2>&1 || die "$1 could not be downloaded; the log says why"
}

main
