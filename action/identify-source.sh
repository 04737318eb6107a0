#!/usr/bin/env bash
# Names a build from source by a hash of the files of this action.

set -euo pipefail
# shellcheck source=action/commands.sh
source "${GITHUB_ACTION_PATH}/action/commands.sh"

cd "$GITHUB_ACTION_PATH"
# Names and contents in a fixed order; hidden directories and the build's own are no source.
hash=$(find . -type f -not -path './.*' -not -path './target/*' | LC_ALL=C sort | tr '\n' '\0' \
    | xargs -0 tail -n +1 | sha256)
output hash "$hash"
