"""Which published test parts say nothing about a model, since it learns from their digits."""

from collections.abc import Sequence

from digitkit.data.catalogue import SOURCES
from digitkit.data.copies import NEAR
from digitkit.data.loading import Loaded
from digitkit.data.source import TEST


def contaminations(loaded: Sequence[Loaded], duplicates: str) -> dict[str, str]:
    """The test parts whose digits are learnt from, such as mnist/test, each with a line for people.

    A test part of these sources is none of them when all copies of its pictures are found and dropped: near ones too,
    and neither source shows the digits in another frame. `duplicates` says which copies are looked for.
    """
    tested = {f"{source.name}/{TEST}" for source in loaded if TEST in source.parts and duplicates == NEAR}
    found: dict[str, str] = {}
    for source in loaded:
        for place in source.contains:
            hidden = _is_reframed(source.name) or _is_reframed(place.partition("/")[0])
            if place not in found and (hidden or place not in tested):
                found[place] = (
                    f"Contaminated: {source.name} has digits of {place}, so the accuracy there means nothing for a"
                    f" model that learnt from it."
                )
    return found


def _is_reframed(name: str) -> bool:
    """Whether copies of this source's pictures are not found in others; people's own sources do not say."""
    return name in SOURCES and SOURCES[name].reframed
