"""What the application was given: the one place where a view reaches outside its request."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

from flask import current_app

from healthbox.config import Settings
from healthbox.pipeline.accept import Door
from healthbox.store.engine import Database


class Pulse(Protocol):
    """The worker, as far as a door needs to know it."""

    def beat(self) -> int | None:
        """When it last went round (ms since the epoch); None before the first round."""


@dataclass(frozen=True)
class House:
    settings: Settings
    database: Database
    door: Door
    clock: Callable[[], int]  # ms since the epoch
    vault: Any = None
    pump: Pulse | None = None


def house() -> House:
    return cast(House, current_app.extensions["healthbox"])


def now() -> int:
    return house().clock()
