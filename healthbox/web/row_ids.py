"""Ids in addresses."""

from werkzeug.routing import IntegerConverter


class RowId(IntegerConverter):
    """``<int:…>``: an id that the database can hold, below 10^18; at an address with a higher one there is nothing.

    By its shape and not by ``max``: that is looked at only after the methods, and the answer would be 405 or worse."""

    regex = r"\d{1,18}"
