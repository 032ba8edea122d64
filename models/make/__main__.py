"""Make the embedded teacher: `python -m hipo_data.models.make [--out models] [--stage tokenizer|train|…]`."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hipo_data.models.make import measure, problems, tokenizer, train

STAGES = ("problems", "tokenizer", "train", "measure")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hipo_data.models.make", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder that holds problems/ and tiny-hybrid/")
    parser.add_argument("--stage", choices=STAGES, action="append", help="only this stage; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=train.Settings.steps, help="training steps")
    parser.add_argument("--threads", type=int, default=train.Settings.threads, help="CPU threads for training")
    parser.add_argument(
        "--no-compile", action="store_true", help="train without a C++ compiler, in half again the time"
    )
    return parser.parse_args()


def _place(source: Path, target: Path) -> None:
    """Move finished files into place one by one, so that a reader never sees half a file."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        aside = target / f".{path.name}.new"
        shutil.copyfile(path, aside)
        aside.replace(target / path.name)


def main() -> None:
    """Run the chosen stages, all by default, in order; each stage's files appear only when it has finished."""
    args = _parse()
    model, rows = args.out / "tiny-hybrid", args.out / "problems"
    settings = train.Settings(steps=args.steps, seed=args.seed, threads=args.threads, compiled=not args.no_compile)
    stages: dict[str, tuple[Path, Callable[[Path], object]]] = {
        "problems": (rows, lambda folder: problems.write(folder, args.seed)),
        "tokenizer": (model, lambda folder: tokenizer.write(folder, args.seed)),
        "train": (model, lambda folder: train.train(folder, settings)),
        "measure": (model, lambda folder: measure.measure(folder, rows, args.seed)),
    }
    for name in args.stage or STAGES:
        target, run = stages[name]
        with tempfile.TemporaryDirectory(prefix="tiny-hybrid-") as scratch:
            if target.exists():
                shutil.copytree(target, scratch, dirs_exist_ok=True)
            print(f"{name}: {run(Path(scratch))}", flush=True)
            _place(Path(scratch), target)


if __name__ == "__main__":
    main()
