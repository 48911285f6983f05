"""Which release the upgrade is tested from, by what the history of the repository holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from releases import CHOSEN, OPERATOR, previous


class Repository:
    """A repository in which `OPERATOR` is a file per folder, with the release as its text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> None:
        """Run git as nobody in particular."""
        author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(self.folder), *author, *arguments], check=True, capture_output=True)

    def write(self, release: str) -> None:
        """Change the operator in the tree."""
        for path in OPERATOR:
            (self.folder / path).mkdir(parents=True, exist_ok=True)
            (self.folder / path / "release").write_text(release)

    def commit(self, release: str) -> None:
        """Change the operator, and commit that."""
        self.write(release)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", release)

    def comment(self) -> None:
        """Commit something beside the operator."""
        (self.folder / "README.md").write_text("read me")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "comment")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository without a commit."""
    (folder := tmp_path / "repository").mkdir()
    return Repository(folder)


def previous_of(repository: Repository, tmp_path: Path, **environ: str) -> tuple[str, str]:
    """Return what the previous release is called, and what is in it."""
    (folder := tmp_path / "previous").mkdir()
    release = previous(folder, environ, repository.folder)
    (text,) = {(release.tree / path / "release").read_text() for path in OPERATOR}
    return release.title, text


def test_it_is_the_last_commit_whose_operator_is_another(repository: Repository, tmp_path: Path) -> None:
    for release in ("first", "second", "third"):
        repository.commit(release)
    repository.comment()
    title, text = previous_of(repository, tmp_path)
    assert text == "second"
    assert "(second)" in title


def test_it_is_the_last_commit_where_the_tree_differs_from_that(repository: Repository, tmp_path: Path) -> None:
    for release in ("first", "second"):
        repository.commit(release)
    repository.write("third")
    assert previous_of(repository, tmp_path)[1] == "second"


def test_another_one_can_be_chosen(repository: Repository, tmp_path: Path) -> None:
    for release in ("first", "second", "third"):
        repository.commit(release)
    assert previous_of(repository, tmp_path, **{CHOSEN: "HEAD~2"})[1] == "first"


def test_without_an_earlier_operator_in_the_history_it_is_the_tree_itself(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit("only")
    title, text = previous_of(repository, tmp_path)
    assert text == "only"
    assert "this very tree" in title


def test_a_shallow_copy_compares_with_itself(repository: Repository, tmp_path: Path) -> None:
    for release in ("first", "second"):
        repository.commit(release)
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(shallow))
    (folder := tmp_path / "previous").mkdir()
    assert previous(folder, {}, shallow).tree == shallow


def test_a_copy_without_a_history_compares_with_itself(tmp_path: Path) -> None:
    assert previous(tmp_path, {}, tmp_path).tree == tmp_path
