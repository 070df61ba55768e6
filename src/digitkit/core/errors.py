"""Every error that a user can meet.

    DigitkitError
      ConfigError            a request, option or recipe that makes no sense
      DataError              a picture or a data set
        PictureError         one picture cannot be read
          PictureTooLarge    ... or is over the limits
        SourceError          a data set is not what it should be
          FetchError         ... or no mirror gave it
          HashMismatch       ... or its bytes are not the published ones
        TrainingDiverged     what is learnt from them became NaN or infinite
      BundleError            a model file cannot be used
        BundleAltered        ... its bytes are not the ones that were written
        BundleTooNew         ... its format is newer than this digitkit
      StoreError             something cannot be written or read back (disk full, read-only)
        StoreUnavailable     ... for now: the database is away, busy or full; trying again may help
        SchemaOutdated       ... the tables are of another version than this digitkit
        NotFound             ... there is nothing of that id
        Conflict             ... it contradicts what is stored already
        Gone                 ... it has been deleted, or its time is over
        HubError             ... on a hub: unreachable, no permission, no such repository
      RequestError           a request to the service that is not answered
        Malformed            ... its form is broken
        Unauthorised         ... it has no valid token
        Forbidden            ... its token may not do this
        TooSlow              ... it did not arrive in time
        TooLarge             ... it is over the limits of the service
        UnknownMedia         ... it is of a kind that the service does not read
        Unacceptable         ... its values make no sense
        TooMany              ... its sender asks too often
        Overloaded           ... the service is full; trying again may help
        ServiceAway          ... no answer comes: it is stopped, unreachable or too slow

A message says what happened, where, what was expected and found, and what to do.
"""


class DigitkitError(Exception):
    """Something the user can act on; its text is the whole message."""


class ConfigError(DigitkitError):
    """A request, option or recipe that makes no sense."""


class DataError(DigitkitError):
    """A picture or a data set cannot be used."""


class PictureError(DataError):
    """One picture cannot be read."""


class PictureTooLarge(PictureError):
    """One picture is over the limits of `core.picture.LIMITS`."""


class SourceError(DataError):
    """A data set is not what it should be."""


class FetchError(SourceError):
    """No mirror gave the file."""


class HashMismatch(SourceError):
    """The bytes of a file are not the published ones."""


class TrainingDiverged(DataError):
    """The loss or the weights of a training became NaN or infinite."""


class BundleError(DigitkitError):
    """A model file cannot be used."""


class BundleAltered(BundleError):
    """The bytes of a bundle are not the ones that were written."""


class BundleTooNew(BundleError):
    """The format of a bundle is newer than this digitkit."""


class StoreError(DigitkitError):
    """Something cannot be written, or not be read back."""


class StoreUnavailable(StoreError):
    """The database cannot be used for now; `detail` is what it said, for logs and never for strangers."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class SchemaOutdated(StoreError):
    """The tables of a database are of another version than this digitkit."""


class NotFound(StoreError):
    """There is nothing of that id, or it is not for who asks."""


class Conflict(StoreError):
    """What is asked for contradicts what is stored already."""


class Gone(StoreError):
    """What is asked for has been deleted, or its time is over."""


class HubError(StoreError):
    """A hub does not take or give what was asked."""


class RequestError(DigitkitError):
    """A request to the service is not answered."""


class Malformed(RequestError):
    """The form of a request is broken."""


class Unauthorised(RequestError):
    """A request has no valid token."""


class Forbidden(RequestError):
    """The token of a request may not do this."""


class TooSlow(RequestError):
    """A request did not arrive in time."""


class TooLarge(RequestError):
    """A request is over the limits of the service."""


class UnknownMedia(RequestError):
    """A request is of a kind that the service does not read."""


class Unacceptable(RequestError):
    """The values of a request make no sense."""


class TooMany(RequestError):
    """The sender of a request asks too often."""


class Overloaded(RequestError):
    """The service is full; trying again may help."""


class ServiceAway(RequestError):
    """No answer comes from the service."""
