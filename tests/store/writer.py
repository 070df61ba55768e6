"""A process that submits until it is killed: prints each key whose submission it was told is saved."""

import sys

from digitkit.store import Store
from tests.store.made import submission


def say(line: str) -> None:
    """Written at once: what was said before the process is killed is known."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(url: str, name: str) -> None:
    store = Store.open(url, timeout_s=60)
    store.upgrade()
    say("ready")
    for number in range(1_000_000):
        key = f"{name} {number}"
        store.submissions.add(submission(picture=key.encode()), key)
        say(key)


if __name__ == "__main__":
    main(*sys.argv[1:])
