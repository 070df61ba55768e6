"""The page that tells what the reader can do, and what becomes of pictures."""

import streamlit as st

ABOUT = """
## About

digitkit reads **one handwritten or printed digit** per picture.

### For a good answer
- Write one digit, large, with paper around it.
- Any ink on any paper: dark on bright or bright on dark, pencil, pen, chalk, a photo of a note.
- On the sketch pad the answer changes while you draw. A thicker pen reads no worse than a thin one.
- Look at *what the model saw*. When the digit is cut off or drowned in shadow there, take a closer picture.

### What it says
| answer | meaning |
|---|---|
| It is 7 | one digit, clearly |
| Not sure: 3 or 8? | two digits are close; the bars show how close |
| Several digits? | more than one thing stands side by side |
| Not a digit | there is something, but it looks like no digit |
| Nothing is drawn, Too faint to read | no ink that stands out from the paper |

### What it cannot do
It reads no numbers of several digits, no letters, and not where on a page a digit stands. It is wrong about one clear
digit in a hundred, more often in bad photos. Do not let it decide alone where a mistake would hurt somebody.

### By keyboard
| where | keys |
|---|---|
| sketch pad | arrow keys move the pen, space puts it down and lifts it, Delete clears, Ctrl+Z undoes, Ctrl+Y redoes |
| Review | A accepts, X rejects, S skips, 0 to 9 and N give another label, Z takes the last decision back |

### Privacy
- To read a picture, this page sends it to its own service and to nobody else. It is not stored.
- The history of this session is kept in memory, and gone when you close the tab.
- **Only when you say whether the answer is right** is the picture stored: with your label, the strokes and their times
  if you drew it, what the model read, and the time. No name, no address of your computer.
- *Take it back* below the answer deletes all of that, for 15 minutes. Later, ask whoever runs this service and give the
  number of the submission; they delete it for good.
- The page loads nothing from other machines, counts no visitors and sets no cookies but its own against forgery.
"""


def show() -> None:
    """Tips, limits, keys and privacy."""
    st.markdown(ABOUT)
