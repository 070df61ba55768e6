"""The record that travels inside a model file, format 1.

A bundle is one `.onnx` file. Its metadata holds this record as JSON under the key `digitkit`, with the digest of the
whole file.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from digitkit.core.errors import BundleError, BundleTooNew
from digitkit.core.prediction import NOT_A_DIGIT, Thresholds

FORMAT = 1
METADATA_KEY = "digitkit"
MAX_BYTES = 512 * 2**20
UNSIGNED = "0" * 64  # stands where the digest will be while the digest is taken
INPUT = "pixels"
OUTPUTS = ("probabilities", "ink_share", "contrast", "acceptance")
MAX_SIDE = 4096  # px, the largest height or width that the graph takes


@dataclass(frozen=True)
class Bundle:
    """What a model file says of itself.

    `mode` is "ink" or "photo"; `size` the side in px that the network sees; `views` how many shifted copies are
    averaged; `report`, `recipe` and `versions` are plain JSON values for people to read.
    """

    name: str
    classes: tuple[str, ...]
    mode: str = "ink"
    size: int = 28
    views: int = 1
    temperature: float = 1.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    report: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    data_fingerprint: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    digest: str = UNSIGNED

    @property
    def id(self) -> str:
        """The name for people: name@first 12 characters of the digest."""
        return f"{self.name}@{self.digest[:12]}"

    @cached_property
    def reads_numbers(self) -> bool:
        """True when a class has several characters, as jersey numbers have."""
        return any(len(name) > 1 for name in self.classes if name != NOT_A_DIGIT)

    @property
    def contaminated(self) -> tuple[str, ...]:
        """The test parts, such as mnist/test, whose digits were learnt from: accuracy there means nothing."""
        places = self._reported("contaminated")
        return tuple(map(str, places)) if isinstance(places, list | tuple) else ()

    @property
    def members(self) -> tuple[Mapping[str, object], ...]:
        """What is told of each network that has a say; nothing where there is one network."""
        told = self._reported("members")
        return tuple(each for each in told if isinstance(each, Mapping)) if isinstance(told, list | tuple) else ()

    def listed(self, *keys: str) -> tuple[str, ...]:
        """The sources under these keys of `data` in its recipe and in those of its members, each once.

        None where it lists none: the file may have been written by anybody.
        """
        recipes = [self.recipe, *(each.get("changed") for each in self.members)]
        data = [recipe.get("data") for recipe in recipes if isinstance(recipe, Mapping)]
        lists = [each.get(key) for each in data if isinstance(each, Mapping) for key in keys]
        return tuple(dict.fromkeys(str(name) for names in lists if isinstance(names, list) for name in names))

    @property
    def joined_as(self) -> str:
        """What its members are together, in words for people; a cascade tells how often the second is asked."""
        return "the mean" if self._reported("asked") is None else "a cascade"

    @property
    def precision(self) -> str:
        """What its network computes in: "fp32" or "int8"."""
        return str(self._reported("precision") or "fp32")

    @property
    def made_of(self) -> str:
        """The id of the bundle that it is in 8 bits; empty where it is none, or nobody knows."""
        return str(self._reported("made_of") or "")

    def _reported(self, key: str) -> object:
        """What the report tells; the file may have been written by anybody."""
        return self.report.get(key) if isinstance(self.report, Mapping) else None

    def to_json(self) -> str:
        """The record as the text that stands in the file's metadata."""
        return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, where: str) -> "Bundle":
        """Read the record back.

        Raises: BundleTooNew for a newer format, BundleError when the text is not a record.
        """
        try:
            values = json.loads(text)
            if int(values["format"]) > FORMAT:
                found = values["format"]
                raise BundleTooNew(
                    f"{where}: the bundle has format {found}, this digitkit reads up to {FORMAT}. Update digitkit."
                )
            return _checked(values)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise BundleError(f"{where}: the bundle's metadata is not readable ({error}). Export it again.") from error


def _checked(values: dict[str, Any]) -> Bundle:
    """The record of these values; ValueError or TypeError when they make no sense together."""
    classes, thresholds = values["classes"], Thresholds(**values["thresholds"])
    if not isinstance(classes, list) or not classes or len(set(classes)) != len(classes):
        raise ValueError("expected a list of different classes")
    if not all(isinstance(text, str) for text in (*classes, values["name"], values["digest"])):
        raise TypeError("classes, name and digest must be text")
    if values["format"] != FORMAT or not all(math.isfinite(limit) for limit in asdict(thresholds).values()):
        raise ValueError("expected format 1 and finite thresholds")
    return Bundle(**{**values, "classes": tuple(classes), "thresholds": thresholds})


def sign(unsigned: bytes) -> tuple[bytes, str]:
    """Put the digest of a file into that file.

    `unsigned` holds the record with 64 zeros for a digest; returns the signed bytes and the digest.
    Raises: BundleError when the zeros are not there exactly once.
    """
    if unsigned.count(UNSIGNED.encode()) != 1:
        raise BundleError("The bundle has no single place for its digest. Export it again.")
    digest = hashlib.sha256(unsigned).hexdigest()
    return unsigned.replace(UNSIGNED.encode(), digest.encode()), digest


def digest_holds(signed: bytes, digest: str) -> bool:
    """Whether the bytes are the ones that were signed with this digest."""
    if signed.count(digest.encode()) != 1:
        return False
    return hashlib.sha256(signed.replace(digest.encode(), UNSIGNED.encode())).hexdigest() == digest


def with_digest(bundle: Bundle, digest: str) -> Bundle:
    """The same record, signed."""
    return replace(bundle, digest=digest)
