"""Where the reasoning of a response ends, for graders that read its answer."""


def after_reasoning(response: str) -> str:
    """The text after the last `</think>`."""
    return response.rpartition("</think>")[2]
