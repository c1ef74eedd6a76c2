# Two targets: `--target cpu` (default) and `--target cuda`. Both install through install.sh, as CI does.
# The image needs no network at run time: models are in it (bundled) or mounted at /models.
FROM python:3.11-slim-bookworm AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libsndfile1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 tingban \
 && install -d -o tingban -g tingban /data /models
WORKDIR /app
COPY pyproject.toml install.sh requirements.txt README.md ./
COPY models ./models
COPY asr ./asr
COPY assist_rules ./assist_rules
COPY server ./server
COPY benchmarks ./benchmarks
COPY web_widget ./web_widget
# XDG_DATA_HOME: users and the store, where settings name no place. Mount a volume there.
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH XDG_DATA_HOME=/data XDG_STATE_HOME=/data
EXPOSE 8765
VOLUME ["/data"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=2)"
ENTRYPOINT ["tingban"]
# Refuses to start until somebody has to sign in: add a user first (deploy/README.md), or use OIDC.
CMD ["serve", "--host", "0.0.0.0"]
STOPSIGNAL SIGTERM

FROM base AS cuda
RUN ./install.sh
USER 10001

FROM base AS cpu
# PyTorch's index of CPU builds goes in here; without it torch brings CUDA along.
ARG TORCH_INDEX_URL=
RUN TORCH_INDEX_URL=$TORCH_INDEX_URL ./install.sh
USER 10001
