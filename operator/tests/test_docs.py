"""The documents say what the code does: settings, metrics, reasons, commands, examples, links."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
import typer
import yaml
from demo import breach, up
from prometheus_client.metrics import MetricWrapperBase

from aif import settings as settings_module
from aif.api.base import API_VERSION, Tier
from aif.api.conditions import Reason
from aif.api.kinds import KINDS
from aif.cli.app import app
from aif.cli.files.documents import Document as Manifest
from aif.cli.files.validation import problems
from aif.domain.registry import TIER_LABEL
from aif.gateways.exposition import Exposition
from aif.reconcile import aiservice, computenode
from aif.reconcile.computenode import NodeSnapshot
from aif.reconcile.registration import computenode as registered
from aif.reconcile.snapshot import Snapshot
from aif.scheduling.ledger import Held, Ledger
from aif.scheduling.node_table import NodeTable
from aif.scheduling.plugins import CONTRACT, FILTERS, HOUSEKEEPING, STABILITY
from aif.settings import Settings, variables
from tests.builders import NOON, a_compute_node, a_node, an_aiservice
from tests.documents import DOCS, ROOT, Block, Document, documents

OPERATING = Document("docs/operating.md")
TROUBLESHOOTING = Document("docs/troubleshooting.md")
CONDITIONS = Document("docs/reference/conditions.md")
DECIDING = Document("docs/deciding.md")
GUIDES = [document for document in documents() if document.name == "README.md" or document.path.is_relative_to(DOCS)]
"""What speaks of the present: a changelog may name what is gone, and rules of the house what must not be."""

DECISIONS = sorted((DOCS / "decisions").glob("*.md"))

each_document = pytest.mark.parametrize("document", documents(), ids=lambda document: document.name)


def spelled(value: object) -> str:
    """Return a setting as its variable spells it."""
    match value:
        case Mapping():
            return ",".join(f"{key}={'|'.join(values)}" for key, values in value.items())
        case frozenset():
            return ",".join(tier for tier in Tier if tier in value)
        case tuple():
            return ";".join(map(spelled, value))
        case float():
            return f"{value:g}"
    return str(value)


def described(cls: type) -> dict[str, str]:
    """Return the docstring below each field of ``cls``."""
    (body,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(body, ast.ClassDef)
    pairs = zip(body.body, body.body[1:], strict=False)
    return {
        field.target.id: text.value.value
        for field, text in pairs
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def setting_rows() -> list[list[str]]:
    """Return what the table of settings should say."""
    defaults, meanings = Settings(), described(settings_module.Settings)
    texts = {name: spelled(getattr(defaults, name)) for name in variables()}
    return [
        [f"`{variable}`", f"`{texts[name]}`" if texts[name] else "", meanings[name]]
        for name, variable in variables().items()
    ]


def test_every_setting_stands_in_the_guide_with_its_default_and_meaning() -> None:
    assert OPERATING.table("variable") == setting_rows()


def test_the_defaults_in_the_guide_are_read_as_the_defaults() -> None:
    told = {variable.strip("`"): default.strip("`") for variable, default, _ in OPERATING.table("variable")}
    assert Settings.from_environ(told) == Settings()
    assert len(told) == len(fields(Settings))


def test_every_metric_stands_in_the_guide_with_its_type_and_labels() -> None:
    exposition = Exposition()
    metrics = [value for value in vars(exposition).values() if isinstance(value, MetricWrapperBase)]
    labels = {metric._name: metric._labelnames for metric in metrics}  # noqa: SLF001 - told nowhere else
    told = [
        [
            f"`{family.name}{'_total' if family.type == 'counter' else ''}`",
            family.type,
            ", ".join(f"`{label}`" for label in labels[family.name]),
            family.documentation,
        ]
        for family in exposition.registry.collect()
    ]
    assert OPERATING.table("metric") == told


def test_every_filter_stands_in_the_guide_in_its_order() -> None:
    assert [row[0] for row in DECIDING.table("filter")] == [type(plugin).__name__ for plugin in FILTERS]


def test_every_score_stands_in_the_guide_in_its_order() -> None:
    scores = (*CONTRACT, STABILITY, *HOUSEKEEPING)
    assert [row[0] for row in DECIDING.table("term")] == [f"`{plugin.name}`" for plugin in scores]


def kept_for_later() -> set[str]:
    """Return the reasons that the guide says no condition carries."""
    section = CONDITIONS.prose.partition("## Kept for a later release")[2]
    return set(re.findall(r"^- `(\w+)`$", section, re.MULTILINE))


def test_every_reason_that_can_be_reported_has_a_heading_in_troubleshooting() -> None:
    assert set(Reason) - kept_for_later() == {heading for heading in TROUBLESHOOTING.headings if heading in set(Reason)}


def test_every_heading_of_troubleshooting_that_looks_like_a_reason_is_one() -> None:
    looks = {heading for heading in TROUBLESHOOTING.headings if re.fullmatch(r"([A-Z][a-z]+){2,}", heading)}
    assert looks <= set(Reason)


def test_every_reason_that_no_code_uses_is_kept_for_later() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "operator/aif").rglob("*.py"))
    unused = {reason.value for reason in Reason if f"Reason.{reason.name}" not in code}
    assert unused <= kept_for_later()


def test_no_reason_that_code_uses_is_kept_for_later() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "operator/aif").rglob("*.py"))
    given = re.sub(r"frozenset\(\{[^}]*\}\)", "", code)  # what is asked for, and not given, is no use of it
    assert {reason.value for reason in Reason if f"Reason.{reason.name}" in given} & kept_for_later() == set()


def test_every_heading_of_a_reason_is_followed_by_what_to_do() -> None:
    sections = re.split(r"^#+ ", TROUBLESHOOTING.prose, flags=re.MULTILINE)
    told = {title: text.split() for title, _, text in (section.partition("\n") for section in sections)}
    fewest = 2
    assert [reason for reason in set(Reason) & told.keys() if len(told[reason]) < fewest] == []


def test_reasons_are_listed_in_the_order_of_their_precedence() -> None:
    listed = [word for _, reasons in CONDITIONS.table("group") for word in re.findall(r"`(\w+)`", reasons)]
    assert listed == [reason for reason in Reason if reason not in kept_for_later()]


def test_every_condition_stands_in_the_reference() -> None:
    node = a_compute_node()
    table = NodeTable.build([node], {"worker-gnb-7": a_node()}, [], Ledger())
    placed = aiservice.reconcile(an_aiservice(), Snapshot(table=table), NOON).status
    judged = computenode.judge(node, NodeSnapshot(a_node(), "gnb-7", Held()), NOON)
    assert placed is not None
    seen = {condition.type for condition in (*placed.conditions, *judged.conditions)}
    named = {word for row in re.findall(r"^\| (`.+?) \|", CONDITIONS.prose, re.MULTILINE) for word in row.split("`")}
    assert seen <= named


@each_document
def test_every_link_within_the_project_leads_somewhere(document: Document) -> None:
    dead = [link for link in document.links if not re.match(r"https?://|mailto:", link) and not leads(document, link)]
    assert dead == []


def leads(document: Document, link: str) -> bool:
    """Tell whether a link leads to a file of the project, and there to a heading where it names one."""
    name, _, anchor = link.partition("#")
    target = (document.path.parent / name).resolve() if name else document.path
    if not target.exists() or ROOT not in target.parents:
        return False
    return not anchor or anchor in Document(target.relative_to(ROOT).as_posix()).anchors


@pytest.mark.parametrize("document", GUIDES, ids=lambda document: document.name)
def test_files_that_a_guide_names_exist(document: Document) -> None:
    top = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    named = [code for code in document.code if re.fullmatch(rf"({top})/[\w./-]*", code)]
    assert [code for code in named if not (ROOT / code).exists()] == []


@each_document
def test_no_document_names_a_path_of_some_machine(document: Document) -> None:
    assert re.findall(r"(?<![\w.:/-])/(?:home|root|tmp|work|Users|private)/\S+", document.text) == []


@pytest.mark.parametrize("document", GUIDES, ids=lambda document: document.name)
def test_every_verb_of_make_that_a_guide_names_exists(document: Document) -> None:
    verbs = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {verb for command in document.commands() for verb in re.findall(r"(?:^|&& )make ([a-z][\w-]*)", command)}
    assert named <= verbs


def commands_of_aif() -> Mapping[str, Any]:
    """Return the commands of the program ``aif``, by name; those of a group by both, such as ``kpi data``."""
    group: Any = typer.main.get_command(app)
    below = {f"{name} {sub}": command for name, one in group.commands.items() for sub, command in members(one).items()}
    return {**group.commands, **below}


def members(command: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a class of the library behind typer
    """Return the commands of a group; of a command, none."""
    found: Mapping[str, Any] = getattr(command, "commands", {})
    return found


@each_document
def test_every_command_of_aif_that_a_document_names_exists_with_its_options(document: Document) -> None:
    known = commands_of_aif()
    for command in document.commands():
        for name, rest in re.findall(r"(?:^|\||&& |uv run |kubectl )\s*aif ([a-z]\w*)([^|&]*)", command):
            assert name in known, command
            if members(known[name]) and (sub := rest.split()[:1]):
                name = f"{name} {sub[0]}"  # noqa: PLW2901 - the command is that of the group
                assert name in known, command
            options = {option for parameter in known[name].params for option in parameter.opts} | {"--help", "-h"}
            assert set(re.findall(r"(?<=\s)--?[a-z][\w-]*", rest)) <= options, command


@each_document
def test_every_example_of_our_kinds_is_one_that_an_api_server_takes(document: Document) -> None:
    for block in document.blocks:
        if block.language.startswith("yaml"):
            for body in yaml.safe_load_all(block.body):
                assert faults(document, block, body) == []


def faults(document: Document, block: Block, body: dict[str, Any]) -> list[str]:
    """Return what is wrong with an example; a partial one is judged beside the fields that the operator applies."""
    kind = next((kind for kind in KINDS if body.get("apiVersion") == API_VERSION and kind.name == body["kind"]), None)
    if kind is None:
        return []
    if block.language == "yaml partial":
        whole = registered(a_node(body["metadata"]["name"], labels={TIER_LABEL: "RAN"}))
        body = {**body, "spec": {**whole["spec"], **body["spec"]}}
    return list(map(str, problems(Manifest(document.name, 1, body), kind)))


def test_transcripts_are_what_the_commands_print() -> None:
    script = ROOT / "tools" / "transcripts.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_document
def test_python_in_a_document_prints_what_the_document_says(document: Document) -> None:
    assert doctest.testfile(str(document.path), module_relative=False).failed == 0


def test_the_picture_shows_the_network_of_the_samples() -> None:
    manifests = yaml.safe_load_all((ROOT / "manifests/samples/network.yaml").read_text(encoding="utf-8"))
    nodes = {manifest["metadata"]["name"] for manifest in manifests}
    picture = ET.parse(ROOT / "docs/images/overview.svg")  # noqa: S314 - our own file
    drawn = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert nodes <= drawn


def test_every_guide_is_listed_in_the_index() -> None:
    index = Document("docs/README.md")
    guides = {document.path for document in GUIDES if document.path.is_relative_to(DOCS)} - {index.path}
    assert guides - {(index.path.parent / link).resolve() for link in index.links} == set()


def test_every_decision_has_a_number_of_its_own_which_its_title_repeats() -> None:
    titles = {path.name[:4]: Document(path.relative_to(ROOT).as_posix()).headings for path in DECISIONS}
    assert len(titles) == len(DECISIONS)
    assert [number for number, headings in titles.items() if not headings[0].startswith(f"{number} ")] == []


def test_the_readme_shows_the_steps_that_the_demo_takes() -> None:
    told = re.findall(r"^\[\d+/\d+\] (.+?) \(usually (.+?)\)$", Document("README.md").text, re.MULTILINE)
    steps = (up.CRDS, up.NODES, up.MEASURING, up.OPERATOR, up.NETWORK, up.SERVICES, *breach.STEPS)
    assert told == [(step.title, step.usually) for step in steps]


def test_every_resource_that_the_operator_has_rights_on_stands_in_the_guide() -> None:
    told = " ".join(cell for row in OPERATING.table("right") for cell in row).lower()
    rules = yaml.safe_load_all((ROOT / "manifests/base/rbac.yaml").read_text(encoding="utf-8"))
    granted = {resource for role in rules for rule in role.get("rules", []) for resource in rule["resources"]}
    assert {word for word in "/".join(granted).split("/") if word.removesuffix("s") not in told} == set()
