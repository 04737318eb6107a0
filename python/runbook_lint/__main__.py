"""``python -m runbook_lint`` is ``runbook-lint``."""

import os
import subprocess
import sys

from runbook_lint import find_runbook_lint

# What `runbook-lint` exits with when it fails itself; Python's own 1 would mean findings.
FAILURE = 2


def main() -> None:
    try:
        start(sys.argv[1:])
    except OSError as error:
        print(f"runbook-lint cannot be started: {error}", file=sys.stderr)
        sys.exit(FAILURE)


def start(arguments: list[str]) -> None:
    program = find_runbook_lint()
    command = [program, *arguments]
    if sys.platform != "win32":
        os.execv(program, command)
    # Windows cannot replace a process, so this one waits and passes on the exit status.
    try:
        sys.exit(subprocess.run(command).returncode)
    except KeyboardInterrupt:
        sys.exit(FAILURE)


if __name__ == "__main__":
    main()
