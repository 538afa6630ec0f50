"""What an operator chooses, as the app's variables have it."""

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
        """For the retry horizon, and never for less than the signature could be sent again."""
        return max(now + self.retry_horizon, (signed_at or 0) + self.tolerance + 1)


def read() -> Settings:
    """All of them. Raises a `ValueError` that names the first that is malformed."""
    return Settings(scheme("weakest_scheme"), number("tolerance_seconds"),
                    number("retry_horizon_seconds"), number("seen_ids_max", 1),
                    number("key_overlap_seconds"))


def scheme(name: str) -> Scheme:
    value = variables.get(name)
    schemes = {one.name.lower(): one for one in Scheme}
    if value not in schemes:
        raise ValueError(f"variable `{name}` is `{value}`, and has to be one of: {', '.join(schemes)}")
    return schemes[value]


def switch(name: str) -> bool:
    value = variables.get(name)
    if value not in ("true", "false"):
        raise ValueError(f"variable `{name}` is `{value}`, and has to be `true` or `false`")
    return value == "true"


def number(name: str, least: int = 0) -> int:
    value = variables.get(name)
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) >= least):
        raise ValueError(f"variable `{name}` is `{value}`, and has to be a whole number of at most "
                         f"ten digits, {least} or more")
    return int(value)
