import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthbox.store.engine import Database
from healthbox.store.migrations.upgrade import upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database at this version's schema, in ``tmp_path / "data"``."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    opened = Database(data)
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    """``disk.prepare`` sets the umask of its whole process."""
    mask = os.umask(0o022)
    yield
    os.umask(mask)
