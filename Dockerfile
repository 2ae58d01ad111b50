# CPU, no root. The commands of the documentation work in it as they stand, without their "python":
#   docker build -t mmgaitemo .
#   docker run --rm -v "$PWD/work_dirs:/opt/mmgaitemo/work_dirs" mmgaitemo tools/train.py configs/ssal_synthgait.py
# Where the folders are not those of user 1000, add --user "$(id -u):$(id -g)".
FROM python:3.11-slim-bookworm

# What OpenCV, which MMEngine imports, needs of the system.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/mmgaitemo
# PyTorch without CUDA is a tenth of the size. Before the sources, whose changes then do not install it again.
COPY requirements requirements
RUN pip install --no-cache-dir -c requirements/constraints.txt -r requirements/runtime.txt \
    --extra-index-url https://download.pytorch.org/whl/cpu
COPY . .
RUN pip install --no-cache-dir --no-deps -e . \
    && useradd --create-home --uid 1000 walker \
    && install -d -o walker data work_dirs

USER walker
ENV OMP_NUM_THREADS=1
ENTRYPOINT ["python"]
CMD ["tools/train.py", "--help"]
