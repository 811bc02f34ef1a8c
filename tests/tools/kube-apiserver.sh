#!/usr/bin/env bash
# Builds Kubernetes' API server from its Go modules, for the tests of the charts: target/tools/kube-apiserver, and beside it
# in crds/ the resources of cert-manager and the Prometheus operator. Needs Go; takes some minutes and about 5 GB of build
# cache. The tests also want an `etcd` (Debian: etcd-server).
set -euo pipefail
version=${KUBERNETES_VERSION:-v1.36.0}
cd "$(dirname "$0")/../.."
mkdir -p target/tools/crds
out=$(realpath target/tools)/kube-apiserver
command -v go >/dev/null || { echo "go is missing: install Go, or set KUBE_APISERVER to a kube-apiserver $version"; exit 1; }

module() { GOFLAGS=-mod=mod go mod download -json "$1" | awk -F'"' -v field="$2" '$2 == field {print $4}'; }

operator=$(module github.com/prometheus-operator/prometheus-operator@v0.85.0 Dir)/example/prometheus-operator-crd
certificates=$(module github.com/cert-manager/cert-manager@v1.21.2 Dir)/deploy/crds
for crd in "$operator"/monitoring.coreos.com_{podmonitors,servicemonitors,prometheusrules}.yaml "$certificates"/cert-manager.io_{certificates,issuers}.yaml; do
    install -m 644 "$crd" target/tools/crds/
done
if [ -x "$out" ] && "$out" --version | grep -q -F "$version"; then
    echo "target/tools/kube-apiserver is $version already"
    exit 0
fi

source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cd "$source"
cat >main.go <<'GO'
// Command kube-apiserver is Kubernetes' API server.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
GO
cat >go.mod <<GO
module kube-apiserver

go 1.26.0

require k8s.io/kubernetes $version
GO
# Kubernetes' own go.mod names its libraries by folders of its repository, which a dependant has to replace by their releases.
libraries=$(module "k8s.io/kubernetes@$version" GoMod | xargs awk '$2 == "=>" && $3 ~ /^\.\/staging/ {print $1}
                                                                  $1 == "replace" && $4 ~ /^\.\/staging/ {print $2}')
for library in $libraries; do
    go mod edit -replace "$library=$library@v0.${version#v1.}"
done
minor=${version#v1.}
minor=${minor%%.*}
# Unstamped it calls itself v0.0.0, and helm refuses to install a chart that names a kubeVersion.
stamp="-X k8s.io/component-base/version.gitVersion=$version"
stamp="$stamp -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"
CGO_ENABLED=0 nice -n 19 go build -mod=mod -p "${JOBS:-1}" -trimpath -ldflags "-s -w $stamp" -o "$out.new" .
mv "$out.new" "$out"
"$out" --version
