"""What this tool reads of models/<name>/model.toml: where a model comes from and which files to make of it.

The engine reads the same files for everything else (input, output, thresholds).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from .say import Problem, sha256

EXTRA = ("clip_probe",)  # large and off by default: fetched by `make setup-extra` only


@dataclass(frozen=True)
class Source:
    """One file inside one package."""

    package: str
    member: str
    digest: str


@dataclass(frozen=True)
class Product:
    """One prepared file that variants name, with the hash that preparing it must give."""

    path: Path
    precision: str
    digest: str
    dynamic_batch: bool
    sizes: tuple[tuple[int, int], ...]

    def is_right(self) -> bool:
        return sha256(self.path) == self.digest


@dataclass(frozen=True)
class Model:
    """A model folder: its sources and its products, the full precision one first."""

    name: str
    folder: Path
    written: dict
    sources: tuple[Source, ...]
    products: tuple[Product, ...]

    def is_copyleft(self) -> bool:
        """Whether its terms bind whoever hands the weights on: such a model is fetched by name only, never into an image."""
        return "GPL" in self.written["licence"]["weights"]

    def is_ready(self) -> bool:
        return all(product.is_right() for product in self.products)


def read_models(root: Path, extra: bool) -> list[Model]:
    """Every model of the repository, by name; the large optional ones only when `extra`."""
    written = sorted((root / "models").glob("*/model.toml"))
    models = [read_model(path) for path in written]
    return [model for model in models if extra or model.name not in EXTRA]


def read_model(path: Path) -> Model:
    """One model.toml."""
    written = read_toml(path)
    try:
        source = written["source"]
        files = source.get("files", [source])
        sources = tuple(Source(source["package"], file["member"], file["sha256"]) for file in files)
        return Model(written["name"], path.parent, written, sources, _products(path.parent, written["variant"]))
    except KeyError as missing:
        raise Problem(f"{path} lacks the key {missing}") from missing


def _products(folder: Path, variants: list[dict]) -> tuple[Product, ...]:
    """Several variants (input sizes) may share one file."""
    by_file: dict[str, list[dict]] = {}
    for variant in variants:
        by_file.setdefault(variant["file"], []).append(variant)
    products = []
    for file, group in by_file.items():
        sizes = tuple((variant["size"][0], variant["size"][1]) for variant in group)
        first = group[0]
        products.append(Product(folder / file, first["precision"], first["sha256"], first["dynamic_batch"], sizes))
    return tuple(sorted(products, key=lambda product: product.precision != "fp32"))


def read_toml(path: Path) -> dict:
    """A TOML file, or a sentence naming it."""
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Problem(f"{path} cannot be read: {error}") from error
