import importlib
import sys

import pytest

from healthbox.domain.errors import Invalid
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.registry import discover, discover_files, recognise

ENVELOPE = Envelope(zone="UTC", accepted_at=0)


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Makes a package of format modules out of their sources."""
    made = []

    def build(**sources):
        name = f"guests_{tmp_path.name}_{len(made)}"
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for module, source in sources.items():
            (folder / f"{module}.py").write_text(source)
        made.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield build
    for name in [name for name in sys.modules if name.split(".")[0] in made]:
        del sys.modules[name]


GUEST = """
from healthbox.formats.contract import Format
FORMAT = Format(name="{name}", looks_for="x", claims=lambda body, envelope: True, records=lambda body, envelope: iter(()))
"""


def test_every_shipped_format_is_found():
    assert set(discover()) == {
        "native-sync", "seed-sync", "flutter-health", "health-auto-export", "shortcuts", "hc-webhook", "health-connect-exports",
        "open-wearables", "healthsave", "health-bridge", "health-export-pro", "health-data-export",
    }  # fmt: skip
    assert all(name == found.name and found.looks_for for name, found in discover().items())


def test_every_shipped_file_format_is_found():
    assert set(discover_files()) == {
        "apple-health-export", "health-connect-backup", "healthbox-export", "plain-csv", "fit", "gpx", "tcx",
    }  # fmt: skip
    assert all(name == found.name and found.looks_for for name, found in discover_files().items())
    assert not discover_files().keys() & discover().keys(), "a batch keeps the name alone"


def test_a_module_without_a_format_is_no_guest(room):
    assert set(discover(room(alice=GUEST.format(name="alice"), words="X = 1"))) == {"alice"}


def test_a_broken_guest_is_loud(room):
    with pytest.raises(RuntimeError, match="cannot be imported"):
        discover(room(broken="import nothing_of_that_name"))
    with pytest.raises(RuntimeError, match="is no Format"):
        discover(room(bob="FORMAT = 3"))
    with pytest.raises(RuntimeError, match="both call their format 'twin'"):
        discover(room(alice=GUEST.format(name="twin"), bob=GUEST.format(name="twin")))


@pytest.mark.parametrize("body", [None, 3, "x", {}, [1], {"a": 1}, {"data": 3}, {"data": [{"x": 1}]}, {"steps": {"a": 1}}])
def test_a_shape_nobody_knows_names_what_is_looked_for(body):
    with pytest.raises(Invalid) as caught:
        recognise(body, ENVELOPE)
    assert (caught.value.status, caught.value.code) == (422, "unknown_shape")
    assert all(name in caught.value.hint for name in discover())


def test_two_claims_are_an_error_that_names_both():
    twins = {name: Format(name, "x", lambda body, envelope: True, lambda body, envelope: iter(())) for name in ("alice", "bob")}
    with pytest.raises(Invalid, match="alice and bob") as caught:
        recognise({}, ENVELOPE, twins)
    assert caught.value.code == "ambiguous_shape"
