"""digitkit reads digits: `digitkit.load("default").predict("seven.png")`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitkit.core.prediction import Prediction
    from digitkit.runtime.predictor import Predictor

__version__ = "0.1.0"
__all__ = ["Prediction", "__version__", "load"]


def load(name_or_path: str = "default", device: str = "auto") -> "Predictor":
    """Open a bundle to read pictures with: "default" is the one that ships, anything else is a path.

    Raises: BundleError when the file is missing, altered or of a newer format.
    """
    from digitkit.runtime.predictor import Predictor

    return Predictor.load(name_or_path, device)


def __getattr__(name: str) -> object:
    """Import `Prediction` only when somebody asks for it, so that `import digitkit` costs nothing."""
    if name == "Prediction":
        from digitkit.core.prediction import Prediction

        return Prediction
    raise AttributeError(f"module 'digitkit' has no attribute {name!r}")
