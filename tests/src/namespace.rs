//! Namespaces of single tests.

use std::{path::PathBuf, process::Stdio, thread};

use crate::{ControlPlane, kubectl};

/// A namespace with a random name, deleted when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    kubeconfig: PathBuf,
}

impl Namespace {
    /// Makes one whose name begins with `purpose`.
    pub fn create(plane: &ControlPlane, purpose: &str) -> Self {
        let name = format!("{purpose}-{}", random_suffix());
        plane.kubectl(&["create", "namespace", &name], "");
        Self {
            name,
            kubeconfig: plane.kubeconfig(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // As well as it can: on a control plane of our own everything is gone soon anyway.
        let mut delete = kubectl();
        delete
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args([
                "delete",
                "namespace",
                "--wait=false",
                "--ignore-not-found",
                &self.name,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        thread::spawn(move || delete.status());
    }
}

/// Eight random hexadecimal digits.
pub(crate) fn random_suffix() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!(
        "{:08x}",
        RandomState::new().hash_one(thread::current().id()) as u32
    )
}
