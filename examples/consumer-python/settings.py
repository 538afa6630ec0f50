"""The operator's settings, from the app's variables."""

from dataclasses import dataclass

from spin_sdk import variables
from wit_world.imports.signature_types import Scheme


@dataclass(frozen=True)
class Settings:
    weakest: Scheme
    tolerance: int
    retry_horizon: int
    seen_ids_max: int
    key_overlap: int

    def remember_until(self, now: int, signed_at: int | None) -> int:
        """Returns the time until which an id is remembered: for the retry horizon, and at least for
        as long as the signature is fresh."""
        return max(now + self.retry_horizon, (signed_at or 0) + self.tolerance + 1)


def read() -> Settings:
    """Reads all settings. Raises a `ValueError` that names the first malformed one."""
    return Settings(scheme("weakest_scheme"), number("tolerance_seconds"),
                    number("retry_horizon_seconds"), number("seen_ids_max", 1),
                    number("key_overlap_seconds"))


def scheme(name: str) -> Scheme:
    value = variables.get(name)
    schemes = {scheme.name.lower(): scheme for scheme in Scheme}
    if value not in schemes:
        raise ValueError(f"variable `{name}` is `{value}`; expected one of: {', '.join(schemes)}")
    return schemes[value]


def switch(name: str) -> bool:
    value = variables.get(name)
    if value not in ("true", "false"):
        raise ValueError(f"variable `{name}` is `{value}`; expected `true` or `false`")
    return value == "true"


def number(name: str, minimum: int = 0) -> int:
    value = variables.get(name)
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) >= minimum):
        raise ValueError(f"variable `{name}` is `{value}`; expected a whole number of at most "
                         f"ten digits, {minimum} or more")
    return int(value)
