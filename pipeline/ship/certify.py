"""The certificate of a published dataset under the chat template that will train it: as JSON, and as a page to sign."""

import hashlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hipo_data.figures.terminal import plain
from hipo_data.figures.text import number, percent
from hipo_data.pipeline.ship.published import SPLITS, Published
from hipo_data.prompts.chat_template import chat_template
from hipo_data.prompts.formats.format import Format
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.packaged import embedded
from hipo_data.stages.publish.certificate.certificate import Certificate, Certifying, Shown, Wanted
from hipo_data.stages.publish.certificate.rendering import Template

OURS = "ours"
TRL = "trl/"
_FOLDER = Path(__file__).parent / "templates"
_PACKAGES = ("hipo-data", "transformers", "trl")


def certify(
    dataset: Published,
    template: str,
    *,
    reasoning_field: str | None = None,
    max_length: int | None = None,
    tokenizer: str | None = None,
    earlier: Wanted | None = None,
) -> tuple[Certificate, list[Shown]]:
    """Renders every row of `sft/`. Gives the certificate, and some rows for the page.

    Args:
        dataset: with responses.
        template: `ours` for the one that exports hold, `trl/NAME` for one of TRL's own, a file of Jinja, or a tokenizer
            by its folder or name.
        reasoning_field: the field of a turn that the template reads reasoning from; null: the response is one text.
        max_length: tokens of a row that are trained.
        tokenizer: counts them, where the template is not a tokenizer's.
        earlier: what is to become of the reasoning of earlier turns.

    Raises `UserError` where there is no such template, or there are no rows.
    """
    dataset.check({path for split in SPLITS for path in dataset.of("sft", split)})
    form = _format(dataset)
    found, loaded = _template(template, form)
    counting = _tokenizer(tokenizer) if tokenizer is not None else loaded
    if max_length is not None and counting is None:
        raise UserError("--max-length counts tokens: name a --tokenizer, or as --template a tokenizer")
    certifying = Certifying(found, reasoning_field, counting, max_length, earlier)
    for path in (path for split in SPLITS for path in dataset.of("sft", split)):
        at = 0
        for piece in dataset.tables(path):
            for row in piece.to_pylist():
                certifying.add(row, f"{path}, row {at}")
                at += 1
    last = certifying.earlier()
    return Certificate(
        dataset=dataset.name,
        template=template,
        template_sha256=hashlib.sha256(found.text.encode()).hexdigest(),
        format=form.name,
        trained="marked by the template" if found.marks else "the completion after the prompt",
        tokenizer=None if counting is None else tokenizer or template,
        max_length=max_length,
        ok=not any(check.failed for check in certifying.checks.values()),
        rows=certifying.rows,
        failed=certifying.failed,
        modes=certifying.modes,
        earlier=last,
        checks=certifying.checks,
        versions={name: said for name in _PACKAGES if (said := _version(name))},
    ), certifying.shown


def page(certificate: Certificate, shown: list[Shown]) -> str:
    """The certificate as one self-contained page of HTML, with rows as they are trained and a place to sign."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=True)
    environment.filters |= {"number": number, "percent": percent, "plain": plain}
    return environment.get_template("certificate.html.j2").render(it=certificate, shown=shown) + "\n"


def _format(dataset: Published) -> Format:
    for path in (path for split in SPLITS for path in dataset.of("sft", split)):
        for piece in dataset.tables(path):
            if piece.num_rows:
                return FORMATS[piece["format"][0].as_py()]
    raise UserError(f"{dataset.name} has no rows in sft/, which a template renders")


def _template(named: str, form: Format) -> tuple[Template, Callable[[str], int] | None]:
    """The template, and what counts tokens where it is a tokenizer's."""
    if named == OURS:
        return Template(named, chat_template(form)), None
    if named.startswith(TRL):
        return Template(named, _of_trl(named.removeprefix(TRL))), None
    place = Path(embedded(named))
    if place.is_file():
        return Template(named, place.read_text(encoding="utf-8")), None
    tokenizer = _load(named)
    text = tokenizer.get_chat_template() if tokenizer.chat_template else None
    if text is None:
        raise UserError(f"the tokenizer '{named}' has no chat template; give a file, or {OURS} for that of the exports")
    tokens = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    return Template(named, text, tokens), _counting(tokenizer)


def _of_trl(name: str) -> str:
    spec = find_spec("trl")
    folders = [Path(place) / "chat_templates" for place in (spec.submodule_search_locations or [])] if spec else []
    if not folders:
        raise UserError(f"'{TRL}{name}' is a template of TRL's, which is not installed; install trl")
    file = folders[0] / f"{name}.jinja"
    if not file.is_file() or file.parent != folders[0]:
        known = ", ".join(sorted(path.stem for path in folders[0].glob("*_training.jinja")))
        raise UserError(f"TRL {_version('trl')} has no template '{name}'; those for training are {known}")
    return file.read_text(encoding="utf-8")


def _tokenizer(named: str) -> Callable[[str], int]:
    return _counting(_load(named))


def _counting(tokenizer) -> Callable[[str], int]:  # type: ignore[no-untyped-def] # a class of a library without types
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _load(named: str):  # type: ignore[no-untyped-def]
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError("--template needs the package transformers; install it") from error
    try:
        return AutoTokenizer.from_pretrained(embedded(named))
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"'{named}' is no file, and the tokenizer of that name cannot be loaded: {said}; give {OURS}, {TRL}NAME, a "
            "file of Jinja, or a tokenizer"
        ) from error


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
