# shellcheck shell=bash
# Downloads the pinned Pulumi CLI and checks it against the checksums of its release.

pulumi_releases="${PULUMI_RELEASES:-https://github.com/pulumi/pulumi/releases/download}"

# The CLI has the version of the SDK that the program uses.
pulumi_pin() {
  sed -n 's/.*"@pulumi\/pulumi": *"\([^"]*\)".*/\1/p' "$root/infra/package.json"
}

pulumi_home() {
  echo "$tools/pulumi@$(pulumi_pin)"
}

# The downloaded CLI, if there is one, has precedence over any other.
prefer_pinned_pulumi() {
  local home
  home="$(pulumi_home)"
  [ ! -d "$home" ] || PATH="$home/pulumi:$PATH"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

pulumi_platform() {
  case "$platform" in
    "Linux x86_64") echo linux-x64 ;;
    "Linux aarch64") echo linux-arm64 ;;
    "Darwin x86_64") echo darwin-x64 ;;
    "Darwin arm64") echo darwin-arm64 ;;
    *) fail 3 "Pulumi has no release for $platform." ;;
  esac
}

download() {
  say "Downloading $1"
  curl --fail --location --silent --show-error --output "$2" "$1" ||
    fail 1 "The download failed: see the message of curl above."
}

fetch_pulumi() {
  local version name home archive sums expected found
  version="$(pulumi_pin)"
  name="pulumi-v$version-$(pulumi_platform).tar.gz"
  home="$(pulumi_home)"
  if [ -d "$home" ]; then
    echo "Pulumi $version is already in $home"
    return 0
  fi
  mkdir -p "$tools"
  partial="$(mktemp -d "$tools/partial.XXXXXX")"
  trap 'rm -rf "$partial"' EXIT
  archive="$partial/$name"
  sums="$partial/checksums.txt"
  download "$pulumi_releases/v$version/pulumi-$version-checksums.txt" "$sums"
  download "$pulumi_releases/v$version/$name" "$archive"
  expected="$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\$/\1/p" "$sums")"
  found="$(sha256 "$archive")"
  [ -n "$expected" ] || fail 1 "The release lists no checksum for $name."
  [ "$found" = "$expected" ] ||
    fail 1 "$name has the SHA-256 checksum $found, but the release lists $expected."
  mkdir "$partial/home"
  tar -xzf "$archive" -C "$partial/home"
  mv "$partial/home" "$home"
  echo "Pulumi $version is in $home; run.sh uses it from now on."
}
