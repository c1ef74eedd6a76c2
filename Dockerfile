# Two targets: `--target cpu` (default) and `--target cuda`. Both install through install.sh, as CI does.
# The image needs no network at run time: models are in it (bundled) or mounted (--asr DIR).
FROM python:3.11-slim-bookworm AS base
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libsndfile1 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 tingban
WORKDIR /app
COPY pyproject.toml install.sh requirements.txt README.md ./
COPY models ./models
COPY asr ./asr
COPY assist_rules ./assist_rules
COPY server ./server
COPY benchmarks ./benchmarks
COPY web_widget ./web_widget
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH

FROM base AS cuda
RUN ./install.sh
USER tingban
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=2)"
ENTRYPOINT ["tingban"]
# Inside a container only this address can be published; publish it to loopback (-p 127.0.0.1:8765:8765)
# or behind something that checks who may see a call: there is no sign-in yet.
CMD ["serve", "--host", "0.0.0.0", "--insecure-bind-anywhere"]

FROM base AS cpu
# PyTorch's index of CPU builds goes in here; without it torch brings CUDA along.
ARG TORCH_INDEX_URL=
RUN TORCH_INDEX_URL=$TORCH_INDEX_URL ./install.sh
USER tingban
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/healthz', timeout=2)"
ENTRYPOINT ["tingban"]
# Inside a container only this address can be published; publish it to loopback (-p 127.0.0.1:8765:8765)
# or behind something that checks who may see a call: there is no sign-in yet.
CMD ["serve", "--host", "0.0.0.0", "--insecure-bind-anywhere"]
