"""Every error that a user can meet hangs in one tree, has an exit code and stands in the printed tree."""

import inspect

import pytest

from digitkit import cli
from digitkit.core import errors
from digitkit.core.errors import DigitkitError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_is_in_the_tree_and_in_its_picture(kind: type[Exception]) -> None:
    assert issubclass(kind, DigitkitError)
    assert errors.__doc__ is not None
    assert f" {kind.__name__} " in errors.__doc__ or f" {kind.__name__}\n" in errors.__doc__


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ConfigError, 2),
        (errors.DataError, 3),
        (errors.PictureTooLarge, 3),
        (errors.HashMismatch, 3),
        (errors.BundleError, 4),
        (errors.BundleAltered, 4),
        (errors.BundleTooNew, 4),
        (errors.StoreError, 5),
        (errors.HubError, 5),
        (errors.DigitkitError, 2),
    ],
)
def test_every_kind_of_error_has_its_exit_code(kind: type[DigitkitError], code: int) -> None:
    assert cli.exit_code(kind("what happened")) == code


def test_the_text_of_an_error_is_the_whole_message() -> None:
    assert str(errors.PictureError("seven.png: the file is empty.")) == "seven.png: the file is empty."
