{{- define "packetstreamer.fullname" -}}
{{- default "packetstreamer" .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "packetstreamer.receiver.selectorLabels" -}}
app.kubernetes.io/name: {{ include "packetstreamer.fullname" . }}-receiver
{{- end -}}
{{- define "packetstreamer.sensor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "packetstreamer.fullname" . }}-sensor
{{- end -}}

{{- define "packetstreamer.version" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{/* The image of an end: clients of S3 and Kafka are in one of its own. */}}
{{- define "packetstreamer.image" -}}
{{- $image := .root.Values.packetstreamer.image -}}
{{- $suffix := ternary "-packets" "" (not (empty .output.plugins)) -}}
{{- printf "%s:%v" $image.repository (default (printf "%s%s" .root.Chart.AppVersion $suffix) $image.tag) | toRawJson -}}
{{- end -}}

{{/* The configuration of an end, as JSON, which YAML is. Health is asked for by the kubelet. */}}
{{- define "packetstreamer.receiver.config" -}}
{{- $config := omit .Values.receiver "replicas" -}}
{{- mergeOverwrite (dict "health" "0.0.0.0:9110") $config | toRawJson -}}
{{- end -}}
{{- define "packetstreamer.sensor.config" -}}
{{- $config := deepCopy (omit .Values.sensor "daemonSet" "replicas") -}}
{{- $server := $config.output.server -}}
{{- if and $server (not $server.address) -}}
{{- $_ := set $server "address" (printf "%s-receiver.%s.svc.cluster.local" (include "packetstreamer.fullname" .) .Release.Namespace) -}}
{{- end -}}
{{- mergeOverwrite (dict "health" "19110") $config | toRawJson -}}
{{- end -}}

{{- define "packetstreamer.volumes" -}}
- name: config
  secret:
    secretName: {{ .name }}
{{- with .secretName }}
- name: secret
  secret:
    secretName: {{ . | toRawJson }}
{{- end }}
{{- end -}}
{{- define "packetstreamer.mounts" -}}
- name: config
  mountPath: /etc/packetstreamer
  readOnly: true
{{- with .secretName }}
- name: secret
  mountPath: /etc/packetstreamer-secret
  readOnly: true
{{- end }}
{{- end -}}
