"""`splitsearch --help` answers at once: nothing heavy is imported before a command runs."""

import subprocess
import sys

CODE = """
import sys
import splitsearch.searcher.cli.app as app
sys.argv = ["splitsearch", "--help"]
try:
    app.main()
except SystemExit as end:
    assert end.code == 0, end.code
known = {"torch", "torchvision", "optuna", "pandas", "sklearn", "pydantic", "numpy", "plotly", "jinja2"}
heavy = known & set(sys.modules)
assert not heavy, heavy
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout
