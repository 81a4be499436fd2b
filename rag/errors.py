"""What Casebook raises on purpose.

One base class and one subclass for each thing a caller would handle differently. A message says
what was found, what was expected and what to run, in Chinese, because the person who keeps the
index reads it: the command line prints it as it stands, the HTTP edge maps each class to a status.
"""

from __future__ import annotations


class CasebookError(Exception):
    """Base of every error that Casebook raises on purpose."""


class SourceError(CasebookError):
    """A source file cannot be read as text.

    Attributes:
        file: The file as the user named it.
        where: Line or byte, such as ``第 3 行``; empty if it is the whole file.
        why: What was found and what to do about it.
    """

    def __init__(self, file: str, why: str, *, where: str = "") -> None:
        self.file = file
        self.where = where
        self.why = why
        super().__init__(f"{file}：{where}：{why}" if where else f"{file}：{why}")


class ModelError(CasebookError):
    """An encoder cannot be prepared or loaded."""


class EncoderUnavailableError(CasebookError):
    """A remote encoder did not answer in time, or answered nonsense."""


class ChatUnavailableError(CasebookError):
    """A language model did not answer in time, or answered nonsense."""


class ChatTimeoutError(ChatUnavailableError):
    """A language model took longer than it may."""


class ChatCutOffError(ChatUnavailableError):
    """A language model's reply broke off before its end."""


class AbandonedError(CasebookError):
    """Nobody waits for an answer any more."""


class IndexMissingError(CasebookError):
    """There is no index where one was expected."""


class IndexDamagedError(CasebookError):
    """A file of the index is missing, or is not what the manifest says it is."""


class IndexMismatchError(CasebookError):
    """The index was built with another encoder or format than the one now asked for."""


class StateUnavailableError(CasebookError):
    """What a service keeps cannot be written or read where it should be."""


class UnknownCaseError(CasebookError):
    """A citation names a case that is not in the collection."""


class StaleCitationError(CasebookError):
    """A citation names a file or a place that is no longer what it was."""


class NothingToVerifyError(CasebookError):
    """A text to verify has no letter or digit."""
