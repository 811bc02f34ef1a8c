{{/*
A value as an expression of CEL, the language of admission policies. dyn() makes maps and lists of mixed types
possible, which CEL's literals are not.
*/}}
{{- define "doorkeeper-lib.cel" -}}
{{- if kindIs "map" . -}}
{{- $value := . -}}
{{- $fields := list -}}
{{- range keys . | sortAlpha -}}
{{- $fields = append $fields (printf "%s: dyn(%s)" (toJson .) (include "doorkeeper-lib.cel" (get $value .))) -}}
{{- end -}}
{{- printf "{%s}" (join ", " $fields) -}}
{{- else if kindIs "slice" . -}}
{{- $elements := list -}}
{{- range . -}}
{{- $elements = append $elements (printf "dyn(%s)" (include "doorkeeper-lib.cel" .)) -}}
{{- end -}}
{{- printf "[%s]" (join ", " $elements) -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end }}
