from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import House


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """More houses, each on a data folder of its own."""
    made: list[House] = []
    count = itertools.count()

    def make(**given: Any) -> House:
        folder = tmp_path / f"house{next(count)}"
        folder.mkdir()
        made.append(House(folder, **given))
        return made[-1]

    def clear() -> None:
        """Close what stands: a property builds many."""
        while made:
            house = made.pop()
            house.database.close()
            shutil.rmtree(house.settings.data)

    make.clear = clear  # type: ignore[attr-defined]
    yield make
    clear()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
