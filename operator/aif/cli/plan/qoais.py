"""What `aif plan qoais` does: a contract taken apart, and orchestration schemes compared by it."""

from __future__ import annotations

from math import inf
from typing import Annotated, Any

from pydantic import Field
from rich.console import Group, RenderableType

from aif.api.aiservice import AIService
from aif.api.workload import Variant
from aif.cli.files.profiles import Name, NonNegative, ProfileModel, Share, load
from aif.cli.inputs import load as load_objects
from aif.cli.output import Output, grid, show
from aif.cli.si import share, si
from aif.errors import InvalidInput, InvalidSpec
from aif.planning.qoais.decomposition import Decomposition, Requirement, ResourceQos, Target, decompose
from aif.planning.qoais.indicators import Measure
from aif.planning.qoais.schemes import (
    Comparison,
    Prices,
    Scheme,
    SchemeContract,
    compare,
    goal_agreement,
    robustness,
)

Json = dict[str, Any]

_SIGNS = {"AtLeast": ">=", "AtMost": "<=", "Exactly": "="}


class GoalProfile(ProfileModel):
    """A goal, how much it matters, and whether the loss function covers it."""

    name: Name
    weight: Share
    covered: bool


class SchemeProfile(ProfileModel):
    """An orchestration scheme: its evaluations, its goals, and what it takes."""

    name: Name
    accuracies: Annotated[list[Share], Field(min_length=1)]
    goals: list[GoalProfile] = Field(default_factory=list)
    transfer_bits: NonNegative
    storage_bytes: NonNegative
    flop: NonNegative

    @property
    def scheme(self) -> Scheme:
        """Return what the comparison takes.

        Raises:
            InvalidSpec: The weights of the goals do not sum to 1.
        """
        weights, covered = [goal.weight for goal in self.goals], [goal.covered for goal in self.goals]
        return Scheme(
            name=self.name,
            accuracy=sum(self.accuracies) / len(self.accuracies),
            goal_agreement=goal_agreement(weights, covered) if self.goals else None,
            variance=robustness(self.accuracies),
            transfer_bits=self.transfer_bits,
            storage_bytes=self.storage_bytes,
            flops=self.flop,
        )


class PricesProfile(ProfileModel):
    """What transfer, storage and compute cost, in any one unit."""

    per_transfer_bit: NonNegative
    per_storage_byte: NonNegative
    per_flop: NonNegative


class ContractProfile(ProfileModel):
    """What a scheme must reach beside the accuracy that the service asks for."""

    min_goal_agreement: Share = 0.0
    max_robustness_variance: NonNegative | None = None
    max_transfer_bits: NonNegative | None = None
    max_storage_bytes: NonNegative | None = None
    max_flop: NonNegative | None = None


class SchemesProfile(ProfileModel):
    """Schemes to compare."""

    schemes: Annotated[list[SchemeProfile], Field(min_length=1)]
    prices: PricesProfile
    contract: ContractProfile = ContractProfile()

    def model_post_init(self, context: object, /) -> None:
        """Refuse weights that do not sum to 1, with the scheme that they belong to."""
        del context
        for index, one in enumerate(self.schemes):
            try:
                _ = one.scheme
            except InvalidSpec as error:
                raise InvalidSpec(f"schemes[{index}].goals", f"weights {error.reason}") from error


def run(path: str, variant: str, schemes: str, output: Output) -> None:
    """Print the QoAIS of the service in ``path``, and the comparison of the schemes in ``schemes`` where that is given.

    Raises:
        InvalidInput: A file cannot be read or breaks a rule, or holds no single service, or the variant is not there.
    """
    service = _service(path)
    chosen = _variant(service, variant)
    compared = _compared(load(schemes, SchemesProfile), service) if schemes else None
    structure = of_service(service, decompose(service, chosen), chosen) | (
        {} if compared is None else {"schemes": _of_comparison(compared)}
    )
    show(structure, output, lambda _: view(structure))


def of_service(service: AIService, found: Decomposition, variant: Variant) -> Json:
    """Return the decomposition as JSON has it."""
    return {
        "service": service.metadata.name,
        "class": None if found.service_class is None else found.service_class.value,
        "variant": variant.name,
        "indicators": [_of_requirement(one) for one in found.requirements],
        "resources": [_of_resource(one) for one in found.resources],
    }


def view(structure: Json) -> RenderableType:
    """Return indicators, resources, and schemes where they were compared, as tables."""
    indicators = grid("DIMENSION", "INDICATOR", "MEASURE", "ASKED", "ENFORCED", "PER REQUEST")
    for one in structure["indicators"]:
        demand = "-" if one["demand"] is None else si(one["demand"], one["demandUnit"])
        indicators.add_row(
            one["dimension"], one["indicator"], one["measure"], _asked(one), one["enforcement"] or "-", demand
        )
    resources = grid("RESOURCE", "INDICATOR", "MEASURE", "ASKED", "ENFORCED", "FROM")
    for one in structure["resources"]:
        asked = _asked(one) + ("" if one["attainable"] else " (cannot be reached)")
        resources.add_row(
            one["resource"], one["indicator"], one["measure"], asked, one["enforcement"] or "-", one["from"]
        )
    title = f"{structure['service']} ({structure['class'] or 'no class of QoAIS'}, variant {structure['variant']})"
    return Group(title, "", indicators, "", resources, *_schemes(structure))


def _schemes(structure: Json) -> list[RenderableType]:
    if "schemes" not in structure:
        return []
    table = grid("SCHEME", "COST", "ACCURACY", "GOALS", "VARIANCE", "MISSES")
    for one in structure["schemes"]["compared"]:
        misses = ", ".join(miss["indicator"] for miss in one["misses"]) or "-"
        goals, variance = one["goalAgreement"], one["robustnessVariance"]
        table.add_row(
            one["name"],
            f"{one['cost']:.4g}",
            share(one["accuracy"]),
            "-" if goals is None else f"{goals:.3g}",
            "-" if variance is None else f"{variance:.3g}",
            misses,
        )
    chosen = structure["schemes"]["chosen"]
    line = f"Taken: {chosen}, the cheapest that meets the contract" if chosen else "No scheme meets the contract"
    return ["", table, "", line]


def _asked(one: Json) -> str:
    target = one["target"]
    if target is None:
        return "-"
    if isinstance(target, str):
        return f"{_SIGNS[one['bound']]} {target}"
    return f"{_SIGNS[one['bound']]} {si(target, one['unit']) if one['unit'] else f'{target:.6g}'}"


def _of_target(target: Target | None) -> Json:
    if target is None:
        return {"bound": None, "target": None, "unit": None, "enforcement": None}
    value = str(target.value) if isinstance(target.value, str) else target.value
    return {
        "bound": target.bound,
        "target": value,
        "unit": target.unit or None,
        "enforcement": str(target.enforcement) or None,
    }


def _of_requirement(one: Requirement) -> Json:
    indicator = one.indicator
    return {
        "dimension": indicator.dimension.value,
        "indicator": indicator.name,
        "measure": indicator.measure.value,
        **_of_target(one.target if indicator.measure is not Measure.NONE else None),
        "demand": one.demand,
        "demandUnit": one.demand_unit or None,
    }


def _of_resource(one: ResourceQos) -> Json:
    return {
        "resource": one.resource.value,
        "indicator": one.name,
        "measure": one.measure.value,
        **_of_target(one.target),
        "from": one.origin,
        "attainable": one.attainable,
    }


def _of_comparison(found: Comparison) -> Json:
    rows = [
        {
            "name": one.scheme.name,
            "cost": one.cost,
            "accuracy": one.scheme.accuracy,
            "goalAgreement": one.scheme.goal_agreement,
            "robustnessVariance": one.scheme.variance,
            "transferBits": one.scheme.transfer_bits,
            "storageBytes": one.scheme.storage_bytes,
            "flop": one.scheme.flops,
            "misses": [
                {"indicator": miss.indicator, "required": miss.required, "available": miss.available}
                for miss in one.misses
            ],
        }
        for one in found.judged
    ]
    return {"chosen": None if found.chosen is None else found.chosen.name, "compared": rows}


def _compared(profile: SchemesProfile, service: AIService) -> Comparison:
    asked, accuracy = profile.contract, service.spec.qos.accuracy
    contract = SchemeContract(
        min_accuracy=0.0 if accuracy is None else accuracy.min_basis_points / 1e4,
        min_goal_agreement=asked.min_goal_agreement,
        max_variance=_or_endless(asked.max_robustness_variance),
        max_transfer_bits=_or_endless(asked.max_transfer_bits),
        max_storage_bytes=_or_endless(asked.max_storage_bytes),
        max_flops=_or_endless(asked.max_flop),
    )
    prices = Prices(profile.prices.per_transfer_bit, profile.prices.per_storage_byte, profile.prices.per_flop)
    return compare([one.scheme for one in profile.schemes], contract, prices)


def _or_endless(limit: float | None) -> float:
    return inf if limit is None else limit


def _service(path: str) -> AIService:
    services = load_objects([path]).services
    if len(services) != 1:
        names = ", ".join(one.metadata.name for one in services) or "none"
        raise InvalidInput(f"{path}: must hold one AIService, found {names}; give a file with the one to plan for")
    return services[0]


def _variant(service: AIService, name: str) -> Variant:
    found = [one for one in service.variants if name in ("", one.name)]
    if not found:
        known = ", ".join(one.name for one in service.variants)
        raise InvalidInput(f"{service.metadata.name} has no variant {name}; there are: {known}")
    return found[0]
