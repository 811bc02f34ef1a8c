{{- define "doorkeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough that every suffix of the chart's objects still fits into a label of DNS. */}}
{{- define "doorkeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else -}}
{{- $name := include "doorkeeper.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Objects of the cluster need a name that no other namespace's release has. */}}
{{- define "doorkeeper.clusterName" -}}
{{ include "doorkeeper.fullname" . }}.{{ .Release.Namespace }}
{{- end }}

{{- define "doorkeeper.tlsSecret" -}}
{{- .Values.tls.existingSecret | default (printf "%s-tls" (include "doorkeeper.fullname" .)) -}}
{{- end }}

{{- define "doorkeeper.bootstrapService" -}}
{{ include "doorkeeper.fullname" . }}-bootstrap
{{- end }}

{{- define "doorkeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "doorkeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "doorkeeper.gatewayLabels" -}}
{{ include "doorkeeper.selectorLabels" . }}
app.kubernetes.io/component: gateway
{{- end }}

{{/* The pods in which doorkeeper runs. */}}
{{- define "doorkeeper.podLabels" -}}
{{- if eq .Values.mode "gateway" -}}
{{ include "doorkeeper.gatewayLabels" . }}
{{- else -}}
{{ toYaml .Values.broker.matchLabels }}
{{- end -}}
{{- end }}

{{/* metadata of an object: (list $ name [labels] [annotations] [clusterScoped]) */}}
{{- define "doorkeeper.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := dict -}}
{{- $annotations := deepCopy ($root.Values.commonAnnotations | default dict) -}}
{{- if gt (len .) 2 }}{{ $labels = index . 2 | default dict }}{{ end -}}
{{- if gt (len .) 3 }}{{ $annotations = merge (deepCopy (index . 3 | default dict)) $annotations }}{{ end -}}
{{- $own := include "doorkeeper.selectorLabels" $root | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "doorkeeper" -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
name: {{ index . 1 }}
{{- if not (and (gt (len .) 4) (index . 4)) }}
namespace: {{ $root.Release.Namespace }}
{{- end }}
labels:
  {{- merge $own (deepCopy $labels) (deepCopy ($root.Values.commonLabels | default dict)) | toYaml | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the templates of the library take. */}}
{{- define "doorkeeper.lib" -}}
{{- $fullname := include "doorkeeper.fullname" . -}}
{{- dict "values" .Values "version" .Chart.AppVersion "configMap" (printf "%s-config" $fullname) "aclMap" (printf "%s-acls" $fullname) "tlsSecret" (include "doorkeeper.tlsSecret" .) | toYaml -}}
{{- end }}
