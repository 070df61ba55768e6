from collections.abc import Callable
from pathlib import Path

import pytest

import digitkit
from digitkit.core.errors import ConfigError
from digitkit.data.synthetic.colours import Pair, contrast, rgb
from digitkit.data.synthetic.plan import Plan, count_jobs, list_jobs
from digitkit.data.synthetic.plan_file import find_plan, read_plan
from tests.data.synthetic.plans import plan_of

PlanFile = Callable[[str], Path]

FULL = """
style = "jersey"
seed = 5
classes = ["00", "7", "20-22"]
per_class = 10
val = 2
test = 3
size = [32, 48]
aspect = 1.5
fonts = ["drawn *"]

[counts]
"7" = 25

[colours]
contrast = 0.4
pairs = [{ink = "white", ground = "#102040", weight = 2}, {ink = "red", ground = "white"}]

[[targets]]
classes = ["7", "00"]
ink = "red"
ground = "white"
count = 4

[degrade]
share = 1
blur = [0.5, 1.0]
jpeg = 60
"""

BAD = {
    'classes = "7"': r"plan\.toml: classes is \'7\', expected a list of words",
    'classes = ["7a"]': r"classes is .*numbers of one to three digits .*'7a' is none",
    'classes = ["1234"]': r"'1234' is none",
    'classes = ["٣"]': "is none",
    'classes = ["9-3"]': "from a smaller to a larger number",
    'classes = ["00-12"]': "without leading zeros",
    "classes = [7]": "a list of words",
    "classes = []": "a list of words",
    "clases = []": r"clases is no key of a plan\. Did you mean 'classes'",
    'style = "jersy"': r"style is 'jersy', expected one of jersey, print, handwriting; Did you mean 'jersey'",
    "seed = -1": "seed is -1, expected a whole number from 0",
    "seed = true": "seed is True, expected a whole number",
    "per_class = 1e3": r"per_class is 1000\.0, expected a whole number from 0 to 1,000,000",
    "per_class = 900000": "asks for .* pictures, expected 1,000,000 at most",
    "size = 5": r"size is 5, expected a number from 16 to 512, or a list of the lowest and the highest",
    "size = [40, 20]": "the lowest and the highest",
    "size = nan": "a number from 16 to 512",
    "size = 512\nper_class = 200000": r"GB of pixels at most",
    "imbalance = 0.5": "imbalance is 0.5, expected a number from 1",
    "fonts = []": "fonts is .*a list of words",
    'sources = ["mnist"]': "sources is .* no such key in the style jersey",
    "counts = 3": "counts is 3, expected a table",
    '[counts]\n"99" = 3': r"counts\.99 is no key of the table counts",
    "[colours]\npair = []": r"colours\.pair is no key of the table colours\. Did you mean 'pairs'",
    '[colours]\npairs = [{ink = "rd", ground = "white"}]': r"pairs\.ink is 'rd', expected a colour.*Did you mean 'red'",
    '[colours]\npairs = [{ink = "red"}]': r"colours\.pairs\.ground is None, expected a colour",
    '[colours]\npairs = [{ink = "white", ground = "white"}]': "a colour that can be told from 'white'",
    '[[targets]]\nclasses = ["99"]': r"targets\.classes is .*some of the plan's classes",
    '[[targets]]\nclasses = ["7"]\nink = "red"\nground = "white"': r"targets\.count is None, expected the number",
    "[degrade]\nblurr = 1": r"degrade\.blurr is no key of the table degrade\. Did you mean 'blur'",
    "[degrade]\njpeg = 0": r"degrade\.jpeg is 0, expected a number from 5 to 100",
    "[degrade]\nshare = 2": r"degrade\.share is 2, expected a number from 0 to 1",
    "seed = 07": r"not a TOML file .*line",
    'style = "handwriting"\nsources = []': "sources of single digits for handwriting",
    'style = "handwriting"\nfonts = ["*"]': "no such key in the style handwriting",
}


def test_a_plan_is_read_with_all_its_keys(plan_file: PlanFile) -> None:
    plan = read_plan(plan_file(FULL))
    assert plan.classes == ("00", "20", "21", "22", "7")
    assert (plan.seed, plan.size, plan.aspect, plan.parts) == (5, (32, 48), (1.5, 1.5), ("train", "val", "test"))
    assert plan.pairs == {Pair("red", "white"): 1.0, Pair("white", "#102040"): 2.0}
    assert (plan.degrade.share, plan.degrade.blur, plan.degrade.jpeg) == (1, (0.5, 1.0), (60, 60))


def test_only_the_classes_must_be_given(plan_file: PlanFile) -> None:
    plan = read_plan(plan_file('classes = ["0-9"]'))
    assert (plan.style, plan.per_class, plan.parts, len(plan.classes)) == ("jersey", 100, ("train",), 10)


@pytest.mark.parametrize("text", BAD)
def test_a_bad_plan_names_key_value_and_what_was_expected(text: str, plan_file: PlanFile) -> None:
    usual = "" if text.startswith("clas") else 'classes = ["7", "8"]\n'
    with pytest.raises(ConfigError, match=BAD[text]) as caught:
        read_plan(plan_file(usual + text))
    assert "\n" not in str(caught.value).split("TOML")[0]


def test_a_plan_that_is_missing_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: the plan cannot be read"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_plan(tmp_path / "bytes.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 2**21)
    with pytest.raises(ConfigError, match="over 1 MB"):
        read_plan(tmp_path / "large.toml")


def test_counts_of_single_classes_and_targets_come_on_top(plan_file: PlanFile) -> None:
    jobs = list_jobs(read_plan(plan_file(FULL)), {})
    train = jobs["train"]
    assert len(train) == 4 * 10 + 25 + 2 * 4
    assert sum(job.label == "7" for job in train) == 29
    assert {job.pair for job in train if job.pair} == {Pair("red", "white")}
    assert (len(jobs["val"]), len(jobs["test"])) == (10, 15)
    assert len({job.name for job in train}) == len(train)


def test_classes_are_filled_up_to_what_is_missing() -> None:
    counts = count_jobs(plan_of(classes=["1", "2", "3"], per_class=50), {"1": 20, "2": 80})
    assert counts["train"] == {"1": 30, "2": 0, "3": 50}


def test_an_imbalance_is_the_ratio_of_the_commonest_to_the_rarest() -> None:
    plan = plan_of(classes=["00", "0-40"], per_class=640, imbalance=64)
    counts = sorted(count_jobs(plan, {})["train"].values())
    assert (counts[0], counts[-1], len(counts)) == (10, 640, 42)
    assert sum(counts) < 42 * 640 / 3


def test_the_order_of_classes_makes_no_difference() -> None:
    plans = [plan_of(classes=names, imbalance=9) for names in (["1", "23", "00"], ["00", "1", "23", "1"])]
    assert plans[0] == plans[1]
    assert list_jobs(plans[0], {}) == list_jobs(plans[1], {})


def test_a_plan_with_nothing_left_to_draw_is_said() -> None:
    with pytest.raises(ConfigError, match="no picture of the part train is left to draw"):
        list_jobs(plan_of(per_class=3), {"7": 3, "23": 5})


def test_a_plan_says_all_that_it_is_as_json() -> None:
    plain = plan_of(colours={"pairs": [{"ink": "red", "ground": "white"}]}).to_plain()
    assert plain["pairs"] == [{"ink": "red", "ground": "white", "weight": 1.0}]
    assert set(plain) == set(Plan.__dataclass_fields__)


def test_contrast_follows_the_eye() -> None:
    assert contrast(rgb("black"), rgb("white")) > 0.8
    assert contrast(rgb("navy"), rgb("black")) < 0.15
    assert contrast(rgb("red"), rgb("red")) == 0
    assert rgb("#0a1b2c") == (10, 27, 44)


PLANS = Path(digitkit.__file__).parent / "conf" / "plan"


@pytest.mark.parametrize("name", sorted(path.stem for path in PLANS.glob("*.toml")))
def test_a_plan_that_ships_is_found_by_its_name(name: str) -> None:
    plan = read_plan(find_plan(name))
    assert plan.per_class >= 100
    assert list_jobs(plan, {})["train"]
