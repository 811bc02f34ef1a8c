{{/* The version of the API that has MutatingAdmissionPolicies; nothing where there is none. */}}
{{- define "doorkeeper.policyApiVersion" -}}
{{- $found := .Values.injector.apiVersion -}}
{{- range $version := list "admissionregistration.k8s.io/v1" "admissionregistration.k8s.io/v1beta1" -}}
{{- if and (not $found) ($.Capabilities.APIVersions.Has (printf "%s/MutatingAdmissionPolicy" $version)) -}}
{{- $found = $version -}}
{{- end -}}
{{- end -}}
{{- if and (not $found) (semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version) -}}
{{- $found = "admissionregistration.k8s.io/v1" -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* The annotation that says which release has injected. */}}
{{- define "doorkeeper.injectedBy" -}}doorkeeper/injected-by{{- end }}

{{/* CEL: whether the pod has a container of that name already, whoever put it there. */}}
{{- define "doorkeeper.hasSidecar" -}}
{{- $name := include "doorkeeper-lib.name" . | toJson -}}
(object.spec.containers.exists(c, c.name == {{ $name }}) || object.spec.?initContainers.orValue([]).exists(c, c.name == {{ $name }}))
{{- end }}

{{/*
CEL: the patches. What they add to must be there first; the sidecar comes before all init containers, so that it runs
when they and the broker start.
*/}}
{{- define "doorkeeper.patches" -}}
{{- $lib := include "doorkeeper.lib" . | fromYaml -}}
{{- $annotations := dict (include "doorkeeper.injectedBy" .) .Release.Name -}}
{{- range $key, $value := .Values.injector.podAnnotations -}}
{{- $_ := set $annotations $key $value -}}
{{- end -}}
{{- $volumes := prepend .Values.extraVolumes (include "doorkeeper-lib.volume" $lib | fromYaml) -}}
{{- $sidecar := include "doorkeeper-lib.sidecar" $lib | fromYaml -}}
(has(object.metadata.annotations) ? [] : [JSONPatch{op: "add", path: "/metadata/annotations", value: {}}])
{{- range $key := keys $annotations | sortAlpha }}
+ [JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey({{ toJson $key }}), value: {{ get $annotations $key | toString | toJson }}}]
{{- end }}
+ (has(object.spec.volumes) ? [] : [JSONPatch{op: "add", path: "/spec/volumes", value: []}])
{{- range $volumes }}
+ [JSONPatch{op: "add", path: "/spec/volumes/-", value: {{ include "doorkeeper-lib.cel" . }}}]
{{- end }}
+ (has(object.spec.initContainers) ? [] : [JSONPatch{op: "add", path: "/spec/initContainers", value: []}])
+ [JSONPatch{op: "add", path: "/spec/initContainers/0", value: {{ include "doorkeeper-lib.cel" $sidecar }}}]
{{- end }}
