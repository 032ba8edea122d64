"""What becomes of a file that cannot be read, or not to its end."""


class UnreadableFileError(ValueError):
    """Where the reading of a file ends, and why as a predicate of the file: `is cut off …`.

    Rows before `row` were given already; of what comes after them, not even the number is known.
    """

    def __init__(self, why: str, row: int = 0) -> None:
        super().__init__(why)
        self.row = row
