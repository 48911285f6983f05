"""The examples of the guide for installing, and the health that Argo CD would see by them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import lupa.lua51
import yaml
from documents import ROOT, Document

GUIDE: Final = ROOT / "docs" / "install.md"


@cache
def examples() -> list[Document]:
    """Return every object in the YAML of the guide."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def example(kind: str, name: str) -> Document:
    """Return an object of the guide."""
    (found,) = (d for d in examples() if d.get("kind") == kind and d.get("metadata", {}).get("name") == name)
    return found


def health(kind: str, document: Document) -> tuple[str, str]:
    """Return the health of an object and its message, as Argo CD finds them: Lua 5.1 without libraries that act."""
    check = example("ConfigMap", "argocd-cm")["data"][f"resource.customizations.health.net4ai.io_{kind}"]
    lua: Any = lupa.lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.execute("os, io, debug, require, dofile, loadfile, package = nil")
    run = lua.eval(f"function(obj)\n{check}\nend")
    found = run(lua.table_from(document, recursive=True))
    return found["status"], found["message"]
