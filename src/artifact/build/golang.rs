//! Builds a component's programs with Go, and takes files out of its module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::event::Unit;
use engine::failure::{Failure, Result};
use regex::Regex;
use serde::Deserialize;

use super::{Artifact, Builder, recipe};
use crate::artifact::catalog::Component;
use crate::artifact::process::Program;

const HINT: &str = "install Go 1.26 or newer: apt-get install --yes golang-go";

/// Builds a component unless it is there. All its programs come from one `go build`.
pub async fn ensure(builder: &Builder<'_>, name: &str) -> Result<()> {
    let component = builder.catalog.component(name)?;
    let key = recipe::component_key(component)?;
    if builder.is_there(&key) {
        return Ok(());
    }
    let step = builder.step.child_of("build", format!("{name} {}", component.version), &[]);
    let result = build(builder, component, &key, |packages| step.progress(packages, None, Unit::Items)).await;
    step.conclude(result.map_err(|failure| failure.hint(format!("the recipe is components/{}", component.source))))
}

async fn build(builder: &Builder<'_>, component: &Component, key: &str, progress: impl Fn(u64)) -> Result<()> {
    let work = builder.store.work(&component.name)?;
    let output = work.path().join("output");
    let source = sources(component, work.path())?;
    let packages = component.packages.iter().map(|package| match package.as_str() {
        "" => component.module.clone(),
        package => format!("{}/{package}", component.module),
    });
    let mut done = 0;
    // Every flag is part of Go's own cache key: the same ones always, and the compiler's cache makes a rebuild seconds.
    let program = go(component.cgo)
        .args(["build", "-v", "-mod=readonly", "-trimpath", "-ldflags"])
        .arg(format!("-s -w {}", component.link).trim_end())
        .arg("-o")
        .arg(format!("{}/", output.display()))
        .args(packages)
        .directory(&source);
    let count = |line: &str| {
        if !line.starts_with("go: ") {
            done += 1;
            progress(done);
        }
    };
    program.run(count).await?;
    let mut outputs = BTreeMap::new();
    for file in listing(&output)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        outputs.insert(name, builder.store.take(&file)?);
    }
    let version = go(false).args(["env", "GOVERSION"]).run(|_| ()).await?;
    builder.remember(key, version.trim(), outputs)
}

/// Makes a manifest out of the files of a module that match a pattern.
pub async fn files(builder: &Builder<'_>, artifact: &Artifact, component: &str, pattern: &str) -> Result<()> {
    let key = recipe::built(builder.catalog, artifact)?;
    if builder.is_there(&key) {
        return Ok(());
    }
    let component = builder.catalog.component(component)?;
    let root = module(builder, component).await?;
    let matching = glob(pattern)?;
    let (directory, _) = pattern.rsplit_once('/').unwrap_or_default();
    let mut text = String::new();
    for file in listing(&root.join(directory))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matching.is_match(&format!("{directory}/{name}")) && name != "kustomization.yaml" {
            let document = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            text.push_str("---\n");
            text.push_str(document.trim_start_matches("---\n"));
            text.push('\n');
        }
    }
    if text.is_empty() {
        return Err(Failure::other(format!("no file of {} {} matches {pattern}", component.module, component.version)));
    }
    let work = builder.store.work(&artifact.name)?;
    let file = work.path().join("manifest");
    std::fs::write(&file, text).map_err(|error| unreadable(&file, &error))?;
    let blob = builder.store.take(&file)?;
    builder.remember(&key, &component.module, BTreeMap::from([(artifact.name.clone(), blob)]))
}

/// The directory of a component's module, downloaded if need be and checked by Go against its checksum database.
pub async fn module(builder: &Builder<'_>, component: &Component) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Downloaded {
        #[serde(rename = "Dir")]
        directory: PathBuf,
    }
    let work = builder.store.work("module")?;
    let at = format!("{}@{}", component.module, component.version);
    let output = go(false).args(["mod", "download", "-json", &at]).directory(work.path()).run(|_| ()).await?;
    let downloaded: Downloaded = serde_json::from_str(&output)
        .map_err(|error| Failure::other(format!("Go did not say where {at} is")).because(&error))?;
    Ok(downloaded.directory)
}

fn go(cgo: bool) -> Program {
    Program::new("go", HINT)
        .env("CGO_ENABLED", if cgo { "1" } else { "0" })
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOTOOLCHAIN", "auto")
        .env("GOWORK", "off")
}

/// Writes the component's module where Go is run.
fn sources(component: &Component, work: &Path) -> Result<PathBuf> {
    let directory = work.join("source");
    let prefix = format!("components/{}/", component.source);
    std::fs::create_dir_all(&directory).map_err(|error| unreadable(&directory, &error))?;
    for (name, text) in recipe::FILES {
        if let Some(name) = name.strip_prefix(&prefix) {
            let path = directory.join(name);
            std::fs::write(&path, text).map_err(|error| unreadable(&path, &error))?;
        }
    }
    Ok(directory)
}

/// The files of a directory, sorted by name.
fn listing(directory: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut files =
            std::fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        files.retain(|file| file.is_file());
        files.sort();
        Ok(files)
    };
    read().map_err(|error| unreadable(directory, &error))
}

/// Turns a pattern with `*` and `[...]` into an expression.
fn glob(pattern: &str) -> Result<Regex> {
    let expression = pattern.replace('.', r"\.").replace('*', "[^/]*");
    Regex::new(&format!("^{expression}$"))
        .map_err(|error| Failure::other(format!("{pattern} is no pattern")).because(&error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot use {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_within_one_directory() {
        let pattern = glob("config/manager/[ds]*.yaml").unwrap();
        assert!(pattern.is_match("config/manager/deployment.yaml"));
        assert!(!pattern.is_match("config/manager/kustomization.yaml"));
        assert!(!pattern.is_match("config/manager/deployment_yaml"));
    }
}
