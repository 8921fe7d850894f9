"""The faults of the scenarios in tests/scenarios: those that pass by themselves, for programs that draw from them."""

import pathlib
import tomllib

from . import processes

# What says when a rule strikes, which whoever draws it decides anew.
WHEN = ("nth", "every", "count", "probability", "mailbox", "from_s", "until_s")


def passing_faults(api):
    """Rules for an interface, "ews" or "graph": the name of their scenario, and what they do to which operation."""
    rules = []
    for path in sorted(pathlib.Path(processes.ROOT / "tests" / "scenarios").glob("*.toml")):
        scenario = tomllib.loads(path.read_text())
        if scenario.get("soak", True) and scenario.get("program", {}).get("api", "ews") == api:
            for rule in scenario.get("world", {}).get("faults", []):
                rules.append((path.stem, {key: value for key, value in rule.items() if key not in WHEN}))
    if not rules:
        raise SystemExit(f"there are no scenarios of {api} with faults that pass")
    return rules
