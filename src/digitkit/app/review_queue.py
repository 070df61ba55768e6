"""The queue of a reviewer: what waits, in the order in which it matters, and the way back."""

from dataclasses import dataclass, field

from digitkit.app.client import Client
from digitkit.core.errors import Conflict, Gone, NotFound, RequestError, StoreError
from digitkit.wire import MAX_PAGE, ReviewIn, SubmissionOut

DISPUTED, UNCERTAIN, NEWEST = "Most disputed", "Least certain", "Newest"
ORDERS = (DISPUTED, UNCERTAIN, NEWEST)
MOST = 1_000  # submissions among which the least certain are found


@dataclass
class Queue:
    """Submissions that wait for a review; `last` is what was decided last and can be taken back."""

    token: str
    order: str
    rows: list[SubmissionOut] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # ids that were decided or skipped
    last: SubmissionOut | None = None
    decided: int = 0
    failure: str = ""

    @property
    def waiting(self) -> int:
        """How many are loaded and not decided."""
        return len(self.rows)

    def current(self, client: Client) -> SubmissionOut | None:
        """The next one; asks the service for more when none is left.

        Raises: RequestError or StoreError when it does not give them.
        """
        if not self.rows:
            self.rows = self._load(client)
            if self.order == UNCERTAIN:
                self.rows.sort(key=lambda row: row.confidence)
        return self.rows[0] if self.rows else None

    def _load(self, client: Client) -> list[SubmissionOut]:
        """The first page on which something waits that was not seen; to find the least certain, all up to `MOST`."""
        order = "newest" if self.order == NEWEST else "doubt"
        filters = {"status": "pending", "order": order, "limit": str(MAX_PAGE)}
        rows: list[SubmissionOut] = []
        while True:
            page = client.submissions(self.token, filters)
            rows += [row for row in page.submissions if row.id not in self.seen]
            enough = MOST if self.order == UNCERTAIN else 1
            if page.next is None or len(rows) >= enough:
                return rows
            filters["after"] = page.next

    def decide(self, client: Client, review: ReviewIn) -> None:
        """Send a decision and go on; what fails stays in front, with the reason in `failure`."""
        if not self.rows:
            return
        row, self.failure = self.rows[0], ""
        try:
            client.review(self.token, row.id, review)
        except (NotFound, Gone, Conflict) as error:  # its sender took it back, so nothing is left to decide
            self.failure = str(error)
        except (RequestError, StoreError) as error:
            self.failure = str(error)
            return
        else:
            self.last = row
            self.decided += 1
        self._leave(row)

    def skip(self) -> None:
        """Go on without a decision."""
        if self.rows:
            self._leave(self.rows[0])

    def take_back(self, client: Client) -> None:
        """Let what was decided last wait again, in front."""
        if self.last is None:
            return
        row, self.failure = self.last, ""
        try:
            client.review(self.token, row.id, ReviewIn(status="pending"))
        except (NotFound, Gone) as error:  # its sender took it back
            self.failure, self.last = str(error), None
            return
        except (RequestError, StoreError) as error:
            self.failure = str(error)
            return
        self.rows.insert(0, row)
        self.seen.discard(row.id)
        self.last = None
        self.decided -= 1

    def _leave(self, row: SubmissionOut) -> None:
        self.rows = [each for each in self.rows if each.id != row.id]
        self.seen.add(row.id)
