"""Errors a user can do something about."""


class UserError(Exception):
    """One line that says what is wrong and what to do; `code` is the exit status.

    1: a check or a step failed.  2: the command was used wrongly.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
