{{- define "signed-webhooks.image" -}}
{{ printf "%s/%s:%s" .root.Values.image.registry .name (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
{{- end }}

{{- define "signed-webhooks.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- /* A variable of an app whose value is in a Secret. */ -}}
{{- define "signed-webhooks.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{- /* A SpinApp, of `root`, `name`, `values` and its `variables`. */ -}}
{{- define "signed-webhooks.spinApp" -}}
apiVersion: core.spinkube.dev/v1alpha1
kind: SpinApp
metadata:
  name: {{ .name }}
  labels:
    {{- include "signed-webhooks.labels" . | nindent 4 }}
spec:
  image: {{ include "signed-webhooks.image" . }}
  executor: {{ .root.Values.executor.name }}
  {{- if .values.autoscaling.enabled }}
  enableAutoscaling: true
  {{- else }}
  replicas: {{ .values.replicas }}
  {{- end }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  variables:
    {{- .variables | nindent 4 }}
    {{- if eq .values.store "url" }}
    {{- include "signed-webhooks.secretVariable" (dict "name" "store_url" "secret" .values.secret "key" "store_url") | nindent 4 }}
    {{- end }}
    {{- range $name, $value := .values.variables }}
    - name: {{ $name }}
      value: {{ $value | quote }}
    {{- end }}
  {{- if or (eq .values.store "runtimeConfig") .values.runtimeConfigSecret }}
  runtimeConfig:
    loadFromSecret: {{ required "runtimeConfigSecret is required with store: runtimeConfig" .values.runtimeConfigSecret }}
  {{- end }}
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  checks:
    # A response of Spin itself: an unreachable store is no reason to restart pods.
    liveness:
      httpGet:
        path: /.well-known/spin/health
      initialDelaySeconds: 5
      periodSeconds: 10
      timeoutSeconds: 2
      failureThreshold: 3
    # A response of the app, which queries its store.
    readiness:
      httpGet:
        path: /healthz
      initialDelaySeconds: 1
      periodSeconds: 5
      timeoutSeconds: 5
      failureThreshold: 2
{{- if .values.autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels:
    {{- include "signed-webhooks.labels" . | nindent 4 }}
spec:
  # The Deployment that the operator creates for the SpinApp.
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ .values.autoscaling.minReplicas }}
  maxReplicas: {{ .values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .values.autoscaling.cpuUtilization }}
{{- end }}
{{- end }}
