#!/usr/bin/env bash
# The container image, in four steps: build | log-in | push | publish. `make image` builds with it, and buildspec.yml
# runs all four in CodeBuild, so that both make the same image.
#
#   IMAGE_REPOSITORY  where the image goes: <account>.dkr.ecr.<region>.amazonaws.com/<name>; a name alone stays here
#   IMAGE_PARAMETER   the SSM parameter in which runs find the image
#   BASE_IMAGE        another base than the Dockerfile's
#   IMAGE_ENGINE      docker, podman or buildah; else the first of them that answers
#
# A push leaves the image's address, by digest, in image.url.
set -euo pipefail

repository=${IMAGE_REPOSITORY:-mlops-image}
image=$repository:latest
# Its bill of materials, in the image and beside it.
bill_inside=/opt/program/sbom.cdx.json
bill=build/sbom.cdx.json
# A network may have an authority of its own, which the download of packages must trust as this machine does.
certificates=/etc/ssl/certs/ca-certificates.crt

answering_engine() {
  local engine
  for engine in docker podman buildah; do
    # A client may be there without its service.
    if command -v "$engine" > /dev/null && timeout 20 "$engine" info > /dev/null 2>&1; then
      echo "$engine"
      return
    fi
  done
  echo "No image engine answers. Start Docker, or install one that needs no service (on Debian: apt-get install buildah)." >&2
  return 1
}

build() {
  # SageMaker takes a Docker manifest for one platform: no OCI manifest, and no attestation that makes it an index.
  local options=(--platform linux/amd64 --file container/Dockerfile --tag "$image")
  if [ -n "${BASE_IMAGE:-}" ]; then
    options+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
  fi
  if [ "$engine" = docker ]; then
    options+=(--provenance=false)
  else
    # Needs no privileges of the machine's, and has its network.
    options+=(--format docker --isolation chroot --network host --layers=false --force-rm)
    if [ -f "$certificates" ]; then
      options+=(--volume "$certificates:$certificates:ro")
    fi
  fi
  if ! "$engine" build "${options[@]}" .; then
    echo "$engine could not build $image. Where the base cannot be pulled, name another with Python 3.13: BASE_IMAGE=…" >&2
    return 1
  fi
  write_bill
  echo "Built $image with $engine; what is in it: $bill"
}

write_bill() {
  local container
  mkdir -p "$(dirname "$bill")"
  if [ "$engine" = buildah ]; then
    container=$(buildah from "$image")
    buildah run --isolation chroot "$container" cat "$bill_inside" > "$bill"
    buildah rm "$container" > /dev/null
  else
    container=$("$engine" create "$image")
    "$engine" cp "$container:$bill_inside" "$bill"
    "$engine" rm "$container" > /dev/null
  fi
}

log_in() {
  aws ecr get-login-password | "$engine" login --username AWS --password-stdin "${repository%%/*}"
}

push() {
  # What was just pushed, not what `latest` means by now: another build may have moved it.
  if [ "$engine" = docker ]; then
    docker push "$image"
    docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" \
      | grep --fixed-strings --max-count=1 "$repository@sha256:" > image.url
  else
    "$engine" push --digestfile image.url "$image"
    echo "$repository@$(cat image.url)" > image.url
  fi
}

publish() {
  # Last: runs start with this image from here on, pinned by its digest.
  aws ssm put-parameter --name "$IMAGE_PARAMETER" --type String --overwrite --value "$(cat image.url)"
}

case ${1:-} in
  build | log-in | push)
    engine=${IMAGE_ENGINE:-$(answering_engine)}
    "${1//-/_}"
    ;;
  publish) publish ;;
  *)
    echo "usage: build-image.sh build | log-in | push | publish" >&2
    exit 2
    ;;
esac
