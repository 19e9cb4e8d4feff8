{{- define "sensor.fullname" -}}
{{- default "levoai-pcap-sensor" .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sensor.serviceAccountName" -}}
{{- default (include "sensor.fullname" .) .Values.sensor.serviceAccount.name -}}
{{- end -}}

{{/* By its own name it takes the place of Levo's DaemonSet, whose selector cannot be changed. */}}
{{- define "sensor.selectorLabels" -}}
{{- if .Values.fullnameOverride -}}
app.kubernetes.io/name: {{ include "sensor.fullname" . | quote }}
{{- else -}}
name: {{ include "sensor.fullname" . | quote }}
{{- end -}}
{{- end -}}

{{- define "sensor.labels" -}}
{{ include "sensor.selectorLabels" . }}
{{- if not .Values.fullnameOverride }}
app.kubernetes.io/name: levoai-pcap-sensor
{{- end }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "sensor.hasPodMetadata" -}}
{{- if .Values.sensor.podMetadata.enabled -}}true{{- end -}}
{{- end -}}

{{/* A list becomes the JSON that a variable of a repeatable option may hold; all else is text. */}}
{{- define "sensor.value" -}}
{{- if kindIs "slice" . -}}{{ if . }}{{ toRawJson . }}{{ end }}
{{- else if kindIs "float64" . -}}{{ if eq (float64 (int64 .)) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else -}}{{ . }}
{{- end -}}
{{- end -}}

{{/* The variables of the sensor, as YAML. The slips that documents once had count where the right name says nothing, or for levoEnv its default. */}}
{{- define "sensor.environment" -}}
{{- $sensor := .Values.sensor -}}
{{- $config := $sensor.config -}}
{{- $variables := dict -}}
{{- range $key, $name := dict
  "satelliteUrl" "LEVO_SATELLITE_URL" "levoEnv" "LEVO_ENV" "traceExportInterval" "LEVO_TRACE_EXPORT_INTERVAL"
  "rateLimit" "LEVO_RATE_LIMIT" "filter" "LEVO_FILTER" "hostAllow" "LEVO_HOST_ALLOW" "pathAllow" "LEVO_PATH_ALLOW"
  "hostExclusions" "LEVO_HOST_EXCLUSIONS" "pathExclusions" "LEVO_PATH_EXCLUSIONS" "levoaiOrgId" "LEVOAI_ORG_ID"
  "levoaiWorkspaceId" "LEVOAI_WORKSPACE_ID" "maxHttpLength" "LEVO_MAX_HTTP_LENGTH"
  "streamTimeoutSeconds" "LEVO_STREAM_TIMEOUT_SECONDS" "maxCpu" "LEVO_MAX_CPU" -}}
{{- $value := get $config $key -}}
{{- if and (eq $key "levoEnv") $sensor.confg (has $value (list nil "" "staging")) -}}
{{- $value = default $value (get $sensor.confg "levoEnv") -}}
{{- end -}}
{{- if eq $key "filter" -}}{{- $value = default $config.fitler $value -}}{{- end -}}
{{- $text := include "sensor.value" $value -}}
{{- if and (not (kindIs "invalid" $value)) (ne $text "") -}}{{- $_ := set $variables $name $text -}}{{- end -}}
{{- end -}}
{{- range $option, $value := $sensor.options -}}
{{- $text := include "sensor.value" $value -}}
{{- if and (not (kindIs "invalid" $value)) (ne $text "") -}}
{{- $_ := set $variables (printf "LEVO_%s" ($option | upper | replace "-" "_")) $text -}}
{{- end -}}
{{- end -}}
{{- with $sensor.podMetadata -}}
{{- if .enabled -}}
{{- $_ := set $variables "LEVO_POD_METADATA" "true" -}}
{{- with .podSelector -}}{{- $_ := set $variables "LEVO_POD_SELECTOR" . -}}{{- end -}}
{{- with .namespaceInclude -}}{{- $_ := set $variables "LEVO_NAMESPACE_INCLUDE" (include "sensor.value" .) -}}{{- end -}}
{{- with .namespaceExclude -}}{{- $_ := set $variables "LEVO_NAMESPACE_EXCLUDE" (include "sensor.value" .) -}}{{- end -}}
{{- if .infrastructure -}}{{- $_ := set $variables "LEVO_KEEP_INFRASTRUCTURE" "true" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $address := ternary (printf "0.0.0.0:%d" (int $sensor.healthPort)) (printf "%d" (int $sensor.healthPort)) $sensor.podMonitor.enabled -}}
{{- $_ := set $variables "LEVO_HEALTH_PORT" $address -}}
{{- range $name := keys $variables | sortAlpha }}
{{ $name }}: {{ get $variables $name | toRawJson }}
{{- end -}}
{{- end -}}
