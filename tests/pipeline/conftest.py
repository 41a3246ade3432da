from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import House


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """More houses, each on a data folder of its own."""
    made: list[House] = []

    def make(**given: Any) -> House:
        folder = tmp_path / f"house{len(made)}"
        folder.mkdir()
        made.append(House(folder, **given))
        return made[-1]

    yield make
    for house in made:
        house.database.close()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
