"""A person leaves with a file and arrives with it elsewhere, by the command line alone."""

import zipfile

import pytest
from bodies import auto_export
from terminal import Home

SECRET = {"2026-11-17 10:00": 100, "2026-11-17 11:00": 250, "2026-11-18 09:00": 75}


@pytest.fixture
def lived(home: Home) -> Home:
    home.run("import", home.file(auto_export(SECRET)), "--person", "Alice")
    return home


@pytest.fixture
def other(tmp_path) -> Home:
    """Another healthbox, in which Alice has just moved in."""
    other = Home(tmp_path / "other")
    other.run("person", "add", "Alice", "--zone", "Europe/Berlin")
    return other


def test_what_leaves_arrives(lived, other, tmp_path):
    path = tmp_path / "mine.zip"
    result = lived.run("export", str(path), "--person", "alice")
    assert result.stdout == f"{path}\n" and "not encrypted" in result.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    other.run("import", str(path), "--person", "Alice", "--format", "healthbox-export")
    assert other.content()["day"] and other.content() == lived.content()


def test_the_bare_lines_arrive_too(lived, other, tmp_path):
    lived.run("export", str(tmp_path / "mine.zip"), "--person", "Alice", "--format", "jsonl")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert archive.namelist() == ["README.txt", "healthbox.jsonl"]
        archive.extract("healthbox.jsonl", tmp_path)
    other.run("import", str(tmp_path / "healthbox.jsonl"), "--person", "Alice")
    assert other.content() == lived.content()


@pytest.mark.parametrize(("form", "file"), [("csv", "days.csv"), ("sqlite", "healthbox.sqlite")])
def test_a_format_alone(lived, tmp_path, form, file):
    path = tmp_path / f"{form}.zip"
    lived.run("export", str(path), "--person", "Alice", "--format", form)
    with zipfile.ZipFile(path) as archive:
        assert file in archive.namelist() and "healthbox.jsonl" not in archive.namelist()


def test_into_a_folder_it_goes_under_a_dated_name_and_never_over_another(lived, tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    lived.run("export", str(folder), "--person", "Alice")
    (made,) = folder.iterdir()
    assert made.name.startswith("healthbox-alice-20") and made.suffix == ".zip"
    assert "is there already" in lived.run("export", str(folder), "--person", "Alice", code=1).stderr
    assert [one.name for one in folder.iterdir()] == [made.name]


def test_a_person_or_a_folder_that_is_not_there_is_said(lived, tmp_path):
    assert "no such person" in lived.run("export", str(tmp_path / "x.zip"), "--person", "Bob", code=1).stderr
    assert "no folder" in lived.run("export", str(tmp_path / "nowhere" / "x.zip"), "--person", "Alice", code=1).stderr
