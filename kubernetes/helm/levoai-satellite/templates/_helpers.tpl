{{- define "satellite.fullname" -}}
{{- default "levoai-satellite" .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "satellite.selectorLabels" -}}
app.kubernetes.io/name: {{ include "satellite.fullname" . | quote }}
{{- end -}}

{{- define "satellite.labels" -}}
{{ include "satellite.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "satellite.value" -}}
{{- if kindIs "slice" . -}}{{ if . }}{{ toRawJson . }}{{ end }}
{{- else if kindIs "float64" . -}}{{ if eq (float64 (int64 .)) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else -}}{{ . }}
{{- end -}}
{{- end -}}
