# The image of the operator, with `--target runtime` that of the inference server, with `--target learner` that of training
# jobs. BASE is a Python image, 3.11 to
# 3.13, that has the module venv; all stages stand on it, so that the environments made in the first work in the last.
# Build the operator's with `make image`.
ARG BASE=python:3.13-slim

FROM ${BASE} AS uv
# Of the machine's Python only; uv brings neither another interpreter nor links into its cache
ENV UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/aif
RUN python3 -m venv /opt/uv && /opt/uv/bin/python -m pip install --no-cache-dir --quiet 'uv>=0.8,<1'
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./

FROM uv AS build-runtime
RUN /opt/uv/bin/uv sync --locked --no-dev --no-install-project --only-group serve --no-cache

FROM ${BASE} AS runtime
LABEL org.opencontainers.image.title="aif-runtime" \
      org.opencontainers.image.description="A small inference server that tells Prometheus how it keeps a contract" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-runtime /opt/aif /opt/aif
COPY operator/aif_runtime /opt/runtime/aif_runtime
ENV PATH=/opt/aif/bin:$PATH \
    PYTHONPATH=/opt/runtime \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /
ENTRYPOINT ["python", "-m", "aif_runtime.roles.server"]

FROM uv AS build-learner
# Groups of pyproject.toml: "federated runtime" brings PyTorch along; which other group does what, docs/learning.md says
ARG LEARNER_GROUPS=federated
RUN /opt/uv/bin/uv sync --locked --no-dev --no-install-project $(printf -- '--only-group %s ' $LEARNER_GROUPS) --no-cache

FROM ${BASE} AS learner
LABEL org.opencontainers.image.title="aif-learner" \
      org.opencontainers.image.description="The roles of training jobs; the operator says which one a pod has" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-learner /opt/aif /opt/aif
COPY operator/aif_runtime /opt/runtime/aif_runtime
ENV PATH=/opt/aif/bin:$PATH \
    PYTHONPATH=/opt/runtime \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /
ENTRYPOINT ["python"]

FROM uv AS build
# First what changes seldom: the locked dependencies are a layer of their own
RUN /opt/uv/bin/uv sync --locked --no-dev --no-install-project --no-cache
COPY operator operator
RUN /opt/uv/bin/uv sync --locked --no-dev --no-editable --no-cache

FROM ${BASE}
LABEL org.opencontainers.image.title="aif-operator" \
      org.opencontainers.image.description="Places AI services on the nodes of a computing-power network" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/aif /opt/aif
ENV PATH=/opt/aif/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# No user of the base image: a number that pod security knows is not root
USER 65532:65532
WORKDIR /
ENTRYPOINT ["python", "-m", "aif"]
