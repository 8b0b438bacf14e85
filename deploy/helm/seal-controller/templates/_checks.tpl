{{/*
What cannot be done is refused, with what to do instead.
*/}}
{{- define "seal.checks" -}}
{{- if regexMatch "(^|/)(bitnami|bitnami-labs|bitnamilegacy)/sealed-secrets-controller$" .Values.image.repository -}}
{{- fail (printf "image.repository is %s, the controller of Sealed Secrets, which this chart does not run: name your image of seal-controller, built from deploy/Dockerfile" .Values.image.repository) -}}
{{- end -}}
{{- if .Values.rbac.pspEnabled -}}
{{- fail "rbac.pspEnabled: no Kubernetes that this chart supports has PodSecurityPolicies. The pod fits the restricted Pod Security Standard: label its namespace pod-security.kubernetes.io/enforce=restricted instead" -}}
{{- end -}}
{{- with .Values.kubeVersion -}}
{{- if semverCompare "<1.25.0-0" (toString .) -}}
{{- fail (printf "kubeVersion is %s, but this chart needs Kubernetes 1.25 or later" .) -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) .Values.args (not (contains "--leader-elect" (toString .Values.args))) -}}
{{- fail "replicas is above 1, and args takes the place of all flags: add --leader-elect to args, or use extraArgs" -}}
{{- end -}}
{{- end -}}
