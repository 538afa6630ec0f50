//! `--build`: runs the build commands of an app's components, like `spin build`.

use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use crate::manifest::{App, Build, Component};
use crate::terminal;

/// Runs the build commands of all components, dependencies first.
///
/// # Errors
///
/// The first command that cannot be run or fails. The commands after it do not run.
pub(crate) async fn build(app: &App) -> anyhow::Result<()> {
    if app.components.iter().all(|it| it.build.is_none()) {
        terminal::line(format_args!("no component of the app has a build command"));
    }
    for component in build_order(&app.components) {
        if let Some(build) = &component.build {
            run(build, &app.dir, &component.id).await?;
        }
    }
    Ok(())
}

/// Returns the components, each after those that its dependencies come from.
fn build_order(components: &[Component]) -> Vec<&Component> {
    let mut ordered: Vec<&Component> = Vec::new();
    for component in components {
        add(component, components, &mut Vec::new(), &mut ordered);
    }
    ordered
}

/// Adds the dependencies of `component` and then itself. A cycle is followed once.
fn add<'a>(
    component: &'a Component,
    components: &'a [Component],
    above: &mut Vec<&'a str>,
    ordered: &mut Vec<&'a Component>,
) {
    let is_added = ordered.iter().any(|it| it.id == component.id);
    if is_added || above.contains(&component.id.as_str()) {
        return;
    }
    above.push(&component.id);
    let dependencies = components.iter().filter(|other| {
        let mut paths = component.dependencies.iter().map(|it| &it.path);
        paths.any(|path| *path == other.source)
    });
    for other in dependencies {
        add(other, components, above, ordered);
    }
    above.pop();
    ordered.push(component);
}

async fn run(build: &Build, app: &Path, component: &str) -> anyhow::Result<()> {
    for command in &build.commands {
        terminal::line(format_args!(
            "Building component {component} with `{command}`"
        ));
        let status = Command::new("sh")
            .arg("-c")
            .arg(command)
            .current_dir(app.join(&build.workdir))
            .status()
            .await
            .with_context(|| format!("component `{component}`: cannot run `{command}`"))?;
        anyhow::ensure!(
            status.success(),
            "component `{component}`: the build command `{command}` failed: {status}"
        );
    }
    Ok(())
}
