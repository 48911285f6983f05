"""Images without an engine and without a registry: an OCI image layout in one tar file [OCI image spec 1.1].

`ctr images import`, `docker load` from version 25 on, `podman load` and `skopeo` read it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.tools import go_platform

_MEDIA = "application/vnd.oci.image"
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Image:
    """An image to write: its full name, its layers as uncompressed tar files, the lowest first, and how it runs."""

    name: str
    layers: Sequence[Path]
    entrypoint: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_folder: str = "/"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Blob:
    """A piece of an image by its digest: small ones by content, layers by their file."""

    media: str
    digest: str
    size: int
    content: bytes | Path

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.media, "digest": f"sha256:{self.digest}", "size": self.size}


def write(image: Image, target: Path) -> None:
    """Write the image layout; a reader of `target` never sees half of one."""
    layers = [_layer(path) for path in image.layers]
    config = _document(f"{_MEDIA}.config.v1+json", _config(image, layers))
    manifest = _document(f"{_MEDIA}.manifest.v1+json", _manifest(config, layers))
    named = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name}
    index = {"schemaVersion": 2, "manifests": [{**manifest.descriptor, "annotations": named}]}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with tarfile.open(partial, "w") as archive:
        _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        _add(archive, "index.json", json.dumps(index).encode())
        for blob in {blob.digest: blob for blob in (config, manifest, *layers)}.values():
            _add(archive, f"blobs/sha256/{blob.digest}", blob.content)
    partial.replace(target)


def _config(image: Image, layers: Sequence[_Blob]) -> dict[str, Any]:
    system, machine = go_platform().split("-")
    run = {
        "Entrypoint": list(image.entrypoint),
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
        "User": image.user,
        "WorkingDir": image.working_folder,
        "Labels": dict(image.labels),
    }
    digests = [f"sha256:{layer.digest}" for layer in layers]
    return {
        "architecture": machine,
        "os": system,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": [{"created_by": "aif-operator e2e"} for _ in layers],
    }


def _manifest(config: _Blob, layers: Sequence[_Blob]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": config.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }


def _document(media: str, content: Mapping[str, Any]) -> _Blob:
    text = json.dumps(content).encode()
    return _Blob(media, hashlib.sha256(text).hexdigest(), len(text), text)


def _layer(path: Path) -> _Blob:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return _Blob(f"{_MEDIA}.layer.v1.tar", digest.hexdigest(), path.stat().st_size, path)


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    if isinstance(content, Path):
        archive.add(content, name)
        return
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
