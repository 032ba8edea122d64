"""How long a text is: in tokens of a tokenizer, or else in characters."""

from collections.abc import Callable
from pathlib import Path

from hipo_data.schemas.errors import EngineRefusedError
from hipo_data.schemas.length_unit import TOKENIZER_FILE
from hipo_data.schemas.packaged import embedded

TextLength = Callable[[str], int]


def text_length(tokenizer: str | None) -> TextLength:
    """Counts texts: their tokens as a model would write them, without any that it puts around a text.

    Args:
        tokenizer: a folder with a `tokenizer.json`, that file, or a model's name on the Hub; null counts characters.

    Raises `EngineRefusedError` where it cannot be had or read.
    """
    if tokenizer is None:
        return len
    from tokenizers import Tokenizer

    file = _file(tokenizer)
    try:
        loaded = Tokenizer.from_file(str(file))
        loaded.no_truncation()  # as some files have it set for training
        loaded.no_padding()
    except Exception as error:  # the library raises nothing more special for a file that it cannot read
        raise EngineRefusedError(f"the tokenizer '{tokenizer}' cannot be read: {_line(error)}") from error
    if not loaded.get_vocab_size():
        raise EngineRefusedError(f"the tokenizer '{tokenizer}' has no vocabulary")

    def tokens(text: str) -> int:
        return len(loaded.encode(text, add_special_tokens=False).ids)

    return tokens


def _file(tokenizer: str) -> Path:
    path = Path(embedded(tokenizer))
    if path.exists():
        return path / TOKENIZER_FILE if path.is_dir() else path
    import httpx2
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(tokenizer, TOKENIZER_FILE))
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise EngineRefusedError(
            f"the tokenizer '{tokenizer}', which counts recorded responses, is no folder in {Path.cwd()} and cannot be "
            f"had from the Hub: {_line(error)}"
        ) from error


def _line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
