{{/* The lists and keys that every template of this file takes for granted; says so where one is missing. */}}
{{- define "doorkeeper-lib.listeners" -}}
{{- $config := .values.config | default dict -}}
{{- if not $config.listeners -}}
{{- fail "config.listeners is empty: give at least one listener with name, bind and upstream" -}}
{{- end -}}
{{- toYaml $config.listeners -}}
{{- end }}

{{/* The port of an address such as 0.0.0.0:9443 or [::]:9443. */}}
{{- define "doorkeeper-lib.portOf" -}}
{{- regexFind "[0-9]+$" . -}}
{{- end }}

{{- define "doorkeeper-lib.adminPort" -}}
{{- $bind := dig "config" "admin" "bind" "" .values -}}
{{- if not $bind -}}
{{- fail "config.admin.bind is not set: the probes of the pod need it, as 0.0.0.0:9901" -}}
{{- end -}}
{{- include "doorkeeper-lib.portOf" $bind -}}
{{- end }}

{{/* The ports that clients connect to, a list of numbers: those of the listeners, and a gateway's for each broker. */}}
{{- define "doorkeeper-lib.clientPorts" -}}
{{- $ports := list -}}
{{- range include "doorkeeper-lib.listeners" . | fromYamlArray -}}
{{- $ports = append $ports (include "doorkeeper-lib.portOf" .bind | int) -}}
{{- $mapping := .address_mapping | default dict -}}
{{- if $mapping.first_broker_port -}}
{{- $nodes := include "doorkeeper-lib.nodeIds" $mapping.node_ids | fromYamlArray -}}
{{- range $node := $nodes -}}
{{- $ports = append $ports (sub (add $mapping.first_broker_port $node) (first $nodes) | int) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports | toYaml -}}
{{- end }}

{{/* The ids in a text such as 0-2, 100-102, ascending; none where doorkeeper would not take it. */}}
{{- define "doorkeeper-lib.nodeIds" -}}
{{- $nodes := list -}}
{{- /* Without leading zeros, which would make a number octal. */ -}}
{{- $text := regexReplaceAll "\\b0+([0-9])" (nospace (toString .)) "${1}" -}}
{{- if regexMatch "^[0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*$" $text -}}
{{- range splitList "," $text -}}
{{- $first := splitList "-" . | first | int -}}
{{- $last := splitList "-" . | last | int -}}
{{- if lt (sub $last $first) 256 -}}
{{- range untilStep $first (add $last 1 | int) 1 -}}
{{- /* With leading zeros, the order of text is that of numbers. */ -}}
{{- $nodes = append $nodes (printf "%09d" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ids := list -}}
{{- range sortAlpha $nodes -}}
{{- $ids = append $ids (regexReplaceAll "^0+(.)" . "${1}" | int) -}}
{{- end -}}
{{- $ids | toYaml -}}
{{- end }}

{{/* Whether only the pod itself reaches the admin endpoint. */}}
{{- define "doorkeeper-lib.adminIsLocal" -}}
{{- if regexMatch "^(127\\.|\\[::1\\])" (dig "config" "admin" "bind" "" .values) -}}true{{- end -}}
{{- end }}

{{- define "doorkeeper-lib.containerPorts" -}}
{{- range include "doorkeeper-lib.clientPorts" . | fromYamlArray }}
- name: {{ include "doorkeeper-lib.portName" . }}
  containerPort: {{ . }}
{{- end }}
- name: {{ include "doorkeeper-lib.adminPortName" . }}
  containerPort: {{ include "doorkeeper-lib.adminPort" . }}
{{- end }}

{{/* Names that no container of the broker's chart has: a monitor finds the port by its name. */}}
{{- define "doorkeeper-lib.portName" -}}dk-{{ . }}{{- end }}
{{- define "doorkeeper-lib.adminPortName" -}}dk-admin{{- end }}

{{/* Whether a listener takes its certificate from the volume. */}}
{{- define "doorkeeper-lib.usesTls" -}}
{{- range include "doorkeeper-lib.listeners" . | fromYamlArray -}}
{{- $tls := .tls | default dict -}}
{{- if not (or $tls.keystore (and $tls.certificate_chain $tls.private_key)) -}}true{{- end -}}
{{- end -}}
{{- with include "doorkeeper-lib.aclTls" . | fromYaml }}{{ if not (and .certificate_chain .private_key) }}true{{ end }}{{ end -}}
{{- end }}

{{/* What doorkeepers show each other where they reach the topic with the bindings through each other. */}}
{{- define "doorkeeper-lib.aclTls" -}}
{{- $acls := dig "config" "authorization" "acls" dict .values | default dict -}}
{{- if hasKey $acls "tls" -}}
{{- merge (dict) ($acls.tls | default dict) (dict "certificate_chain" "tls/tls.crt" "private_key" "tls/tls.key" "server_ca" "tls/ca.crt") | toYaml -}}
{{- end -}}
{{- end }}

{{/* Whether a listener takes the issuers of its clients from the volume. */}}
{{- define "doorkeeper-lib.usesClientCa" -}}
{{- range include "doorkeeper-lib.listeners" . | fromYamlArray -}}
{{- $tls := .tls | default dict -}}
{{- if not (or $tls.client_ca $tls.truststore (eq (toString $tls.client_auth) "none")) -}}true{{- end -}}
{{- end -}}
{{- with include "doorkeeper-lib.aclTls" . | fromYaml }}{{ if eq .server_ca "tls/ca.crt" }}true{{ end }}{{ end -}}
{{- end }}

{{/* Whether the bindings come from the volume: unless the configuration names a file of its own, or a topic. */}}
{{- define "doorkeeper-lib.usesAcls" -}}
{{- $acls := dig "config" "authorization" "acls" dict .values | default dict -}}
{{- if not (or $acls.file $acls.topic) -}}true{{- end -}}
{{- end }}

{{/* doorkeeper.yaml: the values' config, with the names of the volume's files where it names none itself. */}}
{{- define "doorkeeper-lib.config" -}}
{{- $config := deepCopy .values.config -}}
{{- $listeners := list -}}
{{- range include "doorkeeper-lib.listeners" . | fromYamlArray -}}
{{- $own := .tls | default dict -}}
{{- $tls := dict -}}
{{- if not $own.keystore -}}
{{- $tls = dict "certificate_chain" "tls/tls.crt" "private_key" "tls/tls.key" -}}
{{- end -}}
{{- if not (or $own.truststore (eq (toString $own.client_auth) "none")) -}}
{{- $_ := set $tls "client_ca" "tls/ca.crt" -}}
{{- end -}}
{{- range $key, $value := $own -}}
{{- $_ := set $tls $key $value -}}
{{- end -}}
{{- $listeners = append $listeners (set . "tls" $tls) -}}
{{- end -}}
{{- $authorization := $config.authorization | default dict -}}
{{- if include "doorkeeper-lib.usesAcls" . -}}
{{- $_ := set $authorization "acls" (set ($authorization.acls | default dict) "file" "acls.yaml") -}}
{{- end -}}
{{- with include "doorkeeper-lib.aclTls" . | fromYaml -}}
{{- $_ := set $authorization.acls "tls" . -}}
{{- end -}}
{{- $_ := set $config "version" ($config.version | default 1) -}}
{{- $_ := set $config "listeners" $listeners -}}
{{- $_ := set $config "authorization" $authorization -}}
{{- toYaml $config -}}
{{- end }}

{{/* One volume with everything: what belongs together changes together, by one rename of the kubelet's. */}}
{{- define "doorkeeper-lib.volume" -}}
{{- $values := include "doorkeeper-lib.values" . | fromYaml -}}
{{- $tls := $values.tls -}}
{{- $secret := $tls.existingSecret | default .tlsSecret -}}
name: {{ include "doorkeeper-lib.name" . }}
projected:
  # 0444: the pod's fsGroup is the broker's, so doorkeeper's user reads as anybody; only containers that mount this can.
  defaultMode: 292
  sources:
    - configMap:
        name: {{ .configMap }}
        items:
          - key: doorkeeper.yaml
            path: doorkeeper.yaml
    {{- if include "doorkeeper-lib.usesAcls" . }}
    - configMap:
        name: {{ $values.acls.existingConfigMap | default .aclMap }}
        items:
          - key: {{ $values.acls.key }}
            path: acls.yaml
    {{- end }}
    {{- if include "doorkeeper-lib.usesTls" . }}
    - secret:
        name: {{ $secret }}
        items:
          - key: {{ $tls.certificateKey }}
            path: tls/tls.crt
          - key: {{ $tls.privateKeyKey }}
            path: tls/tls.key
    {{- end }}
    {{- if include "doorkeeper-lib.usesClientCa" . }}
    {{- if $tls.clientCa.existingConfigMap }}
    - configMap:
        name: {{ $tls.clientCa.existingConfigMap }}
    {{- else }}
    - secret:
        name: {{ $tls.clientCa.existingSecret | default $secret }}
    {{- end }}
        items:
          - key: {{ $tls.clientCa.key }}
            path: tls/ca.crt
    {{- end }}
{{- end }}
