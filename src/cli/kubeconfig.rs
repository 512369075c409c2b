//! `dullahan kubeconfig`: prints the kubeconfig of a server, or merges it into the user's, or removes it.
//!
//! It is read from the file; a server that is not running has left its last one there. The user's file is
//! changed under the lock that kubectl takes (`FILE.lock`, which exists while somebody writes), replaced
//! as a whole, and readable by its owner alone. A file that cannot be understood is left as it is.

mod merge;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::output::say;
use crate::app::kubeconfig_of;
use crate::config::{KubeconfigSettings, state_roots, user_kubeconfig};
use crate::pki::private_file;

/// Prints, merges or removes.
pub(super) fn run(settings: &KubeconfigSettings) -> anyhow::Result<ExitCode> {
    if settings.remove {
        return remove(settings);
    }
    let name = &settings.name;
    let path = settings.kubeconfig_out.clone().or_else(|| kubeconfig_of(name.as_str(), &state_roots()));
    let path = path.with_context(|| {
        format!("no server named \"{name}\" has been started here; dullahan list --all shows those that have")
    })?;
    let own = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; is a server running?", path.display()))?;
    if !settings.merge {
        say(own.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let target = target(settings)?;
    let _lock = Lock::take(&target)?;
    let merged = merge::merge(&read(&target)?, &own, settings.set_current)
        .map_err(|mistake| anyhow::anyhow!("{}: {mistake}; nothing was changed", target.display()))?;
    write(&target, &merged)?;
    let context = name.context();
    say(format_args!("context \"{context}\" is in {}", target.display()))?;
    say(format_args!("  kubectl --context {context} get pods"))?;
    Ok(ExitCode::SUCCESS)
}

fn remove(settings: &KubeconfigSettings) -> anyhow::Result<ExitCode> {
    let (target, context) = (target(settings)?, settings.name.context());
    let _lock = Lock::take(&target)?;
    let left = merge::remove(&read(&target)?, &context)
        .map_err(|mistake| anyhow::anyhow!("{}: {mistake}; nothing was changed", target.display()))?;
    let Some(left) = left else {
        say(format_args!("context \"{context}\" is not in {}", target.display()))?;
        return Ok(ExitCode::SUCCESS);
    };
    write(&target, &left)?;
    say(format_args!("context \"{context}\" is no longer in {}", target.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The user's file; where that is a link, what it leads to.
fn target(settings: &KubeconfigSettings) -> anyhow::Result<PathBuf> {
    let path = settings.into.clone().or_else(user_kubeconfig);
    let path = path.context("neither KUBECONFIG nor HOME is set; name your kubeconfig with --into")?;
    Ok(fs::canonicalize(&path).unwrap_or(path))
}

fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    private_file::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The lock of a kubeconfig as client-go takes it; it is released when this is dropped.
struct Lock(PathBuf);

impl Lock {
    fn take(target: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_file::make_folder(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let mut path = target.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                "{} exists: another program is changing {}; try again, or remove it if there is none",
                path.display(),
                target.display()
            ),
            Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever finds it is told that it may be removed.
        let _ = fs::remove_file(&self.0);
    }
}
