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

{{/* The releases in this namespace whose labels contain ours, or ours theirs: some pods would ask both. */}}
{{- define "doorkeeper.rivals" -}}
{{- $mine := .Values.injector.matchLabels -}}
{{- $rivals := list -}}
{{- if and .Values.injector.enabled $mine (include "doorkeeper.policyApiVersion" .) -}}
{{- $bindings := lookup (include "doorkeeper.policyApiVersion" .) "MutatingAdmissionPolicyBinding" "" "" -}}
{{- range ($bindings | default dict).items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $release := get $labels "app.kubernetes.io/instance" -}}
{{- $theirs := dig "spec" "matchResources" "objectSelector" "matchLabels" dict . -}}
{{- $namespace := dig "spec" "matchResources" "namespaceSelector" "matchLabels" dict . | values | first -}}
{{- $of := and (eq (get $labels "app.kubernetes.io/part-of") "doorkeeper") (eq (toString $namespace) $.Release.Namespace) -}}
{{- if and $of (ne $release $.Release.Name) -}}
{{- $both := merge (deepCopy $mine) $theirs -}}
{{- $agree := eq (toJson $both) (toJson (merge (deepCopy $theirs) $mine)) -}}
{{- if and $agree (has (len $both) (list (len $mine) (len $theirs))) -}}
{{- $rivals = append $rivals $release -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $rivals | toYaml -}}
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
{{- $volumes := prepend (.Values.extraVolumes | default list) (include "doorkeeper-lib.volume" $lib | fromYaml) -}}
{{- $sidecar := include "doorkeeper-lib.sidecar" $lib | fromYaml -}}
(has(object.metadata.annotations) ? [] : [JSONPatch{op: "add", path: "/metadata/annotations", value: {}}])
{{- range $key := keys $annotations | sortAlpha }}
+ [JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey({{ toJson $key }}), value: {{ get $annotations $key | toString | toJson }}}]
{{- end }}
+ (has(object.spec.volumes) ? [] : [JSONPatch{op: "add", path: "/spec/volumes", value: []}])
{{- range $volumes }}
+ [JSONPatch{op: "add", path: "/spec/volumes/-", value: {{ include "doorkeeper-lib.cel" . }}}]
{{- end }}
{{- with .Values.image.pullSecrets }}
+ (has(object.spec.imagePullSecrets) ? [] : [JSONPatch{op: "add", path: "/spec/imagePullSecrets", value: []}])
{{- range . }}
{{- $name := toJson .name }}
+ (object.spec.?imagePullSecrets.orValue([]).exists(s, s.name == {{ $name }}) ? [] : [JSONPatch{op: "add", path: "/spec/imagePullSecrets/-", value: {"name": {{ $name }}}}])
{{- end }}
{{- end }}
+ (has(object.spec.initContainers) ? [] : [JSONPatch{op: "add", path: "/spec/initContainers", value: []}])
+ [JSONPatch{op: "add", path: "/spec/initContainers/0", value: {{ include "doorkeeper-lib.cel" $sidecar }}}]
{{- end }}
