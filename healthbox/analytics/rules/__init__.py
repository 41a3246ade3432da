"""Alert rules, one file each, found by discovery.

A rule is a module in this package that exports one object, ``RULE``, a ``contract.Rule``:

* ``name`` is the module's name; ``label`` and ``about`` are shown to people and say what it watches and whose thresholds it uses;
* ``params`` declares every number it uses; ``evaluate`` reads them as ``RULE.params`` overlaid by the input's own;
* ``evaluate`` is a pure function of its input: same input, same findings, in the same order; no clock, no state, no database;
* at most one finding for a metric and day; a missing value or too short a history is no finding, never a guess.

``discover`` imports them all and refuses to go on with a broken one. ``contract`` and ``episodes`` are no rules.
"""

import pkgutil
from importlib import import_module

from healthbox.analytics.rules.contract import Rule

_PARTS = ("contract", "episodes")


def discover(package: str = __name__) -> dict[str, Rule]:
    """Every rule by name, in alphabetical order. Raises RuntimeError naming the module that is no rule."""
    rules: dict[str, Rule] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(import_module(package).__path__)):
        if name in _PARTS:
            continue
        path = f"{package}.{name}"
        try:
            rule = getattr(import_module(path), "RULE", None)
        except Exception as error:
            raise RuntimeError(f"the rule {path} cannot be imported: {error}") from error
        if not isinstance(rule, Rule):
            raise RuntimeError(f"the rule {path} exports no RULE")
        if rule.name != name:
            raise RuntimeError(f"the rule {path} calls itself {rule.name!r}; its name is that of its file")
        rules[name] = rule
    return rules
