# syntax=docker/dockerfile:1
# Two images: `digitkit` answers, shows the page and makes backups; `proxy` is Caddy with our Caddyfile.
ARG PYTHON=python:3.11-slim-bookworm
ARG CADDY=caddy:2.10-alpine

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/build.txt requirements/app.txt requirements/
RUN python -m venv /opt/digitkit \
 && python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes -r requirements/build.txt \
 && /opt/digitkit/bin/pip install --require-hashes --only-binary=:all: -r requirements/app.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/digitkit/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /opt/digitkit/bin/python -m compileall -q /opt/digitkit/lib

FROM ${PYTHON} AS digitkit
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin digitkit \
 && install --directory --owner=10001 --group=10001 /data /backups
COPY --from=build /opt/digitkit /opt/digitkit
ENV PATH=/opt/digitkit/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DIGITKIT_DATA=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8000
ENTRYPOINT ["digitkit"]
CMD ["serve", "--host", "0.0.0.0"]

FROM ${CADDY} AS proxy
# It listens above 1024, so the file capability goes: with all capabilities dropped it would keep the program from starting.
RUN setcap -r /usr/bin/caddy \
 && install -d -o 10002 -g 10002 /data /config
COPY deploy/Caddyfile /etc/caddy/Caddyfile
USER 10002:10002
EXPOSE 8080 8443
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
