"""HiPO against its peers at equal budgets: `python -m hipo_data.reproduce --config recipes/reproduce.yaml`.

It makes problems and data, says what the best choice of modes could reach in the mix, ends there if that is less than
`room` asks for, and trains the cold starts and the first arms; `--more` goes on with the other arms and the ablations.
Every step keeps its result in OUTPUT/steps; run again after anything stopped it, it goes on. The page is written after
each round; `--page` writes it from what is there.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from hipo_data.reproduce.config import ReproduceConfig
from hipo_data.reproduce.run import page_of, reproduce
from hipo_data.schemas.config_file import read_config
from hipo_data.schemas.errors import UserError
from hipo_data.trainer.libraries import needs_training_libraries


def main() -> None:
    """Entry point. Ends with one of `ExitCode`; docs/errors.md says what each asks for."""
    parser = argparse.ArgumentParser(prog="python -m hipo_data.reproduce", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("recipes/reproduce.yaml"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override one key")
    parser.add_argument("--more", action="store_true", help="train the other arms and the ablations, too")
    parser.add_argument("--anyway", action="store_true", help="train even where the mix leaves less than room asks for")
    parser.add_argument("--page", action="store_true", help="train nothing; write the page from what is there")
    args = parser.parse_args()
    try:
        needs_training_libraries()
        config = read_config(ReproduceConfig, args.config, args.set)
        if args.page:
            page = page_of(config)
        else:
            page = reproduce(config, partial(print, flush=True), more=args.more, anyway=args.anyway)
        print(f"page: {page}")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
