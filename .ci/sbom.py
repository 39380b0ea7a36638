"""`make sbom`: everything Flyball is made of and stands on, as a CycloneDX 1.6 bill of materials.

Lists the crates of the default build with licence and checksum and who needs whom, the system libraries it is linked with
(from the packages that own them), ONNX Runtime, and the models as machine-learning components with licence and checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

import tomllib
from crates import ROOT, Crate, default_build

USES = {"linked": "linked at run time", "plugins": "plugins, loaded at run time", "beneath": "comes with the others"}


def licence(text: str) -> list[dict]:
    """A licence the way CycloneDX wants it: an expression, or a name where it is no SPDX."""
    known = re.fullmatch(r"[A-Za-z0-9.+() -]+", text) and not re.search(r"[a-z]{3,} [a-z]{3,}", text)
    return [{"expression": text}] if known and text else [{"license": {"name": text or "not stated"}}]


def crate_component(crate: Crate) -> dict:
    component = {
        "type": "application" if crate.name == "flyball" else "library",
        "bom-ref": crate.url,
        "name": crate.name,
        "version": crate.version,
        "purl": crate.url,
        "licenses": licence(crate.licence),
    }
    if crate.checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository.startswith("https://"):
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return component


def system_components() -> list[dict]:
    """The Debian packages of config/dependencies.toml, as installed here; where there is no dpkg, by name alone."""
    packages = tomllib.loads((ROOT / "config/dependencies.toml").read_text())["package"]
    versions: dict[str, str] = {}
    if shutil.which("dpkg-query"):
        query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *(package["name"] for package in packages)]
        listed = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
        versions = dict(line.split(" ", 1) for line in listed if " " in line)
    return [system_component(package, versions.get(package["name"], "").strip()) for package in packages]


def system_component(package: dict, version: str) -> dict:
    url = f"pkg:deb/debian/{package['name']}" + (f"@{version}" if version else "")
    component = {"type": "library", "bom-ref": url, "name": package["name"], "purl": url}
    component["licenses"] = licence(package["licence"])
    component["properties"] = [{"name": "flyball:use", "value": USES[package["use"]]}]
    return component | ({"version": version} if version else {})


def onnxruntime_component() -> dict:
    """The pinned library: version and checksum from set-up, whether or not it was fetched."""
    text = (ROOT / "models/prepare/runtimes.toml").read_text()
    pinned = tomllib.loads(text)["cpu"]
    url = f"pkg:pypi/{pinned['package']}@{pinned['version']}"
    file = next(file for file in pinned["file"] if "libonnxruntime.so" in file["member"])
    return {
        "type": "library",
        "bom-ref": url,
        "name": "onnxruntime",
        "version": pinned["version"],
        "purl": url,
        "licenses": licence("MIT"),
        "hashes": [{"alg": "SHA-256", "content": file["sha256"]}],
        "properties": [{"name": "flyball:use", "value": "loaded at run time"}],
    }


def model_components() -> list[dict]:
    """One a weights file: a model's variants may share one."""
    components: dict[str, dict] = {}
    for manifest in sorted((ROOT / "models").glob("*/model.toml")):
        model = tomllib.loads(manifest.read_text())
        for variant in model["variant"]:
            if not variant.get("sha256"):
                continue
            ref = f"flyball:model/{model['name']}/{variant['file']}"
            components.setdefault(ref, model_component(ref, model, variant))
            components[ref]["properties"].append({"name": "flyball:variant", "value": variant["id"]})
    return list(components.values())


def model_component(ref: str, model: dict, variant: dict) -> dict:
    terms = model.get("licence", {})
    component = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": f"{model['name']}/{variant['file']}",
        "version": variant["sha256"][:12],
        "description": model["summary"],
        "licenses": licence(terms.get("weights", "not stated")),
        "hashes": [{"alg": "SHA-256", "content": variant["sha256"]}],
        "properties": [{"name": "flyball:commercial", "value": str(terms.get("commercial", "unclear")).lower()}],
        "modelCard": {"modelParameters": {"task": model["role"]}},
    }
    if "source" in model:
        component["properties"].append({"name": "flyball:source", "value": model["source"]["package"]})
    return component


def bill() -> dict:
    crates, edges = default_build()
    program = next(crate for crate in crates if crate.name == "flyball")
    system, runtime, models = system_components(), onnxruntime_component(), model_components()
    beside = [part["bom-ref"] for part in [*system, runtime, *models]]
    edges[program.url] = edges[program.url] | set(beside)
    components = [crate_component(crate) for crate in crates if crate is not program] + system + [runtime] + models
    dependencies = [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(edges.items())]
    dependencies += [{"ref": ref, "dependsOn": []} for ref in beside]
    made = int(os.environ.get("SOURCE_DATE_EPOCH", datetime.now(tz=UTC).timestamp()))
    content = json.dumps([components, dependencies], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same parts have the same number, whenever it is made.
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content.encode()).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(made, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": crate_component(program),
        },
        "components": components,
        "dependencies": dependencies,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "target/reports/sbom.cdx.json")
    output = parser.parse_args().output
    made = bill()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(made, indent=1) + "\n")
    kinds = [component["type"] for component in made["components"]]
    print(f"{output}: {len(kinds)} components, {kinds.count('machine-learning-model')} of them models")


if __name__ == "__main__":
    main()
