"""SOURCE/PART, as people name the pictures of a data set with an option."""

from digitkit.core.errors import ConfigError
from digitkit.data.source import PARTS


def named_part(option: str, spec: str) -> tuple[str, str]:
    """SOURCE and PART of what was given with an option such as `--on`, which messages name.

    Raises: ConfigError when it names no part.
    """
    source, slash, part = spec.rpartition("/")
    if not slash:
        raise ConfigError(f"{option} {spec}: expected SOURCE/PART, as in mnist/test or folder:my-digits/test.")
    if part not in PARTS and ":" in source:  # the place of somebody's own pictures may have a / in it
        raise ConfigError(
            f"{option} {spec}: expected SOURCE/PART, and {part!r} is no part. Add /train, /val or /test, whichever it"
            " has, as in folder:my-digits/test."
        )
    return source, part
