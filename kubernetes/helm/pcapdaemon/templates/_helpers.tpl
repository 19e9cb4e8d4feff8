{{- define "pcapdaemon.fullname" -}}
{{- default "pcapdaemon" .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "pcapdaemon.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pcapdaemon.fullname" . }}
{{- end -}}

{{- define "pcapdaemon.labels" -}}
{{ include "pcapdaemon.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}
