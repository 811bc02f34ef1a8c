{{/* The operations of bindings, in Kafka's words. */}}
{{- define "doorkeeper.operations" -}}
[All, Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit]
{{- end }}

{{/* What no schema can say: values that contradict each other. All of it at once. */}}
{{- define "doorkeeper.validate" -}}
{{- $lib := include "doorkeeper.lib" . | fromYaml -}}
{{- $values := .Values -}}
{{- $gateway := eq $values.mode "gateway" -}}
{{- $faults := list -}}
{{- $ports := list (include "doorkeeper-lib.adminPort" $lib) -}}
{{- range include "doorkeeper-lib.clientPorts" $lib | fromYamlArray -}}
{{- $ports = append $ports (toString .) -}}
{{- end -}}

{{- if not $values.image.repository -}}
{{- $faults = append $faults (include "doorkeeper-lib.noImage" .) -}}
{{- end -}}

{{- range $port := uniq $ports -}}
{{- if ne (len (without $ports $port)) (sub (len $ports) 1 | int) -}}
{{- $faults = append $faults (printf "config: port %v is used twice: each listener and admin.bind need one of their own" $port) -}}
{{- end -}}
{{- if and (not $gateway) (has $port (toStrings $values.broker.ports)) -}}
{{- $free := list "9443" "9543" "9643" "19443" -}}
{{- range $taken := concat $ports (toStrings $values.broker.ports) -}}
{{- $free = without $free $taken -}}
{{- end -}}
{{- $example := empty $free | ternary "" (printf ", such as %s" (first $free)) -}}
{{- $faults = append $faults (printf "config: port %v is one of broker.ports: broker and doorkeeper share the pod's ports, give doorkeeper another one%s" $port $example) -}}
{{- end -}}
{{- end -}}

{{- $usesTls := include "doorkeeper-lib.usesTls" $lib -}}
{{- $certManager := $values.tls.certManager -}}
{{- if and $values.tls.existingSecret $certManager.enabled -}}
{{- $faults = append $faults "tls: existingSecret and certManager.enabled exclude each other: either the Secret is yours or cert-manager makes it" -}}
{{- else if and $usesTls (not $values.tls.existingSecret) (not $certManager.enabled) -}}
{{- $faults = append $faults "tls: there is no certificate: name a Secret in tls.existingSecret, or let cert-manager make one with tls.certManager.enabled" -}}
{{- end -}}
{{- if and $certManager.enabled (not $certManager.issuerRef.name) -}}
{{- $faults = append $faults "tls.certManager.issuerRef.name is not set: name the Issuer or ClusterIssuer that signs the brokers' certificate" -}}
{{- end -}}
{{- if and $certManager.enabled (not (include "doorkeeper.dnsNames" . | fromYamlArray)) -}}
{{- $faults = append $faults "tls.certManager: the certificate would have no name: set broker.headlessServices, services.bootstrap.enabled or tls.certManager.dnsNames" -}}
{{- end -}}
{{- if and $values.tls.clientCa.existingSecret $values.tls.clientCa.existingConfigMap -}}
{{- $faults = append $faults "tls.clientCa: existingSecret and existingConfigMap exclude each other" -}}
{{- end -}}
{{- if and $values.acls.bindings $values.acls.existingConfigMap -}}
{{- $faults = append $faults "acls: bindings and existingConfigMap exclude each other: write the bindings in one place" -}}
{{- end -}}
{{- if and (not (include "doorkeeper-lib.usesAcls" $lib)) (or $values.acls.bindings $values.acls.existingConfigMap) -}}
{{- $faults = append $faults "acls: config.authorization.acls says where the bindings are, so that those of the chart would not be used: leave one of them out" -}}
{{- end -}}
{{- if gt (len (toYaml $values.acls.bindings)) 1000000 -}}
{{- $faults = append $faults "acls.bindings: more than a ConfigMap can hold, which is 1 MiB: join bindings with prefixed patterns, or mount a file with extraVolumes and name it in config.authorization.acls.file" -}}
{{- end -}}

{{- range $i, $binding := $values.acls.bindings -}}
{{- $resources := list -}}
{{- range $key := list "topic" "group" "cluster" "transactional_id" "delegation_token" "user" -}}
{{- if hasKey $binding $key }}{{ $resources = append $resources $key }}{{ end -}}
{{- end -}}
{{- if ne (len $resources) 1 -}}
{{- $faults = append $faults (printf "acls.bindings[%d] names %s: exactly one of topic, group, cluster, transactional_id, delegation_token and user is needed" $i (join " and " $resources | default "no resource")) -}}
{{- end -}}
{{- range $binding.operations -}}
{{- if not (has (lower . | replace "_" "") (include "doorkeeper.operations" $ | lower | fromYamlArray)) -}}
{{- $faults = append $faults (printf "acls.bindings[%d].operations: '%s' is not an operation: it is one of %s" $i . (include "doorkeeper.operations" $ | fromYamlArray | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $memory := dig "limits" "memory" "" ($values.resources | default dict) | toString -}}
{{- $unit := get (dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776) (regexFind "[A-Za-z]*$" $memory) -}}
{{- if and $memory $unit (regexMatch "^[0-9]" $memory) -}}
{{- $bytes := mulf (regexFind "^[0-9.]+([eE][+]?[0-9]+)?" $memory | float64) $unit | int64 -}}
{{- $buffered := dig "limits" "buffered_bytes" 536870912 $values.config | int64 -}}
{{- if gt (mul 2 $buffered) $bytes -}}
{{- $faults = append $faults (printf "config.limits.buffered_bytes: %d is more than half of resources.limits.memory, %s: under load the kernel would end doorkeeper. Lower the one or raise the other" $buffered $memory) -}}
{{- end -}}
{{- end -}}

{{- if and $values.monitoring.podMonitor.enabled $values.monitoring.serviceMonitor.enabled -}}
{{- $faults = append $faults "monitoring: podMonitor and serviceMonitor exclude each other: with both, everything would be counted twice" -}}
{{- end -}}

{{- if and (include "doorkeeper-lib.adminIsLocal" $lib) (or $values.monitoring.podMonitor.enabled $values.monitoring.serviceMonitor.enabled) -}}
{{- $faults = append $faults (printf "config.admin.bind: Prometheus does not reach %s from outside the pod: bind to 0.0.0.0, or leave the monitors out" $values.config.admin.bind) -}}
{{- end -}}
{{- range $values.config.listeners -}}
{{- $nodes := dig "address_mapping" "node_ids" "" . -}}
{{- if and $nodes (not (include "doorkeeper-lib.nodeIds" $nodes | fromYamlArray)) -}}
{{- $faults = append $faults (printf "config.listeners: node_ids of '%s' is '%v', which names no brokers: write ids and ranges of at most 256, such as 0-2, 100-102" .name $nodes) -}}
{{- end -}}
{{- end -}}

{{- if $gateway -}}
{{- if $values.injector.enabled -}}
{{- $faults = append $faults "injector.enabled: a gateway is injected into no pod: use mode sidecar" -}}
{{- end -}}
{{- range $values.config.listeners -}}
{{- if eq (dig "address_mapping" "strategy" "keep_host" .) "keep_host" -}}
{{- $faults = append $faults (printf "config.listeners: address_mapping of '%s' keeps the brokers' hosts, which lead past a gateway: use the strategy port_per_broker, sni or table" .name) -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" .upstream -}}
{{- $faults = append $faults (printf "config.listeners: the upstream of '%s', %s, is the gateway's own pod: name the brokers' bootstrap Service, as kafka.kafka.svc:9092" .name .upstream) -}}
{{- end -}}
{{- end -}}
{{- if dig "shutdown" "hold_until_upstream_closed" false $values.config -}}
{{- $faults = append $faults "config.shutdown.hold_until_upstream_closed: the brokers of a gateway do not end with it, so it would wait in vain: leave it out" -}}
{{- end -}}
{{- $drain := dig "shutdown" "drain_timeout" "20s" $values.config -}}
{{- if regexMatch "^[0-9]+s$" $drain -}}
{{- $needed := add (trimSuffix "s" $drain | int) $values.gateway.preStopSleepSeconds -}}
{{- if le (int $values.gateway.terminationGracePeriodSeconds) (int $needed) -}}
{{- $faults = append $faults (printf "gateway.terminationGracePeriodSeconds: %v s end before preStopSleepSeconds and config.shutdown.drain_timeout, together %d s, are over" $values.gateway.terminationGracePeriodSeconds $needed) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- if and $values.injector.enabled (not $values.injector.matchLabels) -}}
{{- $faults = append $faults (printf "injector.matchLabels is not set: name the labels of the pods that ask for the sidecar, such as doorkeeper/inject: %s" .Release.Name) -}}
{{- end -}}
{{- if and $values.injector.enabled (not (include "doorkeeper.policyApiVersion" .)) -}}
{{- $faults = append $faults "injector.enabled: this cluster has no MutatingAdmissionPolicy, which is stable since Kubernetes 1.36: put the sidecar into the broker's chart instead, as the notes of this chart print it, or name the API's version in injector.apiVersion" -}}
{{- end -}}
{{- range include "doorkeeper.rivals" . | fromYamlArray -}}
{{- $faults = append $faults (printf "injector.matchLabels: the release %s injects into the same pods already, and only one can be in a pod: choose other labels" .) -}}
{{- end -}}
{{- $selecting := list -}}
{{- if $values.services.bootstrap.enabled }}{{ $selecting = append $selecting "services.bootstrap" }}{{ end -}}
{{- if $values.monitoring.podMonitor.enabled }}{{ $selecting = append $selecting "monitoring.podMonitor" }}{{ end -}}
{{- if $values.monitoring.serviceMonitor.enabled }}{{ $selecting = append $selecting "monitoring.serviceMonitor" }}{{ end -}}
{{- if $values.networkPolicy.enabled }}{{ $selecting = append $selecting "networkPolicy" }}{{ end -}}
{{- if and $selecting (not $values.broker.matchLabels) -}}
{{- $faults = append $faults (printf "broker.matchLabels is not set: %s must know the brokers' pods by their labels" (join ", " $selecting)) -}}
{{- end -}}
{{- end -}}
{{- range $port, $_ := $values.services.bootstrap.nodePorts -}}
{{- if not (has $port $ports) -}}
{{- $faults = append $faults (printf "services.bootstrap.nodePorts: %s is no port that clients connect to" $port) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := $values.services.perBroker.nodePorts -}}
{{- if not (has $name $values.services.perBroker.names) -}}
{{- $faults = append $faults (printf "services.perBroker.nodePorts: '%s' is not one of services.perBroker.names" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.services.perBroker.enabled (not $values.services.perBroker.names) -}}
{{- $faults = append $faults "services.perBroker.names is empty: list the brokers that get a Service each" -}}
{{- end -}}

{{- if $values.tls.verifySecrets -}}
{{- $wanted := list -}}
{{- $secret := include "doorkeeper.tlsSecret" . -}}
{{- if and $usesTls $values.tls.existingSecret -}}
{{- $wanted = append $wanted (list "Secret" $secret $values.tls.certificateKey "tls.certificateKey") -}}
{{- $wanted = append $wanted (list "Secret" $secret $values.tls.privateKeyKey "tls.privateKeyKey") -}}
{{- end -}}
{{- if include "doorkeeper-lib.usesClientCa" $lib -}}
{{- with $values.tls.clientCa -}}
{{- if .existingConfigMap -}}
{{- $wanted = append $wanted (list "ConfigMap" .existingConfigMap .key "tls.clientCa.key") -}}
{{- else if or .existingSecret $values.tls.existingSecret -}}
{{- $wanted = append $wanted (list "Secret" (.existingSecret | default $secret) .key "tls.clientCa.key") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (include "doorkeeper-lib.usesAcls" $lib) $values.acls.existingConfigMap -}}
{{- $wanted = append $wanted (list "ConfigMap" $values.acls.existingConfigMap $values.acls.key "acls.key") -}}
{{- end -}}
{{- range $wanted -}}
{{- $found := lookup "v1" (index . 0) $.Release.Namespace (index . 1) -}}
{{- if and $found (not (hasKey ($found.data | default dict) (index . 2))) -}}
{{- $faults = append $faults (printf "%s %s/%s has no key '%s' but %s: add it, or name another one in %s" (index . 0) $.Release.Namespace (index . 1) (index . 2) (keys ($found.data | default dict) | sortAlpha | join ", " | default "none at all") (index . 3)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- if $faults -}}
{{- fail (printf "\n  - %s" (join "\n  - " $faults)) -}}
{{- end -}}
{{- end }}
