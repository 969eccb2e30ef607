# syntax=docker/dockerfile:1
# Two stages: packages are installed by their hashes in the first, and only the result goes along.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock .
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="dotsync" \
      org.opencontainers.image.description="Keeps people, lists and mappings in step with Dotdigital." \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 dotsync \
    && useradd --uid 10001 --gid dotsync --home-dir /srv/dotsync --no-create-home dotsync \
    && install -d -o dotsync -g dotsync /srv/dotsync /var/lib/dotsync

COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/dotsync
COPY alembic ./alembic
COPY app ./app
# The user who runs it can't write what was compiled: without this, every start compiles it anew.
RUN python -m compileall -q app alembic

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DOTSYNC_HOST=0.0.0.0 \
    DOTSYNC_PORT=8000 \
    DOTSYNC_DATA_DIR=/var/lib/dotsync \
    DOTSYNC_LOG_FORMAT=json

USER 10001:10001
VOLUME /var/lib/dotsync
EXPOSE 8000
# SIGTERM: uvicorn stops taking requests, runs reach their next checkpoint, other replicas go on.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['DOTSYNC_PORT']}/healthz\", timeout=2)"]
CMD ["python", "-m", "app", "serve"]
