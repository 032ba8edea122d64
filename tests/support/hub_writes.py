"""What the loopback Hub answers to uploads: new repositories, Git LFS and commits, as huggingface_hub asks for them.

Xet, the Hub's other way to take large files, is not spoken here.
"""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote

from tests.support.hub import Hub, Reply, Repository, Request, blob_id, is_large, json_reply, refusal

TOKEN = "hf_writer0123456789"
_UNDER_DATASET = re.compile(r"/api/datasets/([^/]+/[^/]+)/(preupload|commit)/([^/]+)")
_LFS = re.compile(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/(batch|verify)")
_STORE = re.compile(r"/store/([0-9a-f]{64})(?:/(\d+))?")


class Writes:
    """Takes uploads for a Hub from whoever has `TOKEN`."""

    def __init__(self, hub: Hub, part_bytes: int | None = None) -> None:
        """`part_bytes`: larger files have to come in parts of this size."""
        self.hub = hub
        self.part_bytes = part_bytes
        self.stored: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.commits = 0
        hub.writes = self.answer

    def answer(self, request: Request) -> Reply | None:
        """The reply to what writes; null for anything else."""
        if request.method == "PUT" and (found := _STORE.fullmatch(request.path)):
            return self._store(request, found[1], found[2])
        if request.method != "POST":
            return None
        if found := _STORE.fullmatch(request.path):
            return self._join(found[1])
        asked = (request.path in ("/api/repos/create", "/api/validate-yaml"), _UNDER_DATASET, _LFS)
        if not (asked[0] or any(pattern.fullmatch(request.path) for pattern in (_UNDER_DATASET, _LFS))):
            return None
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal(403, "Forbidden", "You don't have the required permissions")
        if request.path == "/api/repos/create":
            return self._create(json.loads(request.body))
        if request.path == "/api/validate-yaml":
            return json_reply({"errors": [], "warnings": []})
        if found := _LFS.fullmatch(request.path):
            return self._lfs(found[2], json.loads(request.body), found[1])
        found = _UNDER_DATASET.fullmatch(request.path)
        assert found is not None
        repository = self.hub.repositories.get(unquote(found[1]))
        if repository is None:
            return refusal(404, "RepoNotFound", "Repository not found")
        if found[2] == "preupload":
            return self._preupload(repository, json.loads(request.body))
        return self._commit(unquote(found[1]), repository, request.body)

    def _create(self, asked: dict[str, Any]) -> Reply:
        repo = f"{asked['organization']}/{asked['name']}"
        if repo in self.hub.repositories:
            return refusal(409, "Conflict", "You already created this dataset repo")
        self.hub.commit(repo, {".gitattributes": b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"})
        self.hub.repositories[repo].private = asked.get("visibility") == "private"
        return json_reply({"url": f"{self.hub.address}/datasets/{repo}", "name": repo})

    def _preupload(self, repository: Repository, asked: dict[str, Any]) -> Reply:
        files = repository.commits[repository.refs["main"]]
        return json_reply({"files": [self._mode(each["path"], files.get(each["path"])) for each in asked["files"]]})

    def _mode(self, path: str, data: bytes | None) -> dict[str, Any]:
        large = is_large(path)
        oid = None if data is None else hashlib.sha256(data).hexdigest() if large else blob_id(data)
        return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}

    def _lfs(self, verb: str, asked: dict[str, Any], repo: str) -> Reply:
        if verb == "verify":
            return json_reply({}) if asked["oid"] in self.stored else refusal(404, "NotFound", "not stored")
        assert asked["operation"] == "upload"
        return json_reply(
            {"transfer": "basic", "objects": [self._instruction(each, repo) for each in asked["objects"]]}
        )

    def _instruction(self, asked: dict[str, Any], repo: str) -> dict[str, Any]:
        oid, size = asked["oid"], asked["size"]
        if oid in self.stored:
            return {"oid": oid, "size": size}
        store = f"{self.hub.address.replace('127.0.0.1', 'localhost')}/store/{oid}"
        verify = {"href": f"{self.hub.address}/datasets/{repo}.git/info/lfs/objects/verify"}
        if self.part_bytes is None or size <= self.part_bytes:
            return {
                "oid": oid,
                "size": size,
                "actions": {"upload": {"href": f"{store}?Signature=secret"}, "verify": verify},
            }
        count = -(-size // self.part_bytes)
        urls = {str(number): f"{store}/{number}?Signature=secret" for number in range(1, count + 1)}
        header = {"chunk_size": str(self.part_bytes), **urls}
        return {"oid": oid, "size": size, "actions": {"upload": {"href": store, "header": header}, "verify": verify}}

    def _store(self, request: Request, oid: str, part: str | None) -> Reply:
        assert "Authorization" not in request.headers  # the store is another machine, and must not learn the token
        if part is not None:
            self.parts[oid, int(part)] = request.body
            return Reply(headers={"ETag": f'"{part}"'})
        return self._keep(oid, request.body)

    def _join(self, oid: str) -> Reply:
        return self._keep(oid, b"".join(data for (of, _), data in sorted(self.parts.items()) if of == oid))

    def _keep(self, oid: str, data: bytes) -> Reply:
        if hashlib.sha256(data).hexdigest() != oid:
            return refusal(400, "BadDigest", "the content is not what was announced")
        self.stored[oid] = data
        return json_reply({})

    def _commit(self, repo: str, repository: Repository, body: bytes) -> Reply:
        lines = [json.loads(line) for line in body.splitlines()]
        head = repository.refs["main"]
        if lines[0]["value"].get("parentCommit") not in (None, head):
            return refusal(412, "PreconditionFailed", "A commit has happened since. Please refresh and try again.")
        files = dict(repository.commits[head])
        for line in lines[1:]:
            kind, value = line["key"], line["value"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                if value["oid"] not in self.stored:
                    return refusal(400, "BadRequest", f"LFS pointer points to a file that is not stored: {value}")
                files[value["path"]] = self.stored[value["oid"]]
            else:
                assert kind == "deletedFile", kind
                del files[value["path"]]
        self.commits += 1
        sha = self.hub.commit(repo, files)
        return json_reply({"commitUrl": f"{self.hub.address}/datasets/{repo}/commit/{sha}", "commitOid": sha})
