"""Read a plan from its TOML file.

TOML, since the standard library reads it, since it has comments, and since a label such as "07" must be quoted there:
YAML makes a 7 of it, without a word.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from digitkit.core.errors import ConfigError
from digitkit.data.synthetic import keys
from digitkit.data.synthetic.colours import Pair
from digitkit.data.synthetic.degrade import DEFAULTS, Degradation, Span
from digitkit.data.synthetic.keys import Keys, Value
from digitkit.data.synthetic.plan import STYLES, Plan, Target

MAX_FILE_BYTES = 2**20
MAX_PICTURES = 1_000_000
MAX_BYTES = 2**36  # of all pixels together
SIDES = (16, 512)  # px, the least and the largest height
ASPECTS = (0.4, 3.0)  # width / height
LEAST_CONTRAST = 0.15  # of a pair that the plan names
CONTRAST = 0.35  # of pairs that a style chooses
USUAL_SIZE: Span = (64, 64)  # px, height
ALL_FONTS: tuple[str, ...] = ("*",)
HAND_SOURCES: tuple[str, ...] = ("mnist",)
USUAL_ASPECT: Mapping[str, Span] = {"jersey": (0.75, 1.2), "print": (0.8, 1.6), "handwriting": (0.8, 1.6)}


def find_plan(name: str) -> Path:
    """The file of a plan: that of one that ships with digitkit, by its name, else the path that is given."""
    shipped = Path(str(files("digitkit.conf"))) / "plan" / f"{name}.toml"
    return shipped if re.fullmatch(r"\w+", name) and shipped.is_file() else Path(name).expanduser()


def read_plan(path: Path) -> Plan:
    """The plan in a file.

    Raises: ConfigError when there is no such file, or it makes no sense.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: over 1 MB, expected a plan of a few lines.")
        values = tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(f"{path}: the plan cannot be read ({error.strerror}). Check the path.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error}). Strings stand in quotes, lists in [].") from error
    return parse_plan(values, path)


def parse_plan(values: Mapping[str, Value], path: Path) -> Plan:
    """The plan that a table holds; `path` names it, and its folder is where relative paths begin.

    Raises: ConfigError naming the key, its value and what was expected.
    """
    top = Keys(values, path.name)
    style = top.take("style", "jersey", keys.choice(STYLES))
    classes = _classes(top)
    colours = Keys(top.take("colours", {}, keys.table), path.name, "colours")
    folders = top.take("font_folders", keys.NO_TEXTS, keys.texts(0))
    plan = Plan(
        name=path.stem, classes=classes, style=style,
        seed=top.take("seed", 0, keys.whole(0, 2**63 - 1)),
        per_class=top.take("per_class", 100, keys.whole(0, MAX_PICTURES)),
        counts=_counts(top, classes, path.name),
        imbalance=top.take("imbalance", 1.0, keys.number(1, 10_000)),
        existing=top.take("existing", "", keys.text),
        val=top.take("val", 0, keys.whole(0, MAX_PICTURES)),
        test=top.take("test", 0, keys.whole(0, MAX_PICTURES)),
        size=top.take("size", USUAL_SIZE, keys.span(*SIDES)),
        aspect=top.take("aspect", USUAL_ASPECT[style], keys.span(*ASPECTS)),
        pairs=_pairs(colours, path.name),
        contrast=colours.take("contrast", CONTRAST, keys.number(0, 0.8)),
        targets=_targets(top, classes, path.name),
        degrade=_degradation(top, style, path.name),
        fonts=top.take("fonts", ALL_FONTS, keys.texts()),
        font_folders=tuple(path.parent / Path(name).expanduser() for name in folders),
        sources=top.take("sources", HAND_SOURCES if style == "handwriting" else keys.NO_TEXTS, keys.texts(0)),
    )  # fmt: skip
    colours.finish()
    top.finish()
    if not classes:
        raise top.wrong("classes", 'a list of numbers, such as ["00", "0-41"]')
    _check(plan, top)
    return plan


def _check(plan: Plan, top: Keys) -> None:
    """What no key shows by itself."""
    if plan.style == "handwriting" and not plan.sources:
        raise top.wrong("sources", 'sources of single digits for handwriting, such as ["mnist"]')
    for key, unused in (("sources", plan.style != "handwriting"), ("fonts", plan.style == "handwriting")):
        if unused and top.has(key):
            raise top.wrong(key, f"no such key in the style {plan.style}")
    drawn = len(plan.classes) * (max(plan.per_class, 0) + plan.val + plan.test) + sum(plan.counts.values())
    drawn += sum(target.count for target in plan.targets)
    if drawn > MAX_PICTURES:
        raise ConfigError(f"{plan.name}: asks for {drawn:,} pictures, expected {MAX_PICTURES:,} at most.")
    largest = round(plan.size[1] ** 2 * plan.aspect[1] * 3)
    if drawn * largest > MAX_BYTES:
        raise ConfigError(
            f"{plan.name}: asks for {drawn:,} pictures of up to {largest:,} bytes each, expected"
            f" {MAX_BYTES // 2**30} GB of pixels at most. Choose fewer or smaller ones."
        )


def _classes(top: Keys) -> tuple[str, ...]:
    """The numbers, sorted; "0-41" stands for all from "0" to "41"."""
    found: set[str] = set()
    for entry in top.take("classes", keys.NO_TEXTS, keys.texts()):
        low, dash, high = entry.partition("-")
        if not (_is_number(low) and (_is_number(high) if dash else True)):
            raise top.wrong(
                "classes", f'numbers of one to three digits or ranges such as "0-41", and {entry!r} is none'
            )
        if dash and (str(int(low)) != low or str(int(high)) != high or int(low) > int(high)):
            raise top.wrong("classes", f"ranges from a smaller to a larger number without leading zeros, not {entry!r}")
        found |= {str(value) for value in range(int(low), int(high) + 1)} if dash else {entry}
    return tuple(sorted(found))


def _counts(top: Keys, classes: Sequence[str], place: str) -> Mapping[str, int]:
    """The table `counts`: classes with another number of training pictures."""
    table = Keys(top.take("counts", {}, keys.table), place, "counts")
    counts = {name: table.take(name, -1, keys.whole(0, MAX_PICTURES)) for name in classes}
    table.finish()
    return {name: count for name, count in counts.items() if count >= 0}


def _pair(entry: Keys) -> Pair:
    """The two colours of a table that names both."""
    pair = Pair(entry.take("ink", "", keys.colour), entry.take("ground", "", keys.colour))
    for key, given in (("ink", pair.ink), ("ground", pair.ground)):
        if not given:
            raise entry.wrong(key, "a colour such as 'navy' or '#1c4eb6'")
    if pair.contrast < LEAST_CONTRAST:
        raise entry.wrong(
            "ink",
            f"a colour that can be told from {pair.ground!r} (contrast {pair.contrast:.2f}, {LEAST_CONTRAST} or more)",
        )
    return pair


def _pairs(colours: Keys, place: str) -> Mapping[Pair, float]:
    """The pairs of the table `colours`, with their weights, sorted."""
    pairs: dict[Pair, float] = {}
    for values in colours.take("pairs", keys.NO_TABLES, keys.tables):
        entry = Keys(values, place, "colours.pairs")
        pair = _pair(entry)
        pairs[pair] = pairs.get(pair, 0) + entry.take("weight", 1.0, keys.number(0.001, 1000))
        entry.finish()
    return {pair: pairs[pair] for pair in sorted(pairs, key=lambda pair: (pair.ink, pair.ground))}


def _targets(top: Keys, classes: Sequence[str], place: str) -> tuple[Target, ...]:
    """The tables `targets`."""
    targets: dict[tuple[str, Pair], int] = {}
    for values in top.take("targets", keys.NO_TABLES, keys.tables):
        entry = Keys(values, place, "targets")
        labels = entry.take("classes", keys.NO_TEXTS, keys.texts())
        if not labels or not set(labels) <= set(classes):
            raise entry.wrong("classes", f"some of the plan's classes ({', '.join(classes[:8])}...)")
        pair, count = _pair(entry), entry.take("count", 0, keys.whole(1, MAX_PICTURES))
        if not count:
            raise entry.wrong("count", "the number of pictures of each of these classes")
        entry.finish()
        for label in labels:
            targets[label, pair] = targets.get((label, pair), 0) + count
    return tuple(Target(label, pair, count) for (label, pair), count in targets.items())


def _degradation(top: Keys, style: str, place: str) -> Degradation:
    """The table `degrade`, over the defaults of the style."""
    usual = DEFAULTS[style]
    table = Keys(top.take("degrade", {}, keys.table), place, "degrade")
    chosen = Degradation(
        share=table.take("share", usual.share, keys.number(0, 1)),
        light=table.take("light", usual.light, keys.span(0.1, 3)),
        blur=table.take("blur", usual.blur, keys.span(0, 10)),
        shake=table.take("shake", usual.shake, keys.span(0, 16)),
        shrink=table.take("shrink", usual.shrink, keys.span(1, 8)),
        noise=table.take("noise", usual.noise, keys.span(0, 60)),
        jpeg=table.take("jpeg", usual.jpeg, keys.span(5, 100)),
    )
    table.finish()
    return chosen


def _is_number(label: str) -> bool:
    """Whether a label is a number of one to three digits; leading zeros count."""
    return 1 <= len(label) <= 3 and label.isascii() and label.isdigit()
