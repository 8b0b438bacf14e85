{{/*
Names, labels and selectors are those of the chart of Sealed Secrets, whose releases this chart upgrades: a Deployment's
selector cannot change. The templates that begin with "sealed-secrets." are the ones that values of its users call.
*/}}

{{- define "sealed-secrets.name" -}}
{{- default "sealed-secrets" .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealed-secrets.fullname" -}}
{{- $name := default "sealed-secrets" .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sealed-secrets.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{- define "sealed-secrets.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sealed-secrets.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sealed-secrets.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealed-secrets.labels" -}}
app.kubernetes.io/name: {{ include "sealed-secrets.name" . }}
helm.sh/chart: {{ include "sealed-secrets.chart" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sealed-secrets
{{- end -}}

{{- define "sealed-secrets.matchLabels" -}}
app.kubernetes.io/name: {{ include "sealed-secrets.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
A value that may hold templates: {{ include "sealed-secrets.render" (dict "value" VALUE "context" $) }}
*/}}
{{- define "sealed-secrets.render" -}}
{{- if typeIs "string" .value }}
{{- tpl .value .context }}
{{- else }}
{{- tpl (.value | toYaml) .context }}
{{- end }}
{{- end -}}

{{/*
Maps of strings that may hold templates, as one map; of equal keys the last wins. Nothing when they are all empty:
{{ include "seal.merged" (dict "maps" (list MAP …) "context" $) }}
*/}}
{{- define "seal.merged" -}}
{{- $all := dict -}}
{{- range .maps -}}
{{- if . -}}
{{- $map := include "sealed-secrets.render" (dict "value" . "context" $.context) | fromYaml -}}
{{- with $map.Error }}{{ fail (printf "labels and annotations are maps of strings: %s" .) }}{{ end -}}
{{- $all = mergeOverwrite $all $map -}}
{{- end -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{/*
The metadata of an object: {{ include "seal.metadata" (dict "name" NAME "labels" (list MAP …) "annotations" (list MAP …)
"context" $) }}, with "namespace" where it is not the controller's, and "cluster" true for objects without one.
*/}}
{{- define "seal.metadata" -}}
{{- $context := .context -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ default (include "sealed-secrets.namespace" $context) .namespace }}
{{- end }}
{{- $labels := append (prepend (.labels | default list) (include "sealed-secrets.labels" $context)) $context.Values.commonLabels }}
labels: {{- include "seal.merged" (dict "maps" $labels "context" $context) | nindent 2 }}
{{- $annotations := append (.annotations | default list) $context.Values.commonAnnotations }}
{{- with include "seal.merged" (dict "maps" $annotations "context" $context) }}
annotations: {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "seal.image" -}}
{{- $image := .Values.image -}}
{{- $repository := $image.repository -}}
{{- with $image.registry }}{{ $repository = printf "%s/%s" . $repository }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag | toString) -}}
{{- end -}}
{{- end -}}

{{/*
A map as the controller's flags take it: a=1,b=2. {{ include "seal.pairs" (dict "name" "privateKeyLabels" "map" MAP) }}
*/}}
{{- define "seal.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := .map -}}
{{- if not (and $value (kindIs "string" $value)) -}}
{{- fail (printf "%s.%s has to be a string that is not empty" $.name $key) -}}
{{- end -}}
{{- if contains "," $value -}}
{{- fail (printf "%s.%s holds a comma, which the flag cannot carry" $.name $key) -}}
{{- end -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/*
The namespaces in which SealedSecrets are unsealed, when these are not all: the controller's own is one of them, as
the controller itself has it.
*/}}
{{- define "seal.namespaces" -}}
{{- prepend (.Values.additionalNamespaces | default list) (include "sealed-secrets.namespace" .) | uniq | toYaml -}}
{{- end -}}
