"""CodeMirror in Chromium, through a bridge from a web socket to the server."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent / "browser"


def test_a_bundle_from_its_diagnostics_to_a_new_activity(bundle, linter, tmp_path):
    screenshots = tmp_path / "screenshots"
    completed = subprocess.run(
        ["node", str(HERE / "run.mjs"), linter, str(bundle), str(screenshots)],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    taken = {it.name for it in screenshots.iterdir()}
    assert taken == {"diagnostics.png", "hover.png", "completion.png", "extracted.png"}
