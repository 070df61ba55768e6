"""The verb `digitkit visualize`: look at batches before anything is trained."""

from pathlib import Path
from typing import Annotated

import typer

from digitkit.commands.printing import say


def visualize(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="experiment=NAME and key=value pairs, as in augment.after.rotate_deg=15.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("batches.png"),
    batches: Annotated[int, typer.Option(min=1, max=20, help="Batches, spread evenly over the training.")] = 2,
    window: Annotated[bool, typer.Option("--window", help="Show them in a window instead of writing a PNG.")] = False,
) -> None:
    """Draw batches as the network will see them, augmented and mixed; nothing is fetched and nothing is trained."""
    from digitkit.learn import visualize as learn
    from digitkit.learn.compose import compose

    recipe = compose(overrides or [])
    if window:
        learn.check_display()
    shown = learn.batches(recipe, *learn.some_parts(recipe, say), batches)
    if window:
        learn.show(shown)
        return
    learn.write(shown, output)
    counted = "1 batch" if len(shown) == 1 else f"{len(shown)} batches"
    print(f"{counted} drawn in {output}, each image on the right of the one it was made from.")
