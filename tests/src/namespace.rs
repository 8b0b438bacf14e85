//! Namespaces of single tests.

use std::{path::PathBuf, process::Stdio, thread};

use crate::{ControlPlane, kubectl};

/// A namespace with a random name, deleted when dropped, or one of the cluster's own.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    ours: bool,
    kubeconfig: PathBuf,
}

impl Namespace {
    /// Makes one whose name begins with `purpose`.
    pub fn create(plane: &ControlPlane, purpose: &str) -> Self {
        Self::named(plane, format!("{purpose}-{}", random_suffix()))
    }

    /// One of this name, which the cluster must not have: for clusters that share what is in Git.
    pub fn named(plane: &ControlPlane, name: String) -> Self {
        plane.kubectl(&["create", "namespace", &name], "");
        Self {
            name,
            ours: true,
            kubeconfig: plane.kubeconfig(),
        }
    }

    /// One that every cluster has, such as `kube-system`. It stays.
    pub fn of_the_cluster(plane: &ControlPlane, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ours: false,
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
        if !self.ours {
            return;
        }
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
