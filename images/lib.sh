# shellcheck shell=bash disable=SC2154
# Shared by the image builds (sourced, bash). Needs $name, the image to build,
# and $recipe, the hash of what goes into it.
#
# An image carries its recipe's hash as a label, so a second build is one
# `docker image inspect`; and its file system is kept as a tarball, so a new
# engine (an empty data root) imports it instead of building it again.

cache=${SLIPWAY_CACHE:-${HOME:-/root}/.cache/slipway}/images
label=dev.slipway.recipe

say() { echo "images: $*" >&2; }
die() { say "$*"; exit 1; }

# hash_of FILE...: the recipe is the build script itself, for this architecture.
hash_of() { { uname -m; cat "$@"; } | sha256sum | cut -c1-16; }

tarball() { echo "$cache/$(tr '/:' '--' <<<"$name")-$recipe.tar.zst"; }

# up_to_date: the engine has the image, made by this very recipe.
up_to_date() {
	[ -z "${SLIPWAY_REBUILD:-}" ] &&
		[ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$name" 2>/dev/null)" = "$recipe" ]
}

# import_image [--change INSTRUCTION]...: the cached tarball becomes the image.
import_image() {
	zstd -dcq "$(tarball)" |
		docker import --change "LABEL $label=$recipe" "$@" - "$name" >/dev/null
	say "$name is ready ($(docker image inspect -f '{{.Size}}' "$name" | awk '{printf "%.1f MB", $1/1e6}'))"
}

# keep_tarball FILE: into the cache, in one step, in place of older recipes'.
keep_tarball() {
	mkdir -p "$cache"
	zstd -q -f -T0 "$1" -o "$cache/.new-$$"
	rm -f "$cache/$(tr '/:' '--' <<<"$name")"-*.tar.zst
	mv "$cache/.new-$$" "$(tarball)"
}

# need COMMAND PACKAGE: install the Debian package when the command is missing.
need() {
	command -v "$1" >/dev/null && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		say "installing $2"
		export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes NEEDRESTART_SUSPEND=1
		apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$2" >/dev/null
	else
		die "$1 is missing: install the package $2 (apt-get install $2)"
	fi
}
