"""Where the files that are not code lie."""

from pathlib import Path


def folder(name: str) -> Path:
    """The folder ``templates`` or ``static``: inside the package when installed, at the checkout's top level otherwise."""
    package = Path(__file__).parent
    for place in (package / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"healthbox has no folder named {name!r}: the installation is incomplete")
