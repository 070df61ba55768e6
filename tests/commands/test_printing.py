"""How verbs answer."""

from digitkit.commands.printing import in_kilobytes


def test_bytes_of_a_file_are_shown_in_kilobytes() -> None:
    shown: list[tuple[int, int, str]] = []
    in_kilobytes(lambda done, total, text: shown.append((done, total, text)))("images.gz", 12_345, 9_912_422)
    assert shown == [(12, 9_912, "images.gz, kB")]
