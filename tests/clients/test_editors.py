"""Real editors, without a screen: they open a bundle, see its diagnostics, type a violation into a
helper and see it at the workflow, apply a quick fix, move a request into an activity, and see all of
it vanish."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import HARMLESS, REQUEST, VIOLATION

HERE = Path(__file__).parent
FIX = "CircleCheck"


def run(command, bundle, linter, tmp_path, stdin=None, request=REQUEST):
    """What the script of an editor has seen."""
    result = tmp_path / "seen.json"
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "BUNDLE": str(bundle),
        "LINTER": linter,
        "RESULT": str(result),
        "VIOLATION": VIOLATION,
        "HARMLESS": HARMLESS,
        "FIX": FIX,
        "REQUEST": request,
    }
    completed = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, timeout=180
    )
    assert result.exists(), completed.stdout + completed.stderr
    seen = json.loads(result.read_text())
    assert not seen.get("failed"), seen
    return seen


def program(variable, name):
    path = os.environ.get(variable) or shutil.which(name)
    if not path:
        pytest.fail(f"{name} is not installed; scripts/test-clients installs it")
    return path


@pytest.mark.parametrize(
    ("variable", "encoding"), [("NVIM_NEW", "utf-8"), ("NVIM_OLD", "utf-16")]
)
def test_neovim(variable, encoding, bundle, linter, tmp_path):
    (bundle / "templates" / "activities.py").unlink()
    script = f"luafile {HERE / 'neovim.lua'}"
    command = [program(variable, "nvim"), "--headless", "-u", "NONE", "-c", script]
    seen = run(command, bundle, linter, tmp_path)
    assert "RB308" in seen["opened"] and "RB101" not in seen["opened"]
    assert seen["encoding"] == encoding
    assert "RB101" in seen["typed"]
    assert seen["path"] == ["helpers.py"]
    assert any("Ignore RB308" in title for title in seen["actions"] if FIX not in title) or any(
        FIX in title for title in seen["actions"]
    )
    assert f'icon="{FIX}"' in seen["fixed"]
    assert any("requests.get" in line for line in seen["extracted"])


def test_emacs_with_eglot(bundle, linter, tmp_path):
    (bundle / "templates" / "activities.py").unlink()
    command = [program("EMACS", "emacs"), "--no-init-file", "--batch", "-l", str(HERE / "emacs.el")]
    seen = run(command, bundle, linter, tmp_path, stdin="y\n" * 20)
    assert any("CheckCircle2" in text for text in seen["opened"])
    # Eglot shows no places beside a diagnostic, so the way there has to be in its message.
    assert any("time.time" in text for text in seen["typed"])
    assert any(FIX in title for title in seen["actions"])
    assert f'icon="{FIX}"' in seen["fixed"]
    assert any("requests.get" in line for line in seen["extracted"])


def test_vim_with_ale(bundle, linter, tmp_path):
    # ALE takes the columns of an edit for bytes, so what is edited behind an é lands elsewhere.
    workflow = bundle / "templates" / "workflow.py"
    workflow.write_text(workflow.read_text().replace("é😀", "now"))
    command = [program("VIM_PROGRAM", "vim"), "-Nu", "NONE", "-es", "-S", str(HERE / "ale.vim")]
    seen = run(command, bundle, linter, tmp_path, request=REQUEST.replace("é", "e"))
    assert any("CheckCircle2" in text for text in seen["opened"])
    assert any("time.time" in text for text in seen["typed"])
    assert f'icon="{FIX}"' in seen["fixed"]
    assert any("requests.get" in line for line in seen["extracted"])
