"""Figures of merit of training, centralised and distributed ([6GANA] section 5).

Centralised: all users send their raw samples once, the network trains. Distributed: in every round each user gets the
model, trains it on its own samples, and sends it back; aggregation and update are neglected.
"""

from __future__ import annotations

from dataclasses import dataclass

from aif.errors import InvalidSpec
from aif.planning.checks import count, positive
from aif.planning.energy import emission
from aif.planning.kpi.inference import Channel, Platform


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What is trained on what.

    Attributes:
        parameters: Parameters that are updated, and so sent.
        bits_per_parameter: Bits of each.
        flops_per_sample: O1, forward and backward.
        input_bits: D0, raw input of a sample.
        samples: N_sample, of all users together.
        samples_per_user: N1.
        rounds: M_g, global rounds.
        epochs_per_round: Passes over the samples in a round.
        users_per_round: K.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """

    parameters: float
    bits_per_parameter: float
    flops_per_sample: float
    input_bits: float
    samples: float
    samples_per_user: float
    rounds: int
    epochs_per_round: float = 1
    users_per_round: int = 1

    def __post_init__(self) -> None:
        positive("model.parameters", self.parameters)
        positive("model.bitsPerParameter", self.bits_per_parameter)
        positive("model.flopPerSample", self.flops_per_sample)
        positive("model.inputBits", self.input_bits)
        count("data.samples", self.samples)
        count("data.samplesPerUser", self.samples_per_user)
        count("rounds", self.rounds)
        positive("epochsPerRound", self.epochs_per_round)
        count("usersPerRound", self.users_per_round)
        if self.samples_per_user > self.samples:
            raise InvalidSpec("data.samplesPerUser", f"must not exceed data.samples, {self.samples:g}")

    @property
    def model_bits(self) -> float:
        """Return D_m, parameters times the bits of each."""
        return self.parameters * self.bits_per_parameter


@dataclass(frozen=True, slots=True)
class RoundKpi:
    """What a round takes.

    Attributes:
        compute_seconds: T_comp.
        communication_seconds: T_comm; of centralised training its share of the one transfer of the samples.
        compute_joules: E_comp.
        communication_joules: E_comm, shared out likewise.
    """

    compute_seconds: float
    communication_seconds: float
    compute_joules: float
    communication_joules: float

    @property
    def seconds(self) -> float:
        """Return T_comp + T_comm."""
        return self.compute_seconds + self.communication_seconds

    @property
    def joules(self) -> float:
        """Return E_comp + E_comm."""
        return self.compute_joules + self.communication_joules


@dataclass(frozen=True, slots=True)
class TrainingKpi:
    """What a training takes.

    Attributes:
        sample_seconds: O1/F, one pass of one sample.
        sample_joules: O1/EE.
        per_round: A round.
        seconds: T, all rounds.
        joules: E, all rounds.
        carbon_grams: CO2e = E·ECR.
        sample_bits_per_joule: D0 ÷ energy of one sample.
        bits_per_joule: EE = D0·N_sample/E.
    """

    sample_seconds: float
    sample_joules: float
    per_round: RoundKpi
    seconds: float
    joules: float
    carbon_grams: float
    sample_bits_per_joule: float
    bits_per_joule: float


def centralised(work: TrainingWork, network: Platform, uplink: Channel, kg_per_kwh: float = 0.0) -> TrainingKpi:
    """Return the figures of training in the network ([6GANA] section 5).

    T = (D·N1)/R + (O1/F_NET)·N_sample·M_epoch, E_comm = D·N_sample/EE_comm, E_comp = O1·N_sample·M_epoch/EE_NET, with
    D = D0 and M_epoch = rounds · passes per round. Users send at the same time, so N1 samples bound the time.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """
    share = 1.0 / work.rounds
    passes = work.samples * work.epochs_per_round
    per_round = RoundKpi(
        compute_seconds=float(network.seconds(work.flops_per_sample)) * passes,
        communication_seconds=float(uplink.seconds(work.input_bits)) * work.samples_per_user * share,
        compute_joules=float(network.joules(work.flops_per_sample)) * passes,
        communication_joules=float(uplink.joules(work.input_bits)) * work.samples * share,
    )
    return _whole(work, network, per_round, kg_per_kwh)


def distributed(
    work: TrainingWork, user: Platform, downlink: Channel, uplink: Channel, link: Channel, kg_per_kwh: float = 0.0
) -> TrainingKpi:
    """Return the figures of training at the users ([6GANA] section 5).

    T = (T_comm + T_comp)·M_g, T_comm = D_m/R_d + D_m/R_u, T_comp = (O1/F_UE)·N1·M_epoch;
    E = (E_comm + E_comp)·M_g, E_comm = (D_m/EE_comm)·K, E_comp = (O1/EE_UE)·N_sample·M_epoch.
    The energy counts the model once per user and round, as the report does, and takes all samples whatever K is.

    Args:
        work: What is trained on what.
        user: The platform of each user.
        downlink: R_d.
        uplink: R_u.
        link: R of EE_comm = R/P_comm.
        kg_per_kwh: ECR.

    Raises:
        InvalidSpec: A figure is out of bounds.
    """
    per_round = RoundKpi(
        compute_seconds=float(user.seconds(work.flops_per_sample)) * work.samples_per_user * work.epochs_per_round,
        communication_seconds=float(downlink.seconds(work.model_bits) + uplink.seconds(work.model_bits)),
        compute_joules=float(user.joules(work.flops_per_sample)) * work.samples * work.epochs_per_round,
        communication_joules=float(link.joules(work.model_bits)) * work.users_per_round,
    )
    return _whole(work, user, per_round, kg_per_kwh)


def _whole(work: TrainingWork, platform: Platform, per_round: RoundKpi, kg_per_kwh: float) -> TrainingKpi:
    joules = per_round.joules * work.rounds
    sample_joules = float(platform.joules(work.flops_per_sample))
    return TrainingKpi(
        sample_seconds=float(platform.seconds(work.flops_per_sample)),
        sample_joules=sample_joules,
        per_round=per_round,
        seconds=per_round.seconds * work.rounds,
        joules=joules,
        carbon_grams=float(emission(joules, kg_per_kwh)),
        sample_bits_per_joule=work.input_bits / sample_joules,
        bits_per_joule=work.input_bits * work.samples / joules,
    )
