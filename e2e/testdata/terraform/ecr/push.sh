# push.sh URL TAG: pushes an image of one layer with curl, as a client of the
# registry does. The password comes in PASSWORD and not in the arguments.
set -eu
host=${1%%/*} name=${1#*/}
api() { printf 'user = "AWS:%s"\n' "$PASSWORD" | curl -sS --fail -K - "$@"; }
blob() { # content → digest
	digest=sha256:$(printf %s "$1" | sha256sum | cut -d' ' -f1)
	location=$(api -o /dev/null -D - -X POST "http://$host/v2/$name/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
	case $location in /*) location=http://$host$location ;; esac
	api -X PUT -H 'Content-Type: application/octet-stream' --data-binary "$1" "$location&digest=$digest"
	echo "$digest"
}
type=application/vnd.oci.image
printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"%s","size":2},"layers":[{"mediaType":"%s.layer.v1.tar","digest":"%s","size":5}]}' \
	$type $type "$(blob '{}')" $type "$(blob hello)" |
	{ manifest=$(cat); api -X PUT -H "Content-Type: $type.manifest.v1+json" --data-binary "$manifest" "http://$host/v2/$name/manifests/$2"; }
