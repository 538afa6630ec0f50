//! References between the resources of a build.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kustomize::list;

/// A key of a Secret: the name of the Secret and the key.
pub type SecretKey = (String, String);

/// The external references of a build, and its unresolved ones.
#[derive(Default)]
pub struct References {
    pub secrets: BTreeSet<SecretKey>,
    pub faults: Vec<String>,
}

pub fn check(documents: &[Value]) -> References {
    let mut references = References::default();
    let world = World(documents);
    world.twice(&mut references);
    for document in documents {
        secrets(document, &mut references.secrets);
        let faults = match text(&document["kind"]) {
            "SpinApp" => world.spin_app(document),
            "Deployment" | "StatefulSet" => world.workload(document),
            "Service" => world.service(document),
            "PodDisruptionBudget" => {
                world.selects_pods(&document["spec"]["selector"]["matchLabels"])
            }
            "HorizontalPodAutoscaler" => world.autoscaler(document),
            _ => Vec::new(),
        };
        let whose = format!("{} `{}`", text(&document["kind"]), name(document));
        let shown = faults.into_iter().map(|fault| format!("{whose}: {fault}"));
        references.faults.extend(shown);
    }
    references
}

struct World<'a>(&'a [Value]);

impl World<'_> {
    fn has(&self, kind: &str, wanted: &str) -> bool {
        self.of(kind).any(|document| name(document) == wanted)
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0
            .iter()
            .filter(move |document| document["kind"] == kind)
    }

    /// Adds the Deployment and the Service that the operator creates for a SpinApp.
    fn has_service(&self, wanted: &str) -> bool {
        self.has("Service", wanted) || self.has("SpinApp", wanted)
    }

    fn twice(&self, references: &mut References) {
        let mut seen = BTreeSet::new();
        for document in self.0 {
            let id = (text(&document["kind"]), name(document));
            if !seen.insert(id) {
                references
                    .faults
                    .push(format!("{} `{}` is defined twice", id.0, id.1));
            }
        }
    }

    fn spin_app(&self, app: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let executor = text(&app["spec"]["executor"]);
        if !self.has("SpinAppExecutor", executor) {
            faults.push(format!("no SpinAppExecutor `{executor}`"));
        }
        let scaled = app["spec"]["enableAutoscaling"] == true;
        let scalers = self.of("HorizontalPodAutoscaler");
        let scalers = scalers.filter(|one| one["spec"]["scaleTargetRef"]["name"] == name(app));
        if scaled && scalers.count() != 1 {
            faults.push("it is scaled by no autoscaler, or by several".to_owned());
        }
        for variable in list(&app["spec"]["variables"]) {
            let Some(rest) = text(&variable["value"]).strip_prefix("http://") else {
                continue;
            };
            if !self.has_service(rest.split(['/', ':', '.']).next().unwrap_or_default()) {
                faults.push(format!("variable {} names no Service", variable["name"]));
            }
        }
        faults
    }

    fn workload(&self, workload: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let spec = &workload["spec"];
        let pod = &spec["template"]["spec"];
        let labels = &spec["template"]["metadata"]["labels"];
        if !is_part(&spec["selector"]["matchLabels"], labels) {
            faults.push("its selector does not match its pods".to_owned());
        }
        if let Some(service) = spec["serviceName"].as_str()
            && !self.has_service(service)
        {
            faults.push(format!("no Service `{service}`"));
        }
        for volume in list(&pod["volumes"]) {
            let config = text(&volume["configMap"]["name"]);
            if !self.has("ConfigMap", config) {
                faults.push(format!("no ConfigMap `{config}`"));
            }
        }
        for container in list(&pod["containers"]) {
            faults.extend(self.container(container, spec));
        }
        faults
    }

    fn container(&self, container: &Value, spec: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            for how in ["httpGet", "tcpSocket"] {
                let port = &container[probe][how]["port"];
                if !port.is_null() && !has_port(container, port) {
                    faults.push(format!("{probe} uses port {port}, which is not defined"));
                }
            }
        }
        let volumes = list(&spec["template"]["spec"]["volumes"]).map(|volume| &volume["name"]);
        let claims = list(&spec["volumeClaimTemplates"]).map(|claim| &claim["metadata"]["name"]);
        let volumes: Vec<_> = volumes.chain(claims).collect();
        for mount in list(&container["volumeMounts"]) {
            if !volumes.contains(&&mount["name"]) {
                faults.push(format!("no volume {}", mount["name"]));
            }
        }
        for used in list(&container["args"]).filter_map(|arg| {
            let arg = arg.as_str()?;
            arg.strip_prefix("$(")?.strip_suffix(')')
        }) {
            if !list(&container["env"]).any(|variable| variable["name"] == used) {
                faults.push(format!("no environment variable `{used}`"));
            }
        }
        faults.extend(self.files(container, spec));
        faults
    }

    /// Checks that a file in an argument comes from a ConfigMap that is mounted there.
    fn files(&self, container: &Value, spec: &Value) -> Option<String> {
        let file = list(&container["args"]).find_map(|arg| {
            let arg = arg.as_str()?;
            arg.ends_with(".toml").then_some(arg)
        })?;
        let (folder, key) = file.rsplit_once('/')?;
        let mount = list(&container["volumeMounts"]).find(|mount| mount["mountPath"] == folder);
        let config = mount.and_then(|mount| {
            let mut volumes = list(&spec["template"]["spec"]["volumes"]);
            let volume = volumes.find(|volume| volume["name"] == mount["name"])?;
            let wanted = text(&volume["configMap"]["name"]);
            self.of("ConfigMap").find(|config| name(config) == wanted)
        });
        match config {
            Some(config) if config["data"][key].is_string() => None,
            _ => Some(format!("nothing is mounted as `{file}`")),
        }
    }

    fn service(&self, service: &Value) -> Vec<String> {
        let selector = &service["spec"]["selector"];
        let mut faults = self.selects_pods(selector);
        let workloads = self.of("Deployment").chain(self.of("StatefulSet"));
        let template = |workload: &&Value| {
            is_part(
                selector,
                &workload["spec"]["template"]["metadata"]["labels"],
            )
        };
        for workload in workloads.filter(template) {
            for port in list(&service["spec"]["ports"]) {
                let mut containers = list(&workload["spec"]["template"]["spec"]["containers"]);
                if !containers.any(|container| has_port(container, &port["targetPort"])) {
                    faults.push(format!("no pod has a port {}", port["targetPort"]));
                }
            }
        }
        faults
    }

    fn selects_pods(&self, selector: &Value) -> Vec<String> {
        let mut workloads = self.of("Deployment").chain(self.of("StatefulSet"));
        let selects = |workload: &Value| {
            is_part(
                selector,
                &workload["spec"]["template"]["metadata"]["labels"],
            )
        };
        match workloads.any(selects) {
            true => Vec::new(),
            false => vec![format!("{selector} selects no pod")],
        }
    }

    fn autoscaler(&self, scaler: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let spec = &scaler["spec"];
        if spec["minReplicas"].as_u64() > spec["maxReplicas"].as_u64() {
            faults.push("its minimum is above its maximum".to_owned());
        }
        let target = &spec["scaleTargetRef"]["name"];
        let app = self
            .of("SpinApp")
            .find(|app| app["metadata"]["name"] == *target);
        let Some(app) = app.filter(|app| app["spec"]["enableAutoscaling"] == true) else {
            faults.push(format!("no SpinApp {target} has autoscaling enabled"));
            return faults;
        };
        for metric in list(&spec["metrics"]) {
            let resource = text(&metric["resource"]["name"]);
            if app["spec"]["resources"]["requests"][resource].is_null() {
                faults.push(format!("{target} requests no `{resource}` to measure by"));
            }
        }
        faults
    }
}

fn has_port(container: &Value, port: &Value) -> bool {
    list(&container["ports"]).any(|one| one["name"] == *port || one["containerPort"] == *port)
}

/// Returns `true` if `part` has labels and all of them are in `whole`.
fn is_part(part: &Value, whole: &Value) -> bool {
    let part = part.as_object();
    part.is_some_and(|part| {
        !part.is_empty() && part.iter().all(|(key, value)| whole[key] == *value)
    })
}

/// Returns the keys of Secrets to which a resource refers.
fn secrets(value: &Value, found: &mut BTreeSet<SecretKey>) {
    let reference = &value["secretKeyRef"];
    if reference.is_object() {
        found.insert((
            text(&reference["name"]).into(),
            text(&reference["key"]).into(),
        ));
    }
    if let Some(secret) = value["loadFromSecret"].as_str() {
        // The key that the operator reads.
        found.insert((secret.into(), "runtime-config.toml".into()));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| secrets(field, found)),
        _ => {}
    }
}

fn name(document: &Value) -> &str {
    text(&document["metadata"]["name"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
