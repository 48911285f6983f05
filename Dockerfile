# The image of the operator. BASE is a Python image, 3.11 to 3.13, that has the module venv; both stages stand on it, so that
# the environment made in the first works in the second. Build it with `make image`.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# Of the machine's Python only; uv brings neither another interpreter nor links into its cache
ENV UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/aif
RUN python3 -m venv /opt/uv && /opt/uv/bin/python -m pip install --no-cache-dir --quiet 'uv>=0.8,<1'
WORKDIR /src
# First what changes seldom: the locked dependencies are a layer of their own
COPY pyproject.toml uv.lock README.md LICENSE ./
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
