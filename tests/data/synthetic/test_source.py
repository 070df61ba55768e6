import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import ConfigError, SourceError, StoreError
from digitkit.data import catalogue
from digitkit.data.fetch import read_part
from digitkit.data.folder import folder_source
from digitkit.data.splits import SplitPlan, build
from digitkit.data.synthetic.plan import Job
from digitkit.data.synthetic.source import PREFIX, commission, keep, synthetic_source, write_folder
from digitkit.data.synthetic.studio import ONE_PROCESS, Studio
from tests.data.synthetic.plans import find

PlanFile = Callable[[str], Path]

SMALL = 'classes = ["1", "00", "23"]\nper_class = 6\nsize = 24\nfonts = ["drawn *", "Aileron*"]\n'
PARTS = SMALL + "val = 2\ntest = 3\n"


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_plan_gives_the_same_bytes(plan_file: PlanFile, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_folder(commission(plan_file(PARTS), find), tmp_path / name)
    assert hashes(tmp_path / "first") == hashes(tmp_path / "second")


def test_the_order_of_classes_changes_no_byte(plan_file: PlanFile, tmp_path: Path) -> None:
    write_folder(commission(plan_file(SMALL), find), tmp_path / "first")
    turned = SMALL.replace('["1", "00", "23"]', '["23", "1", "00"]')
    write_folder(commission(plan_file(turned), find), tmp_path / "second")
    assert hashes(tmp_path / "first") == hashes(tmp_path / "second")


def test_the_number_of_processes_changes_no_byte(plan_file: PlanFile, tmp_path: Path) -> None:
    many = f'classes = ["7"]\nper_class = {ONE_PROCESS + 1}\nsize = 16\naspect = 1\nfonts = ["drawn round *"]\n'
    ready = commission(plan_file(many), catalogue.find_source)
    digests = [write_folder(ready, tmp_path / str(workers), workers) for workers in (1, 2)]
    assert digests[0] == digests[1]
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")


def test_another_seed_gives_other_pictures(plan_file: PlanFile, tmp_path: Path) -> None:
    digests = [write_folder(commission(plan_file(SMALL + f"seed = {n}"), find), tmp_path / str(n)) for n in (0, 1)]
    assert digests[0] != digests[1]


def test_more_of_one_class_leaves_the_other_pictures_as_they_were(plan_file: PlanFile, tmp_path: Path) -> None:
    write_folder(commission(plan_file(SMALL), find), tmp_path / "few")
    write_folder(commission(plan_file(SMALL + '[counts]\n"00" = 9'), find), tmp_path / "more")
    few, more = hashes(tmp_path / "few"), hashes(tmp_path / "more")
    del few["manifest.json"]
    assert few.items() <= more.items()
    assert len(more) == len(few) + 3 + 1


def test_a_folder_that_was_drawn_is_a_source(plan_file: PlanFile, tmp_path: Path) -> None:
    write_folder(commission(plan_file(PARTS), find), tmp_path / "drawn")
    source = folder_source(f"folder:{tmp_path / 'drawn'}")
    counts = {part: read_part(source, part).counts() for part in source.parts}
    assert counts == {part: dict.fromkeys(("00", "1", "23"), n) for part, n in (("train", 6), ("val", 2), ("test", 3))}


def test_a_plan_with_one_part_gives_class_folders(plan_file: PlanFile, tmp_path: Path) -> None:
    write_folder(commission(plan_file(SMALL), find), tmp_path / "drawn")
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["00", "1", "23", "manifest.json"]


def test_the_manifest_says_plan_fonts_versions_and_hash(plan_file: PlanFile, tmp_path: Path) -> None:
    digest = write_folder(commission(plan_file(PARTS), find), tmp_path / "drawn")
    manifest = json.loads((tmp_path / "drawn" / "manifest.json").read_text())
    assert manifest["sha256"] == digest
    assert manifest["plan"]["per_class"] == 6
    assert set(manifest["versions"]) == {"digitkit", "pillow", "numpy"}
    assert manifest["parts"]["val"]["pictures"] == {"00": 2, "1": 2, "23": 2}
    assert all(len(font["sha256"]) == 64 for font in manifest["parts"]["train"]["fonts"])


def test_no_font_is_used_in_two_parts(plan_file: PlanFile) -> None:
    ready = commission(plan_file(PARTS), find)
    used = {part: {ready.studio.draw(job).face for job in jobs} for part, jobs in ready.jobs.items()}
    assert used["train"].isdisjoint(used["val"] | used["test"])
    assert used["val"].isdisjoint(used["test"])


def test_the_source_of_a_plan_gives_the_pictures_of_its_folder(plan_file: PlanFile, tmp_path: Path) -> None:
    path = plan_file(PARTS)
    write_folder(commission(path, find), tmp_path / "drawn")
    source, folder = synthetic_source(f"synthetic:{path}", find), folder_source(f"folder:{tmp_path / 'drawn'}")
    assert source.parts == folder.parts
    for part in source.parts:
        ours, theirs = read_part(source, part), read_part(folder, part)
        assert (ours.classes, ours.labels.tolist()) == (theirs.classes, theirs.labels.tolist())
        assert all((one == other).all() for (one, _), (other, _) in zip(ours, theirs, strict=True))


def test_pictures_are_drawn_once_and_then_come_from_the_cache(plan_file: PlanFile) -> None:
    path = plan_file(SMALL)
    drawn: list[int] = []
    keep(commission(path, find), made=lambda done, total: drawn.append(done))
    keep(commission(path, find), made=lambda done, total: drawn.append(done))
    assert drawn == list(range(1, 19))
    assert len(read_part(synthetic_source(f"synthetic:{path}", find), "train")) == 18


def test_a_changed_plan_is_drawn_anew(plan_file: PlanFile) -> None:
    first = read_part(synthetic_source(f"synthetic:{plan_file(SMALL)}", find), "train").pictures[0]
    second = read_part(synthetic_source(f"synthetic:{plan_file(SMALL + 'seed = 9')}", find), "train").pictures[0]
    assert first.shape != second.shape or not (first == second).all()


def test_a_plan_is_split_like_any_source(plan_file: PlanFile) -> None:
    splits = build(SplitPlan((f"synthetic:{plan_file(PARTS)}",), val_size=0.1))
    assert splits.report.counts == {"primary": 18, "extra": 0, "val": 6, "test": 9}
    assert splits.primary.classes == ("00", "1", "23")


def test_a_plan_is_found_by_its_spec(plan_file: PlanFile) -> None:
    source = catalogue.find_source(f"{PREFIX}{plan_file(PARTS)}")
    assert source.parts == ("train", "val", "test")
    assert PREFIX in catalogue.OWN


def test_progress_counts_every_picture(plan_file: PlanFile, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_folder(
        commission(plan_file(PARTS), find), tmp_path / "drawn", made=lambda done, total: seen.append((done, total))
    )
    assert seen == [(number, 33) for number in range(1, 34)]


def test_a_folder_with_something_in_it_is_not_touched(plan_file: PlanFile, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    with pytest.raises(ConfigError, match="mine is there already"):
        write_folder(commission(plan_file(SMALL), find), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]


def test_a_folder_that_cannot_be_written_leaves_nothing(plan_file: PlanFile, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        write_folder(commission(plan_file(SMALL), find), tmp_path / "file" / "drawn")


def test_an_interrupted_drawing_leaves_nothing(plan_file: PlanFile, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(commission(plan_file(SMALL), find), tmp_path / "drawn", made=stop)
    assert [path.name for path in tmp_path.iterdir() if "drawn" in path.name] == []


def test_real_pictures_count_when_a_class_is_filled_up(plan_file: PlanFile) -> None:
    ready = commission(
        plan_file('classes = ["3", "4"]\nper_class = 30\nexisting = "drawn-digits"\nfonts = ["drawn *"]'), find
    )
    real = find("drawn-digits").read(Path(), "train").counts()
    assert ready.count("train") == {name: 30 - real[name] for name in ("3", "4")}


HAND = 'style = "handwriting"\nclasses = ["10", "7"]\nper_class = 4\nsize = 32\nsources = ["drawn-digits"]\n'


def test_handwriting_keeps_the_digits_of_its_parts_apart(plan_file: PlanFile) -> None:
    ready = commission(plan_file(HAND + "val = 2\ntest = 2\n"), find)
    pools = {}
    for part, cast in ready.studio.casts.items():
        assert cast.hand is not None
        pools[part] = {digits.pictures[i].tobytes() for digits in cast.hand.sets for i in range(len(digits))}
    assert len(pools) == 3
    assert pools["train"].isdisjoint(pools["val"] | pools["test"])
    assert pools["val"].isdisjoint(pools["test"])


def test_handwriting_needs_all_ten_digits(plan_file: PlanFile) -> None:
    def find_ones(spec: str) -> object:
        source = find(spec)

        def read(folder: Path, part: str) -> object:
            digits = source.read(folder, part)
            return digits.take(np.flatnonzero(digits.labels != 4))

        return type(source)(**{**source.__dict__, "read": read})

    with pytest.raises(ConfigError, match="sources has no picture of 4"):
        commission(plan_file(HAND), find_ones)  # type: ignore[arg-type]


def test_handwriting_of_a_plan_is_the_same_each_time(plan_file: PlanFile, tmp_path: Path) -> None:
    digests = [write_folder(commission(plan_file(HAND), find), tmp_path / str(n)) for n in range(2)]
    assert digests[0] == digests[1]


def test_a_picture_depends_on_its_own_job_only(studio: Callable[..., Studio]) -> None:
    alone, among = studio(classes=["7"], per_class=1), studio(classes=["7", "8", "99"], per_class=50)
    for index in range(3):
        among.make(Job("train", "99", index))
    assert alone.encode(Job("train", "7", 2)) == among.encode(Job("train", "7", 2))


@pytest.mark.parametrize("text", [HAND, 'classes = ["3"]\nper_class = 5\nexisting = "drawn-digits"\n'])
def test_a_source_that_is_for_tests_only_gives_nothing_to_draw_with(plan_file: PlanFile, text: str) -> None:
    with pytest.raises(SourceError, match=r"drawn-digits has no part 'train'. Its parts: test"):
        commission(plan_file(text), lambda spec: replace(find(spec), parts=("test",)))
