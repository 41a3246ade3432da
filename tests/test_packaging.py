import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from healthbox.folders import folder

TOP = Path(__file__).parent.parent


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target))
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
        yield archive


@pytest.mark.slow
def test_the_wheel_holds_everything_the_checkout_runs_on(wheel):
    held = set(wheel.namelist())
    expected = set()
    for place, inside in (("healthbox", "healthbox"), ("templates", "healthbox/templates"), ("static", "healthbox/static")):
        for path in (TOP / place).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(f"{inside}/{path.relative_to(TOP / place)}")
    assert expected - held == set()
    assert {"healthbox/static/vendor/uPlot.iife.min.js", "healthbox/static/vendor/uPlot.min.css"} <= held


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(wheel):
    strangers = [name for name in wheel.namelist() if not re.match(r"healthbox(/|-[^/]+\.dist-info/)", name)]
    assert strangers == []
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "healthbox = healthbox.cli:main" in wheel.read(entry).decode()


def test_folders_are_found_in_the_checkout_and_a_missing_one_is_named():
    assert folder("templates") == TOP / "templates"
    assert folder("static") == TOP / "static"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        folder("nowhere")


def test_the_lock_file_names_no_download_address_and_pins_every_package():
    text = (TOP / "package-lock.json").read_text("utf-8")
    assert "resolved" not in text
    assert "http" not in text
    packages = {name: row for name, row in json.loads(text)["packages"].items() if name}
    assert packages.keys() == {"node_modules/uplot", "node_modules/axe-core"}
    assert all(row["integrity"].startswith("sha512-") for row in packages.values())


def test_no_tracked_file_names_a_registry():
    if not ((TOP / ".git").exists() and shutil.which("git")):
        pytest.skip("not a git checkout")
    listed = run("git", "ls-files", "-z")
    assert listed.returncode == 0, listed.stderr
    registry = re.compile(rb"registry\.npm" + rb"js|files\.python" + rb"hosted|\bpypi\.or" + rb"g|deb\.debi" + rb"an")
    files = [TOP / name for name in listed.stdout.split("\0") if name and (TOP / name).is_file()]
    assert [str(path.relative_to(TOP)) for path in files if registry.search(path.read_bytes())] == []


def test_the_version_is_the_newest_in_the_changelog():
    version = re.search(r'__version__ = "(.+)"', (TOP / "healthbox" / "__init__.py").read_text("utf-8"))
    newest = re.search(r"^## (\S+)", (TOP / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert version and newest and newest[1] == version[1]


def test_every_imported_library_is_declared():
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[<>=\[;]", row)[0].replace("-", "_") for row in project["dependencies"]}
    names = {"argon2": "argon2_cffi"} | {"jinja2": "flask", "markupsafe": "flask", "werkzeug": "flask", "itsdangerous": "flask"}
    source = "\n".join(path.read_text("utf-8") for path in (TOP / "healthbox").rglob("*.py"))
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)) - sys.stdlib_module_names - {"healthbox"}
    assert {names.get(name, name) for name in imported} - declared == set()


def test_compose_stays_short():
    assert len((TOP / "compose.yaml").read_text("utf-8").splitlines()) <= 10


def test_the_scripts_are_executable_and_parse():
    for script in ("bin/serve", "bin/test", "bin/environment", "bin/entrypoint", ".ci/run"):
        assert run("bash", "-n", script).returncode == 0, script
        assert script == "bin/environment" or (TOP / script).stat().st_mode & 0o111, script
