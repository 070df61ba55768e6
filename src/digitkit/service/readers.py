"""The bundles that answer: the champion, exchanged while requests run, and others that are asked for by id."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import numpy as np

from digitkit.core.errors import BundleError, NotFound, StoreError
from digitkit.runtime.bundle import DEFAULT
from digitkit.runtime.predictor import Predictor
from digitkit.service.registered import demand_same, is_id, location_of
from digitkit.service.settings import CHAMPION
from digitkit.store import BundleRow, Store

logger = logging.getLogger(__name__)

MAX_OTHERS = 3  # bundles beside the champion that stay open

Noted = Callable[[str | None, str], None]


class Readers:
    """Open bundles of one worker. Safe to use from many threads: a request keeps the reader that it began with."""

    def __init__(self, wanted: str, store: Store, note_champion: Noted) -> None:
        self.follows = wanted == CHAMPION
        self._wanted, self._store, self._note = wanted, store, note_champion
        self._champion: Predictor | None = None
        self._others: OrderedDict[str, Predictor] = OrderedDict()
        self._opening = Lock()
        self._trouble = ""
        self._has_followed = False  # the champion is one of the registry

    @property
    def champion(self) -> Predictor:
        """The reader of requests that name no bundle."""
        assert self._champion is not None, "readers are asked before they are open"
        return self._champion

    def open(self) -> None:
        """Open the bundle that answers first.

        Raises: BundleError when it cannot be used; a registry that cannot be asked means the bundle that ships.
        """
        if self.follows:
            self.follow()
            if self._champion is None:
                self._exchange(_load(DEFAULT))
        elif is_id(self._wanted):
            self._exchange(_open_row(self._store.bundles.get(self._wanted)))
        else:
            self._exchange(_load(self._wanted))

    def follow(self) -> None:
        """Exchange the champion when the registry names another; keep the old one when that fails."""
        try:
            row = self._store.bundles.champion()
            is_other = row is not None and (self._champion is None or row.id != self._champion.bundle.id)
            if row is not None and is_other:
                self._exchange(_open_row(row))
            elif row is None and self._has_followed:  # another registry was restored, which has none yet
                self._exchange(_load(DEFAULT))
            self._has_followed = row is not None
            self._tell("")
        except (StoreError, BundleError) as error:
            self._tell(f"{type(error).__name__}: {error}")

    def named(self, bundle: str) -> Predictor:
        """The reader for a bundle's id; the registry is asked for those that are not open.

        Raises: NotFound when the registry has no such bundle, or its file is not here; StoreUnavailable.
        """
        champion = self.champion
        if bundle == champion.bundle.id:
            return champion
        with self._opening:
            if bundle in self._others:
                self._others.move_to_end(bundle)
                return self._others[bundle]
            reader = self._find(bundle)
            self._keep(reader)
            return reader

    def _find(self, bundle: str) -> Predictor:
        try:
            return _open_row(self._store.bundles.get(bundle))
        except BundleError as error:
            logger.warning("a registered bundle cannot be opened", extra={"facts": {"reason": str(error)}})
            raise NotFound("This bundle is registered, but its file cannot be used here. Ask for another.") from error

    def _keep(self, reader: Predictor) -> None:
        self._others[reader.bundle.id] = reader
        while len(self._others) > MAX_OTHERS:
            self._others.popitem(last=False)

    def _exchange(self, reader: Predictor) -> None:
        """Answer with this reader from now on."""
        old, self._champion = self._champion, reader
        if old is not None:
            with self._opening:
                self._keep(old)
        self._note(old.bundle.id if old else None, reader.bundle.id)
        logger.info("bundle", extra={"facts": {"bundle": reader.bundle.id}})

    def _tell(self, trouble: str) -> None:
        """Log a trouble when it begins and when it ends, not every second."""
        if trouble == self._trouble:
            return
        if trouble:
            logger.warning("the champion is asked for in vain: %s", trouble)
        else:
            logger.info("the champion is known again")
        self._trouble = trouble


def _open_row(row: BundleRow) -> Predictor:
    """Open a registered bundle.

    Raises: BundleError when its file is not here, or is another one.
    """
    reader = _load(location_of(row))
    demand_same(row, reader.bundle)
    return reader


def _load(place: str) -> Predictor:
    """A reader with one thread: several requests are read at once, not one by several.

    It has read a picture already, so that the first request is not slower, and a graph that fails is never exchanged.
    """
    reader = Predictor.load(place, "cpu", threads=1)
    reader.predict([np.full((28, 28), 255, np.uint8)])
    return reader
