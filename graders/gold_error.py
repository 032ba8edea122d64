"""What is raised where a gold says nothing that can be graded with."""


class GoldError(ValueError):
    """A gold that says nothing usable. `reason` is `empty_gold` or `bad_gold`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
