"""More problems than are shipped: `python -m hipo_data.models.make.fresh --out FOLDER --counts '{"pick": 200}'`.

One JSON Lines file a family, in the shape of nvidia/AceReason-Math with the family beside it. Math families only.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import get_args

from hipo_data.models.make.problems import choose
from hipo_data.models.make.tasks import MATH_FAMILIES, Pool, order_of
from hipo_data.schemas.errors import UserError


def write(folder: Path, pool: Pool, counts: dict[str, int], seed: int) -> dict[str, int]:
    """Writes `<family>.jsonl` of each family and returns how many rows each has.

    Raises `UserError` for a family that is none of math, and where a pool holds fewer.
    """
    unknown = [family for family in counts if family not in MATH_FAMILIES]
    if unknown:
        raise UserError(f"there is no math family '{unknown[0]}'; choose {', '.join(MATH_FAMILIES)}")
    folder.mkdir(parents=True, exist_ok=True)
    for family, count in counts.items():
        tasks = sorted(choose(family, pool, count, seed), key=lambda task: order_of(task.question))
        rows = [{"problem": task.question, "answer": task.answer, "family": family} for task in tasks]
        (folder / f"{family}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return counts


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hipo_data.models.make.fresh", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--pool", choices=get_args(Pool), required=True)
    parser.add_argument("--counts", type=json.loads, required=True, help="problems a family, as JSON")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        print(json.dumps(write(args.out, args.pool, args.counts, args.seed)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
