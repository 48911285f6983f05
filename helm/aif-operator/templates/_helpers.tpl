{{/* Name of the chart. */}}
{{- define "aif-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of all objects: that of the release, with the chart's where it does not hold it. */}}
{{- define "aif-operator.fullname" -}}
{{- $name := include "aif-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "aif-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aif-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aif-operator.labels" -}}
{{ include "aif-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aif-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "aif-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "aif-operator.priorityClassName" -}}
{{- if .Values.priorityClassName }}
{{- .Values.priorityClassName }}
{{- else if .Values.priorityClass.create }}
{{- include "aif-operator.fullname" . }}
{{- end }}
{{- end }}

{{- define "aif-operator.leaseName" -}}
{{- default (include "aif-operator.fullname" .) .Values.settings.leaseName }}
{{- end }}

{{- define "aif-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Subject of every binding: the operator's account. */}}
{{- define "aif-operator.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "aif-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* A value as the variable of a setting spells it: a,b  a;b,c  k=a|b,l=c. Whole numbers are written without exponent. */}}
{{- define "aif-operator.text" -}}
{{- if kindIs "slice" . }}
{{- $steps := false }}
{{- $parts := list }}
{{- range . }}
{{- if kindIs "slice" . }}
{{- $steps = true }}
{{- $parts = append $parts (join "," .) }}
{{- else }}
{{- $parts = append $parts . }}
{{- end }}
{{- end }}
{{- join (ternary ";" "," $steps) $parts }}
{{- else if kindIs "map" . }}
{{- $pairs := list }}
{{- range $key, $values := . }}
{{- $pairs = append $pairs (printf "%s=%s" $key (join "|" $values)) }}
{{- end }}
{{- join "," $pairs }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) }}
{{- int64 . }}
{{- else }}
{{- . }}
{{- end }}
{{- end }}

{{/* The settings as variables; one that is empty is left to the operator. */}}
{{- define "aif-operator.settings" -}}
{{- $settings := merge (dict "leaseName" (include "aif-operator.leaseName" .) "watchNamespaces" .Values.watchNamespaces) .Values.settings }}
{{- range $name, $value := $settings }}
{{- $text := include "aif-operator.text" $value }}
{{- if $text }}
- name: {{ eq $name "kubeconfig" | ternary "KUBECONFIG" (printf "AIF_%s" (snakecase $name | upper)) }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a schema cannot say: rules between settings. */}}
{{- define "aif-operator.validate" -}}
{{- with .Values.settings }}
{{- if ge (float64 .leaseRenewSeconds) (float64 .leaseDurationSeconds) }}
{{- fail "settings.leaseRenewSeconds must lie below settings.leaseDurationSeconds" }}
{{- end }}
{{- if ge (mulf 1.2 .leaseRetrySeconds) (float64 .leaseRenewSeconds) }}
{{- fail "1.2 times settings.leaseRetrySeconds must lie below settings.leaseRenewSeconds" }}
{{- end }}
{{- end }}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) .Values.rbac.create }}
{{- fail "serviceAccount.name is needed where serviceAccount.create is false: else every pod on the account default gets the operator's rights" }}
{{- end }}
{{- end }}
