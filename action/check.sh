#!/usr/bin/env bash
# Checks once, and publishes what was found: in the log, as annotations, in the summary of the job
# and as outputs of the step. Findings do not make this script fail.

set -euo pipefail
# shellcheck source=action/commands.sh
source "${GITHUB_ACTION_PATH}/action/commands.sh"

# A job may check twice and use both reports.
reports=$(mktemp -d "${RUNNER_TEMP}/runbook-lint-reports.XXXXXX")

main() {
    expect_boolean annotations "$INPUT_ANNOTATIONS"
    expect_boolean summary "$INPUT_SUMMARY"
    expect_boolean upload-sarif "$INPUT_UPLOAD_SARIF"

    local status=0
    check || status=$?
    publish
    conclude "$status"
}

# An input that cannot be used ends the step like any other failure to check.
refuse() {
    annotate error "$1"
    output exit-code 2
    exit
}

expect_boolean() {
    case $2 in
        true | false) ;;
        *) refuse "the input \`$1\` has to be \`true\` or \`false\`, not \`$2\`" ;;
    esac
}

# Runs the linter. What it prints is text of the repository, so the runner must not take orders from
# it: commands are stopped until a word comes that nobody can foresee. Both streams go into one, as
# the runner reads two independently.
check() {
    local status=0 word
    arguments=(
        check --color=always "--fail-on=$INPUT_FAIL_ON"
        --output=full "--output=json=$reports/report.json" "--output=sarif=$reports/runbook-lint.sarif"
    )
    if [[ $INPUT_ANNOTATIONS == true ]]; then
        arguments+=("--output=github=$reports/annotations.txt")
    fi
    if [[ $INPUT_SUMMARY == true ]]; then
        arguments+=("--output=markdown=$reports/summary.md")
    fi
    add_each --config= "$INPUT_CONFIG"
    add_each --baseline= "$INPUT_BASELINE"
    add_each --diff-base= "$INPUT_DIFF_BASE"
    add_each --sarif-category= "$INPUT_CATEGORY"
    add_each "" "$INPUT_ARGS"
    arguments+=(--)
    add_each "" "$INPUT_PATHS"

    unset CDPATH
    cd -- "$INPUT_WORKING_DIRECTORY" 2> /dev/null \
        || refuse "the input \`working-directory\` has to be a directory, and \`$INPUT_WORKING_DIRECTORY\` is none"
    word=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
    [[ ${#word} == 32 ]] || die "this machine gives no random numbers"
    echo "::stop-commands::$word"
    # The bash of Windows would rewrite arguments that look like absolute paths.
    MSYS_NO_PATHCONV=1 "$program" "${arguments[@]}" \
        2> "$reports/messages.txt" || status=$?
    cat "$reports/messages.txt"
    printf '\n::%s::\n' "$word"
    return "$status"
}

# add_each PREFIX LINES: one argument for each line that is not empty.
add_each() {
    local line
    while IFS= read -r line; do
        [[ -z $line ]] || arguments+=("$1$line")
    done <<< "$2"
}

# Annotations have been escaped by the linter.
publish() {
    if [[ -f $reports/annotations.txt ]]; then
        cat "$reports/annotations.txt"
    fi
    if [[ -f $reports/summary.md ]]; then
        cat "$reports/summary.md" >> "$GITHUB_STEP_SUMMARY"
    fi
    local line command
    sed -n 's/^warning: //p' "$reports/messages.txt" \
        | while IFS= read -r line; do
            command=$(annotate warning "$line")
            # Most are among the annotations already.
            grep -qxF -e "$command" "$reports/annotations.txt" 2> /dev/null || echo "$command"
        done
}

conclude() {
    local status=$1 upload=false
    if ((status < 2)) && [[ ! -f $reports/report.json ]]; then
        echo "the arguments in the input \`args\` keep runbook-lint from writing its report" > "$reports/messages.txt"
        status=2
    fi
    if ((status < 2)); then
        output findings "$(number findings)"
        output errors "$(number errors)"
        output sarif-file "$reports/runbook-lint.sarif"
        upload=$INPUT_UPLOAD_SARIF
    else
        complain "$status"
        status=2
    fi
    if [[ $upload == true && $FROM_FORK == true ]]; then
        annotate notice "the findings are not uploaded to code scanning, since a pull request from a fork has no permission to"
        upload=false
    fi
    output exit-code "$status"
    output upload "$upload"
}

# Says why nothing was checked, unless the linter has put that at the line that is to blame.
complain() {
    if grep -q '^::error ' "$reports/annotations.txt" 2> /dev/null; then return; fi
    annotate error "runbook-lint ended with the exit status $1"$'\n'"$(cat "$reports/messages.txt")"
}

# One of the counts in the report. No text in it can look like this, as quotes are escaped there.
number() {
    sed -n '/^  "summary": {$/,/^  }/s/^    "'"$1"'": \([0-9]*\),\{0,1\}$/\1/p' "$reports/report.json"
}

main
