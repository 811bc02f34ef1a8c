{{/*
Every template of this chart takes one dictionary:

  values     image, config, acls, tls, resources, ... as in the values of the chart `doorkeeper`; what is absent has the
             default of `doorkeeper-lib.defaults`
  version    the image's tag where the values name neither tag nor digest
  configMap  the ConfigMap with the key doorkeeper.yaml
  aclMap     the ConfigMap with the bindings
  tlsSecret  the Secret with the certificate, where values.tls.existingSecret does not name one
*/}}

{{- define "doorkeeper-lib.defaults" -}}
image:
  registry: ""
  repository: ""
  tag: ""
  digest: ""
  pullPolicy: IfNotPresent
config: {}
acls:
  existingConfigMap: ""
  key: acls.yaml
tls:
  existingSecret: ""
  certificateKey: tls.crt
  privateKeyKey: tls.key
  clientCa:
    existingSecret: ""
    existingConfigMap: ""
    key: ca.crt
resources:
  requests:
    cpu: 100m
    memory: 64Mi
  limits:
    memory: 512Mi
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
probes:
  startup:
    periodSeconds: 1
    failureThreshold: 60
  liveness:
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  readiness:
    periodSeconds: 5
    timeoutSeconds: 5
    failureThreshold: 3
extraArgs: []
extraEnv: []
extraVolumeMounts: []
{{- end }}

{{/* The caller's values over the defaults. */}}
{{- define "doorkeeper-lib.values" -}}
{{- include "doorkeeper-lib.over" (list (include "doorkeeper-lib.defaults" . | fromYaml) .values) -}}
{{- end }}

{{/* The second of two maps over the first, as Helm lays values over values: unlike with mergeOverwrite, false, 0 and "" count. */}}
{{- define "doorkeeper-lib.over" -}}
{{- $base := deepCopy (index . 0) -}}
{{- range $key, $value := index . 1 -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $base $key)) -}}
{{- $value = include "doorkeeper-lib.over" (list (get $base $key) $value) | fromYaml -}}
{{- end -}}
{{- $_ := set $base $key $value -}}
{{- end -}}
{{- toYaml $base -}}
{{- end }}

{{/* The name of the container and of its volume: by it, injection sees what is there already. */}}
{{- define "doorkeeper-lib.name" -}}doorkeeper{{- end }}

{{/* Where the volume is mounted. */}}
{{- define "doorkeeper-lib.folder" -}}/etc/doorkeeper{{- end }}

{{- define "doorkeeper-lib.noImage" -}}
image.repository is not set: no registry publishes an image of doorkeeper. Build it (make image), push it to a registry of yours, and name it, as --set image.repository=registry.example.com/doorkeeper
{{- end }}

{{- define "doorkeeper-lib.image" -}}
{{- $image := (include "doorkeeper-lib.values" . | fromYaml).image -}}
{{- if not $image.repository -}}
{{- fail (include "doorkeeper-lib.noImage" .) -}}
{{- end -}}
{{- with $image.registry -}}{{ . }}/{{- end -}}
{{- $image.repository -}}
{{- if $image.digest -}}@{{ $image.digest }}{{- else -}}:{{ $image.tag | default .version }}{{- end -}}
{{- end }}

{{/* The container without what makes it a sidecar. */}}
{{- define "doorkeeper-lib.container" -}}
{{- $values := include "doorkeeper-lib.values" . | fromYaml -}}
name: {{ include "doorkeeper-lib.name" . }}
image: {{ include "doorkeeper-lib.image" . | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args:
  - run
  - --config
  - {{ include "doorkeeper-lib.folder" . }}/doorkeeper.yaml
  {{- with $values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- include "doorkeeper-lib.containerPorts" . | trim | nindent 2 }}
{{ include "doorkeeper-lib.probes" . | trim }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
# A container that ends at once says why in `kubectl describe pod`.
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  # The whole folder: what is mounted with subPath never changes while the pod lives.
  - name: {{ include "doorkeeper-lib.name" . }}
    mountPath: {{ include "doorkeeper-lib.folder" . }}
    readOnly: true
  {{- with $values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The container as a native sidecar: an element of initContainers, to be put first. */}}
{{- define "doorkeeper-lib.sidecar" -}}
{{ include "doorkeeper-lib.container" . }}
restartPolicy: Always
{{- end }}

{{/*
The startup probe asks for doorkeeper alone: the broker starts only after it is passed, so one that asked for the broker
would wait forever. Where the kubelet does not reach the admin endpoint, doorkeeper asks itself.
*/}}
{{- define "doorkeeper-lib.probes" -}}
{{- $probes := (include "doorkeeper-lib.values" . | fromYaml).probes -}}
{{- $port := include "doorkeeper-lib.adminPort" . | int -}}
{{- $local := include "doorkeeper-lib.adminIsLocal" . -}}
{{- $path := dict "startup" "/startupz" "liveness" "/livez" "readiness" "/readyz" -}}
{{- $check := dict "startup" "startup" "liveness" "live" "readiness" "ready" -}}
{{- $config := printf "%s/doorkeeper.yaml" (include "doorkeeper-lib.folder" .) -}}
{{- range $name := list "startup" "liveness" "readiness" }}
{{ $name }}Probe:
  {{- $how := dict "httpGet" (dict "path" (get $path $name) "port" $port) }}
  {{- if $local }}
  {{- $how = dict "exec" (dict "command" (list "/doorkeeper" "healthcheck" "--check" (get $check $name) "--config" $config)) }}
  {{- end }}
  {{- include "doorkeeper-lib.over" (list $how (get $probes $name)) | nindent 2 }}
{{- end }}
{{- end }}
