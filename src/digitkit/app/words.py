"""What is said of an answer in words; assets/panel.js says the same while somebody draws."""

from digitkit.wire import PredictionOut


def named(label: str) -> str:
    """A label for people; the empty one is that of pictures without a number."""
    return label or "no number"


def percent(share: float) -> str:
    """0.993 -> "99.3 %"; the ends of the scale without decimals."""
    return f"{100 * share:.{0 if share > 0.9995 or share < 0.0005 else 1}f} %"


def words(answer: PredictionOut) -> str:
    """The verdict as a person would say it."""
    if answer.verdict == "blank":
        return "Nothing is drawn" if answer.reason == "nothing is drawn" else "Too faint to read"
    if answer.verdict == "not a digit":
        return "Not a digit"
    if answer.verdict == "unsure":
        return "Several digits?" if answer.reason == "several digits?" else f"Not sure: {answer.reason}"
    return f"It is {named(answer.label or '')}"
