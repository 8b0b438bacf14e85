{{/*
The controller's flags, from the values.
*/}}
{{- define "seal.args" -}}
{{- if .Values.args -}}
{{- include "sealed-secrets.render" (dict "value" .Values.args "context" $) -}}
{{- else -}}
{{- $flags := dict
    "key-prefix" .Values.secretName
    "key-renew-period" .Values.keyrenewperiod
    "key-ttl" .Values.keyttl
    "key-cutoff-time" .Values.keycutofftime
    "key-order-priority" .Values.keyOrderPriority
    "age-keys" (kindIs "bool" .Values.ageKeys | ternary "off" .Values.ageKeys)
    "key-size" .Values.keySize
    "key-requests-per-hour" .Values.keyRequestsPerHour
    "my-cn" .Values.certificateCommonName
    "privatekey-annotations" (include "seal.pairs" (dict "name" "privateKeyAnnotations" "map" .Values.privateKeyAnnotations))
    "privatekey-labels" (include "seal.pairs" (dict "name" "privateKeyLabels" "map" .Values.privateKeyLabels))
    "additional-namespaces" (join "," .Values.additionalNamespaces)
    "label-selector" .Values.labelSelector
    "drift-policy" .Values.driftPolicy
    "workers" .Values.workers
    "max-unseal-retries" .Values.maxRetries
    "rate-limit" .Values.rateLimit
    "rate-limit-burst" .Values.rateLimitBurst
    "trusted-proxies" (join "," .Values.trustedProxies)
    "kubeclient-burst" .Values.kubeClientBurst
    "kubeclient-qps" .Values.kubeClientQPS
    "log-level" .Values.logLevel
    "log-format" .Values.logFormat
    "listen-addr" (printf ":%v" .Values.containerPorts.http)
    "listen-metrics-addr" (printf ":%v" .Values.containerPorts.metrics)
-}}
{{- $args := list -}}
{{- range $flag, $value := $flags -}}
{{- if ne (toString $value) "" -}}
{{- $args = append $args (printf "--%s=%v" $flag (kindIs "float64" $value | ternary (include "seal.number" $value) $value)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.watchForSecrets }}{{ $args = append $args "--watch-for-secrets" }}{{ end -}}
{{- if .Values.logInfoStdout }}{{ $args = append $args "--log-info-stdout" }}{{ end -}}
{{- if .Values.requireBackup }}{{ $args = append $args "--require-backup" }}{{ end -}}
{{- if .Values.skipRecreate }}{{ $args = append $args "--skip-recreate" }}{{ end -}}
{{- if .Values.oldGcBehavior }}{{ $args = append $args "--old-gc-behavior" }}{{ end -}}
{{- if not .Values.updateStatus }}{{ $args = append $args "--update-status=false" }}{{ end -}}
{{- if not .Values.acceptDeprecatedV1Data }}{{ $args = append $args "--accept-deprecated-v1-data=false" }}{{ end -}}
{{- if .Values.metrics.omitSecretLabels }}{{ $args = append $args "--metrics-omit-secret-labels" }}{{ end -}}
{{- if and .Values.rbac.namespacedRoles (not .Values.additionalNamespaces) }}{{ $args = append $args "--all-namespaces=false" }}{{ end -}}
{{- if gt (int .Values.replicas) 1 -}}
{{- $args = concat $args (list "--leader-elect" (printf "--leader-elect-resource-name=%s" (include "sealed-secrets.fullname" .))) -}}
{{- end -}}
{{- range .Values.extraArgs }}{{ $args = append $args (tpl (toString .) $) }}{{ end -}}
{{- toYaml $args -}}
{{- end -}}
{{- end -}}

{{/*
A number as people write it: YAML's numbers arrive as floating point, which Go prints as 1e+06.
*/}}
{{- define "seal.number" -}}
{{- if eq (float64 (int64 .)) (float64 .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}
