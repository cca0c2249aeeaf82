# SPDX-License-Identifier: Apache-2.0
"""OCI layouts made by hand, without a builder and without a network."""

import hashlib
import io
import json
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def tar_of(files):
    """A layer of files: path -> (content, mode)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, (content, mode) in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Layout:
    """A folder that becomes an OCI layout."""

    def __init__(self, folder):
        self.folder, self.manifests = folder, []
        self.blobs = folder / "blobs/sha256"
        self.blobs.mkdir(parents=True)

    def put(self, data):
        """Stores bytes, or anything else as JSON; returns its descriptor without a media type."""
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        name = hashlib.sha256(data).hexdigest()
        (self.blobs / name).write_bytes(data)
        return {"digest": "sha256:" + name, "size": len(data)}

    def add(self, layer, config, architecture="amd64", diff_id=None, platform=False):
        """Adds an image of one layer, a descriptor as `put` returns it; `platform` names the architecture in the index too."""
        root = {"type": "layers", "diff_ids": [diff_id or layer["digest"]]}
        whole = self.put({"architecture": architecture, "os": "linux", "config": config, "rootfs": root})
        kind = LAYER + ("+gzip" if diff_id else "")
        manifest = self.put({"schemaVersion": 2, "config": {"mediaType": CONFIG, **whole}, "layers": [{"mediaType": kind, **layer}]})
        named = {"platform": {"os": "linux", "architecture": architecture}} if platform else {}
        self.manifests.append({"mediaType": MANIFEST, **manifest, **named})

    def finish(self):
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))
