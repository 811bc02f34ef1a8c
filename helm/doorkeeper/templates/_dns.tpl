{{/* The names of a Service: (list $ name). */}}
{{- define "doorkeeper.serviceNames" -}}
{{- $root := index . 0 -}}
{{- $base := printf "%s.%s" (index . 1) $root.Release.Namespace -}}
{{- list (index . 1) $base (printf "%s.svc" $base) (printf "%s.svc.%s" $base $root.Values.broker.clusterDomain) | toYaml -}}
{{- end }}

{{/*
The names that clients verify: those of the brokers' pods, below their headless Services, those that a gateway tells for
brokers, and those of our own Services.
*/}}
{{- define "doorkeeper.dnsNames" -}}
{{- $values := .Values -}}
{{- $names := $values.tls.certManager.dnsNames | default list -}}
{{- if ne $values.mode "gateway" -}}
{{- range $values.broker.headlessServices -}}
{{- $below := printf "*.%s.%s.svc" . $.Release.Namespace -}}
{{- $names = concat $names (list $below (printf "%s.%s" $below $values.broker.clusterDomain)) -}}
{{- end -}}
{{- end -}}
{{- range $values.config.listeners -}}
{{- $mapping := .address_mapping | default dict -}}
{{- with $mapping.advertised_host }}{{ $names = append $names . }}{{ end -}}
{{- with $mapping.bootstrap_names }}{{ $names = concat $names . }}{{ end -}}
{{- if $mapping.advertised_pattern -}}
{{- range include "doorkeeper-lib.nodeIds" $mapping.node_ids | fromYamlArray -}}
{{- $names = append $names ($mapping.advertised_pattern | replace "{node_id}" (toString .) | regexFind "^[^:]+") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $values.services.bootstrap.enabled -}}
{{- $names = concat $names (include "doorkeeper.serviceNames" (list $ (include "doorkeeper.bootstrapService" .)) | fromYamlArray) -}}
{{- end -}}
{{- if $values.services.perBroker.enabled -}}
{{- range $values.services.perBroker.names -}}
{{- $names = concat $names (include "doorkeeper.serviceNames" (list $ (printf "%s-%s" (include "doorkeeper.fullname" $) .)) | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- uniq $names | toYaml -}}
{{- end }}
