"""The one check that every record of a recipe makes."""

from digitkit.core.errors import ConfigError


def check_range(key: str, value: float, low: float, high: float) -> None:
    """Stop a value outside low..high, both allowed."""
    if not low <= value <= high:
        raise ConfigError(f"{key} must lie in {low:g}..{high:g}, got {value:g}")
