"""Objects are read from files with the place where they stand; what cannot be read is told with file and line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aif.cli.files.documents import read
from aif.errors import InvalidInput


def a_file(folder: Path, text: str, name: str = "a.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_document_knows_where_it_stands(tmp_path: Path) -> None:
    path = a_file(tmp_path, "kind: A\nmetadata: {name: one}\n---\n# nothing\n---\nkind: B\n")
    first, second = read([path])
    assert first.title == f"{path}, document 1 (A one)"
    assert second.title == f"{path}, document 3 (B)"


def test_a_folder_gives_its_own_files_by_name(tmp_path: Path) -> None:
    a_file(tmp_path, "kind: Second", "b.yml")
    a_file(tmp_path, '{"kind": "First"}', "a.json")
    a_file(tmp_path, "kind: Ignored", "readme.txt")
    (tmp_path / "below").mkdir()
    a_file(tmp_path / "below", "kind: Below")
    assert [document.kind for document in read([str(tmp_path)])] == ["First", "Second"]


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("kind: A"))
    assert [document.title for document in read(["-"])] == ["stdin, document 1 (A)"]


def test_a_list_gives_its_items_which_share_its_place(tmp_path: Path) -> None:
    path = a_file(tmp_path, "kind: List\nitems:\n- {kind: A, metadata: {name: x}}\n- {kind: B}\n")
    assert [(document.kind, document.number) for document in read([path])] == [("A", 1), ("B", 1)]


def test_an_item_of_a_typed_list_is_of_the_lists_kind(tmp_path: Path) -> None:
    path = a_file(tmp_path, "apiVersion: v1\nkind: NodeList\nitems:\n- {metadata: {name: x}}\n")
    (document,) = read([path])
    assert (document.api_version, document.kind, document.name) == ("v1", "Node", "x")


def test_a_date_stays_the_text_that_it_is_in_the_api(tmp_path: Path) -> None:
    (document,) = read([a_file(tmp_path, "kind: A\nwhen: 2030-01-01T10:00:00Z\n")])
    assert document.body["when"] == "2030-01-01T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("kind: [", ", line 1, column 8: ", id="no YAML"),
        pytest.param("kind: A\nkind: B\n", ", line 2, column 1: kind stands twice", id="a key twice"),
        pytest.param("- a\n", ", document 1: list instead of an object with a kind", id="a list"),
        pytest.param("text\n", ", document 1: str instead of an object with a kind", id="a word"),
        pytest.param("kind: List\nitems: [1]\n", ", document 1: int instead of an object", id="an item"),
        pytest.param("a: *b\n", ", line 1, column 4: found undefined alias", id="an unknown alias"),
        pytest.param("a: !!python/name:os.system x\n", ", line 1, column 4: could not determine", id="a Python object"),
        pytest.param("a: \x07\n", ": ", id="a control character"),
        pytest.param("[" * 5000, ": nested too deeply", id="brackets without end"),
    ],
)
def test_what_is_no_object_is_told_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = a_file(tmp_path, text)
    with pytest.raises(InvalidInput) as raised:
        read([path])
    assert raised.value.message.startswith(path + complaint)
    assert len(raised.value.message.splitlines()) == 1


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.yaml: No such file or directory; give a file"):
        read([str(tmp_path / "none.yaml")])


def test_a_folder_without_manifests_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no file in this folder ends in \.json, \.yaml, \.yml"):
        read([str(tmp_path)])


def test_a_binary_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="not UTF-8 text"):
        read([str(path)])
