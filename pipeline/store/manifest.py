"""What a node of the graph left behind: its outputs, and a fingerprint of all that they depend on."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hipo_data.pipeline.store.files import put_bytes
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.pipeline.store.sealed import seal, unseal
from hipo_data.schemas.errors import DamagedError


class Output(BaseModel):
    """One file. `path` is relative to the run directory."""

    model_config = ConfigDict(frozen=True)
    path: str
    rows: int
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """Written last, so that a node with a manifest is done."""

    model_config = ConfigDict(frozen=True)
    node: str
    parts: dict[str, str]
    """What the outputs depend on, each as a digest: code version, config slice, prompts, model, inputs by content."""
    outputs: dict[str, Output]
    beside: dict[str, Output] = Field(default_factory=dict)
    """Files that the node leaves for people and for its next run; nothing is made from them."""
    rows_in: int
    rows_out: int
    rows_rejected: int
    rows_left_out: int = 0
    retry: int = 0
    """Rows that failed for reasons that may pass: the next run tries them again."""
    asking: str = ""
    """How the engine was asked, as a digest; empty where none was, and in manifests of before it was kept."""
    counts: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0

    def check_conserved(self) -> None:
        """Raises `RuntimeError` unless every row that came in went out, was rejected, or was left out on purpose."""
        accounted = self.rows_out + self.rows_rejected + self.rows_left_out
        if self.rows_in != accounted:
            raise RuntimeError(
                f"{self.node}: {self.rows_in} rows came in but {accounted} are accounted for "
                f"({self.rows_out} out, {self.rows_rejected} rejected, {self.rows_left_out} left out); this is a bug"
            )


def put_named(run_dir: RunPath, name: str, data: bytes, rows: int = 0) -> Output:
    """Writes a file of a run by its path within it; returns what a manifest says of it."""
    return Output(path=name, rows=rows, bytes=len(data), sha256=put_bytes(run_dir / name, data))


def write_manifest(path: RunPath, manifest: Manifest) -> None:
    """Commits a node."""
    manifest.check_conserved()
    put_bytes(path, seal(manifest.model_dump_json(indent=1)))


def read_manifest(path: RunPath) -> Manifest | None:
    """The manifest at `path`; null where there is none. Raises `DamagedError`."""
    try:
        return parse_manifest(path, path.read_bytes())
    except FileNotFoundError:
        return None


def parse_manifest(path: RunPath, data: bytes) -> Manifest:
    """A manifest by its file's content. Raises `DamagedError` where that is not what `write_manifest` wrote there."""
    try:
        manifest = Manifest.model_validate(unseal(path, data, Manifest.model_fields))
        manifest.check_conserved()
    except ValidationError as error:
        raise DamagedError(path, f"is no manifest ({'.'.join(map(str, error.errors()[0]['loc']))})") from error
    except RuntimeError as error:
        raise DamagedError(path, "holds counts that do not add up") from error
    if manifest.node != f"{path.parent.name}/{path.stem}":
        raise DamagedError(path, f"is the manifest of {manifest.node}")
    return manifest
