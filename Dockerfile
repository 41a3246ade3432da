FROM python:3.13-slim AS build
RUN ["python", "-c", "import struct, sys; struct.calcsize('P') == 8 or sys.exit('healthbox needs a 64-bit system (amd64 or arm64): the libraries ship no 32-bit wheels')"]
WORKDIR /src
RUN python -m venv /opt/healthbox
COPY . .
RUN --mount=type=cache,target=/root/.cache /opt/healthbox/bin/pip install --disable-pip-version-check --only-binary=:all: .

FROM python:3.13-slim
COPY --from=build /opt/healthbox /opt/healthbox
COPY --chmod=755 bin/entrypoint /usr/local/bin/healthbox
COPY --chmod=755 bin/healthcheck /usr/local/bin/healthcheck
# 1777: a new volume takes this over, so that any --user can write its first file; the files themselves are 0600
RUN install -d -o 1000 -g 1000 -m 1777 /data
ENV HEALTHBOX_DATA=/data HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
VOLUME /data
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["healthcheck"]
ENTRYPOINT ["healthbox"]
CMD ["serve"]
