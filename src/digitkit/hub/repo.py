"""One repository on a hub: make it, see what is in it, send files to it, bring files from it."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from digitkit.core.errors import ConfigError, HubError
from digitkit.core.files import sha256
from digitkit.hub.access import Access, open_access
from digitkit.hub.download import download
from digitkit.hub.failures import explained

NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
MAIN = "main"

Kind = Literal["dataset", "model"]
Progress = Callable[[str, int, int], None]  # takes a file's name, bytes so far, bytes in all


@dataclass(frozen=True)
class Entry:
    """A file in a repository: its size in bytes, and its sha256 where the hub knows it (of large files), else ""."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Listing:
    """The files of one commit by their paths."""

    commit: str
    is_private: bool
    files: Mapping[str, Entry]


@dataclass(frozen=True)
class Repo:
    """A repository USER/REPO of data or of models."""

    name: str
    kind: Kind
    access: Access

    @classmethod
    def open(cls, name: str, kind: Kind) -> "Repo":
        """The repository of a name; the hub is not asked yet.

        Raises: ConfigError when the name is not USER/REPO, huggingface_hub is absent or its settings make no sense.
        """
        if not NAME.fullmatch(name):
            raise ConfigError(f"--repo {name}: expected USER/REPO, as in alice/digits.")
        return cls(name, kind, open_access())

    def create(self, public: bool) -> None:
        """Make the repository, private unless `public`; one that exists stays as it is.

        Raises: ConfigError when it exists and all can see it although `public` was not said, HubError when the hub
        does not allow it.
        """
        if self.access.token is None:
            raise HubError(f"No token to write to {self.access.host} with. {self.access.cure}.")
        with explained(self.access, self.name, self.kind):
            api = self.access.api()
            api.create_repo(self.name, repo_type=self.kind, private=not public, exist_ok=True)
        if not public and not self.contents().is_private:
            raise ConfigError(
                f"{self.name} is public, so all could see what is sent. Say --public, or give another --repo."
            )

    def contents(self, revision: str = MAIN) -> Listing:
        """What is in the repository at a revision: a branch, a tag or a commit.

        Raises: HubError when there is no such repository or revision, or it may not be seen.
        """
        with explained(self.access, self.name, self.kind, revision):
            api = self.access.api()
            ask = api.dataset_info if self.kind == "dataset" else api.model_info
            info = ask(self.name, revision=revision, files_metadata=True)
            files = {
                file.rfilename: Entry(int(file.size or 0), file.lfs.sha256 if file.lfs else "")
                for file in info.siblings or []
            }
            return Listing(str(info.sha), bool(info.private), files)

    def send(self, files: Mapping[str, Path | bytes], message: str, progress: Progress) -> Listing:
        """Add or replace these files, and no others, in one commit; returns what the repository then holds.

        Large files that the hub has already, as after a push that was interrupted, are not sent again.
        Raises: HubError when the hub refuses, or does not hold afterwards what was sent.
        """
        from huggingface_hub import CommitOperationAdd

        with ExitStack() as stack, explained(self.access, self.name, self.kind), _calm():
            watched = {path: stack.enter_context(_Watched.open(path, content)) for path, content in files.items()}
            additions = [CommitOperationAdd(path, file) for path, file in watched.items()]  # reads and hashes them
            for file in watched.values():
                file.progress = progress
            done = self.access.api().create_commit(
                self.name, additions, commit_message=message, repo_type=self.kind, num_threads=1
            )
        listing = self.contents(done.oid)
        for path, content in files.items():
            self._check_sent(listing, path, content)
        return listing

    def _check_sent(self, listing: Listing, path: str, content: Path | bytes) -> None:
        """Compare what the hub lists with what was to be sent; a .gitignore of the repository can swallow a file."""
        held, size = listing.files.get(path), len(content) if isinstance(content, bytes) else content.stat().st_size
        is_same = held is not None and held.size == size
        if is_same and held is not None and held.sha256 and isinstance(content, Path):
            is_same = held.sha256 == sha256(content)
        if not is_same:
            raise HubError(f"{self.name} does not hold {path} as it was sent. Push again, or try another --repo.")

    def bring(self, path: str, listing: Listing, part: Path, progress: Progress) -> None:
        """Bring a file of a listing into `part`, or the rest of it when some of it is there.

        The caller checks what came.
        Raises: HubError when it cannot be had, StoreError when it cannot be written.
        """
        size = listing.files[path].size
        prefix = "datasets/" if self.kind == "dataset" else ""
        url = f"{self.access.endpoint}/{prefix}{self.name}/resolve/{quote(listing.commit, safe='')}/{quote(path)}"
        with explained(self.access, self.name, self.kind, listing.commit):
            download(self.access, url, part, size, lambda done: progress(path, done, size))


class _Watched(io.BufferedReader):
    """A file that tells how far it has been read, once it is told whom to tell."""

    progress: Progress | None = None
    path = ""
    size = 0

    @classmethod
    def open(cls, path: str, content: Path | bytes) -> "_Watched":
        """The file of a path in the repository."""
        raw = io.BytesIO(content) if isinstance(content, bytes) else io.FileIO(content)
        watched = cls(raw)
        watched.path = path
        watched.size = watched.seek(0, io.SEEK_END)
        watched.seek(0)
        return watched

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        piece = super().read(size)
        if self.progress is not None:
            self.progress(self.path, self.tell(), self.size)
        return piece


@contextmanager
def _calm() -> Iterator[None]:
    """huggingface_hub 2.4 sends files in a way that its HTTP library warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
