{{/*
What the controller may do where it unseals. deploy/rbac.yaml says what each rule is for; a test compares them.
*/}}
{{- define "seal.rules.unsealer" -}}
- apiGroups: [bitnami.com]
  resources: [sealedsecrets]
  verbs: [list, watch]
- apiGroups: [bitnami.com]
  resources: [sealedsecrets/status]
  verbs: [update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update{{ if or .Values.oldGcBehavior .Values.recreateImmutable }}, delete{{ end }}]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/*
What it may do in its own namespace: its keys, and the public side of them that it publishes.
*/}}
{{- define "seal.rules.keyAdmin" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [seal-public-keys, seal-keys, seal-key-requests]
  verbs: [get, list, watch, update, delete]
{{- end -}}

{{/*
Several replicas elect one: the lease that it holds while it leads.
*/}}
{{- define "seal.rules.election" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "sealed-secrets.fullname" . }}]
  verbs: [get, watch, update]
{{- end -}}

{{- define "seal.elects" -}}
{{- if or (gt (int .Values.replicas) 1) (contains "--leader-elect" (toString (list .Values.args .Values.extraArgs))) }}true{{ end -}}
{{- end -}}

{{/*
What those may do who seal: get the certificates, have SealedSecrets checked and re-encrypted.
*/}}
{{- define "seal.rules.proxier" -}}
{{- $service := include "sealed-secrets.fullname" . -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [seal-public-keys]
  verbs: [get]
- apiGroups: [""]
  resources: [services]
  resourceNames: [{{ $service }}]
  verbs: [get]
- apiGroups: [""]
  resources: [services/proxy]
  resourceNames:
    - {{ $service }}
    - "http:{{ $service }}:"
    - "http:{{ $service }}:http"
  verbs: [get, create]
{{- end -}}

{{/*
What key administrators may do: ask for a new key, and see all keys and what needs them.
*/}}
{{- define "seal.rules.people.keyAdmin" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [seal-key-requests]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [seal-keys, seal-public-keys]
  verbs: [get]
{{- end -}}

{{- define "seal.rules.people.keyAdminOfTheCluster" -}}
- apiGroups: [bitnami.com]
  resources: [sealedsecrets]
  verbs: [get, list]
{{- end -}}

{{/*
What those may do who back up and restore keys: who has it can read everything that is sealed.
*/}}
{{- define "seal.rules.people.keyBackup" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, create, patch]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [seal-keys]
  verbs: [get]
{{- end -}}

{{- define "seal.subjects" -}}
- kind: ServiceAccount
  name: {{ include "sealed-secrets.serviceAccountName" . }}
  namespace: {{ include "sealed-secrets.namespace" . }}
{{- end -}}
