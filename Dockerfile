# The server, with the PostgreSQL that it runs when it is given none, as a user that owns nothing
# but its data. What it is told by, and how it is run: docs/deployment.md.
#
#     docker build --tag everlog .
#     docker run --rm --publish 127.0.0.1:7420:7420 --env EVERLOG_INSECURE=true everlog

ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1
WORKDIR /src
# What changes seldom comes first: these layers stay for as long as the locks do. Only wheels, as
# there is no compiler, and only those whose hashes are in the locks.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/build && \
    /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt
RUN python -m venv --without-pip /opt/everlog && \
    /opt/build/bin/pip --python /opt/everlog/bin/python install \
        --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY pyproject.toml LICENSE README.md CHANGELOG.md ./
COPY clients/python clients/python
COPY migrations migrations
COPY service service
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /opt/wheels \
        ./clients/python . && \
    /opt/build/bin/pip --python /opt/everlog/bin/python install --no-deps --no-index \
        /opt/wheels/*.whl

FROM python:${PYTHON_VERSION}-slim
# A number, which Kubernetes' runAsNonRoot can check, and a name, which initdb asks for.
RUN groupadd --gid 10001 everlog && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/everlog \
        --shell /usr/sbin/nologin everlog && \
    install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/everlog
COPY --from=build /opt/everlog /opt/everlog
# XDG_DATA_HOME: an embedded PostgreSQL then lies in /var/lib/everlog.
ENV PATH=/opt/everlog/bin:$PATH \
    EVERLOG_HOST=0.0.0.0 \
    EVERLOG_LOG_FORMAT=json \
    XDG_DATA_HOME=/var/lib
USER 10001:10001
WORKDIR /var/lib/everlog
VOLUME /var/lib/everlog
EXPOSE 7420
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["everlog", "health"]
ENTRYPOINT ["everlog"]
CMD ["serve"]
