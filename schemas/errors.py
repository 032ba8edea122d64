"""An error that ends a command with one clear sentence instead of a traceback."""


class UserError(Exception):
    """Something the user can put right. The text says what, where, and what to do."""

    exit_code = 2
