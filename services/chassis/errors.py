"""The one error that ends a process in order."""


class CannotRunError(Exception):
    """The process cannot do its work until somebody changes something; the message says what."""
