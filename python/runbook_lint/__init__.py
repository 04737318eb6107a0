"""Finds the ``runbook-lint`` program that this package installs."""

import os
import sys
import sysconfig
from collections.abc import Iterator

__all__ = ["find_runbook_lint"]


def find_runbook_lint() -> str:
    """Return the path of the program, or raise ``FileNotFoundError``."""
    program = "runbook-lint" + (sysconfig.get_config_var("EXE") or "")
    places = [os.path.join(directory, program) for directory in _directories()]
    for place in places:
        if os.path.isfile(place):
            return place
    raise FileNotFoundError(
        "the program of runbook-lint is at none of these places: " + ", ".join(places)
    )


def _directories() -> Iterator[str]:
    # An installation into an environment.
    yield sysconfig.get_path("scripts")
    # `pip install --user`.
    yield sysconfig.get_path("scripts", scheme=_user_scheme())
    # `pip install --target` puts programs beside the packages.
    package = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(os.path.dirname(package), "bin")


def _user_scheme() -> str:
    if sys.version_info >= (3, 10):
        return sysconfig.get_preferred_scheme("user")
    if os.name == "nt":
        return "nt_user"
    if sys.platform == "darwin" and sys._framework:
        return "osx_framework_user"
    return "posix_user"
