# The binary alone, for a user that is not root. Sheets and runs are in /data:
#
#   docker build -t nermbulk .
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" nermbulk check sheet.csv
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# With .git, so that the version is that of the commit.
COPY . .
ARG TARGETOS
ARG TARGETARCH
RUN git config --global --add safe.directory /src \
 && CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -mod=readonly -trimpath -ldflags "-s -w -buildid=" -o /out/nermbulk . \
 && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/nermbulk /usr/local/bin/nermbulk
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
VOLUME /data
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/nermbulk"]
