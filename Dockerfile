# The app on a CPU. What runs writes to /data alone; the rest may be read-only (compose.yaml does so).
FROM python:3.11-slim-bookworm

ARG DANQING_COMMIT=unknown
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app

# An index with PyTorch's build for CPUs saves gigabytes: PyPI's build carries CUDA.
ARG TORCH_INDEX=
COPY requirements.txt ./
RUN pip install ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} -r requirements.txt

COPY app.py torchvision_guard.py LICENSE ./
COPY datasets_cards ./datasets_cards
COPY pipelines ./pipelines
COPY study ./study
COPY ui ./ui
COPY weights ./weights

RUN groupadd --system --gid 10001 danqing \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data danqing \
    && mkdir -p /data/studies /data/cache /data/temporary \
    && chown -R 10001:10001 /data

ENV DANQING_COMMIT=${DANQING_COMMIT} \
    DANQING_STUDIES=/data/studies \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    GRADIO_TEMP_DIR=/data/temporary \
    HF_HOME=/data/cache/huggingface \
    HOME=/data \
    TMPDIR=/data/temporary \
    XDG_CACHE_HOME=/data/cache

USER 10001:10001
VOLUME /data
EXPOSE 7860

HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=8)"]

CMD ["python", "app.py"]
