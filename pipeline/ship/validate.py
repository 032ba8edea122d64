"""Whether a published dataset is what it says it is: every row, every file, and the card."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl
import yaml

from hipo_data.pipeline.graph.nodes import PUBLISH
from hipo_data.pipeline.ship.published import CARD, FILE_NAME, SPLITS, Published, dataset_outputs
from hipo_data.pipeline.ship.validate_rows import CHECKS, Seen, key_and_question
from hipo_data.pipeline.store.manifest import read_manifest
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.keys import problem_id, problem_ids
from hipo_data.schemas.lettered_options import unordered
from hipo_data.stages.publish.exports.libraries import PARTS

SHOWN = 20
_COUNT = re.compile(rf"^\| ({'|'.join(PARTS)}) \| ({'|'.join(SPLITS)}) \| ([\d,]+) \|$", re.MULTILINE)
_HEAD = re.compile(r"\A---\n(.*?)^---$", re.MULTILINE | re.DOTALL)


@dataclass
class Report:
    """Rows by part and split, and a sentence a failure."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def validate_dataset(dataset: Published) -> Report:
    """Reads every row once; memory grows with the number of problems alone."""
    report, seen = Report(), Seen()
    report.failures += _file_names(dataset)
    for part in PARTS:
        for split in SPLITS:
            rows = 0
            for path in dataset.of(part, split):
                count, failures = _rows(dataset, path, part, split, seen)
                rows += count
                report.failures += failures
            if rows:
                report.counts[part, split] = rows
    report.failures += seen.problems_in_both_splits()
    report.failures += _card(dataset, report.counts)
    if dataset.run_dir is not None:
        report.failures += _as_published(dataset, dataset.run_dir)
    return report


def _rows(dataset: Published, path: str, part: str, split: str, seen: Seen) -> tuple[int, list[str]]:
    failures: list[str] = []
    rows = 0
    try:
        check = CHECKS[part](dataset.schema(path), split, seen)
        for piece in dataset.tables(path):
            listed = piece.to_pylist()
            named = [key_and_question(part, row) for row in listed]
            ids = problem_ids(pl.Series([each[1] if each else "" for each in named], dtype=pl.String))
            for row, said_of, found in zip(listed, named, ids, strict=True):
                # Of multiple choice the id is that of the question whatever the order of its options.
                if said_of is not None and said_of[0] not in (found, problem_id(unordered(said_of[1]))):
                    failures.append(f"{path}, row {rows}: the id {said_of[0]} is not that of the question")
                failures += (f"{path}, row {rows}: {said}" for said in check(row))
                rows += 1
    except (UserError, ValueError) as error:
        failures.append(f"{path}: {error}")
    return rows, failures


def _file_names(dataset: Published) -> Iterator[str]:
    """Files that readers of `<split>-*.parquet` would take along, or miss."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for path in dataset.files:
        name = FILE_NAME.fullmatch(path)
        if name:
            found.setdefault((name[1], name[2]), Counter())[name[4]] += 1
        elif path.endswith(".parquet") and path.startswith(tuple(f"{part}/" for part in PARTS)):
            yield f"{path} is not named as publish names files, yet readers may take it along"
    for (part, split), totals in found.items():
        if len(totals) > 1:
            yield f"{part}/ mixes {split} files of two publications, of {' and of '.join(sorted(totals))}"
        for total, count in totals.items():
            if count != int(total):
                yield f"{part}/ holds {count} {split} files of {int(total)}"


def _card(dataset: Published, counts: dict[tuple[str, str], int]) -> Iterator[str]:
    if CARD not in dataset.files:
        yield f"there is no {CARD}"
        return
    with dataset.open(CARD) as file:
        text = file.read().decode("utf-8", "replace")
    said = {(part, split): int(rows.replace(",", "")) for part, split, rows in _COUNT.findall(text)}
    for key in dict.fromkeys([*counts, *said]):
        if said.get(key, 0) != counts.get(key, 0):
            yield f"{CARD} says {said.get(key, 0)} rows of {' '.join(key)}; the files hold {counts.get(key, 0)}"
    yield from _configs(text, counts)


def _configs(text: str, counts: dict[tuple[str, str], int]) -> Iterator[str]:
    head = _HEAD.match(text)
    try:
        configs = (yaml.safe_load(head[1]) or {}).get("configs", []) if head else []
        named = {(each["config_name"], files["split"]) for each in configs for files in each["data_files"]}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        yield f"the head of {CARD} cannot be read: {' '.join(str(error).split())[:200]}"
        return
    for part, split in counts:
        if (part, split) not in named:
            yield f"the head of {CARD} does not name {part} {split}, so that load_dataset does not find it"


def _as_published(dataset: Published, run_dir: RunPath) -> Iterator[str]:
    """Files that are not those of the run's last publish."""
    manifest = read_manifest(PUBLISH.path(run_dir, ".json"))
    if manifest is None:
        yield f"{run_dir} has not finished publish; run it again"
        return
    written = {name: output.sha256 for name, output in dataset_outputs(manifest).items()}
    for path in sorted({*written, *dataset.files}):
        if path not in dataset.files:
            yield f"{path} is missing, which publish wrote; run again to write it anew"
        elif path not in written:
            yield f"{path} is not from publish; move it elsewhere"
        elif dataset.digest(path) != written[path]:
            yield f"{path} was changed after publish wrote it; remove it and run again to write it anew"
