//! A team that keeps its SealedSecrets in Git.

use seal_tests::{ControlPlane, Controller, Exclusive, GitRepository, Installation, Workdir, skip};

use crate::site::{Site, texts, values};

/// A team with a namespace, a repository, and our controller, on a control plane of its own.
pub(crate) struct Team {
    pub(crate) plane: Exclusive,
    pub(crate) site: Site,
    pub(crate) controller: Controller,
    pub(crate) git: Checkout,
    _home: Installation,
}

impl Team {
    pub(crate) async fn found() -> Option<Self> {
        let plane = ControlPlane::exclusive().await?;
        let home = Installation::create(&plane).await;
        let controller = home.start(&[]).await;
        let site = Site::on(&plane, &controller, "team").await;
        let certificate = controller.http.get("/v1/cert.pem").await.body;
        let git = Checkout::make(&plane, site.name(), &certificate).await?;
        Some(Self {
            plane,
            site,
            controller,
            git,
            _home: home,
        })
    }

    /// Looks, without waiting, whether the Secret holds just this value.
    pub(crate) async fn holds(&self, name: &str, value: &str) {
        let secret = self.site.secrets().get(name).await.unwrap();
        assert_eq!(values(&secret), texts(&[("a", value)]), "the Secret {name}");
    }
}

/// The repository, whose directory `app` comes into the team's namespace, and what they seal with. Each change is a
/// commit, whose hash it returns.
pub(crate) struct Checkout {
    pub(crate) repository: GitRepository,
    desk: Workdir,
    namespace: String,
}

impl Checkout {
    /// One with a ConfigMap only.
    pub(crate) async fn make(
        plane: &ControlPlane,
        namespace: &str,
        certificate: &str,
    ) -> Option<Self> {
        let repository = or_skip("Git server", GitRepository::create(plane).await)?;
        let desk = Workdir::new();
        desk.write("cert.pem", certificate);
        let this = Self {
            repository,
            desk,
            namespace: namespace.to_owned(),
        };
        this.note("notes", "");
        Some(this)
    }

    /// Sets the only value of a SealedSecret. New ones are as kubeseal prints them, others as `seal` does.
    pub(crate) fn set(&self, name: &str, value: &str) -> String {
        let secret = secret(&self.namespace, name, value);
        let sealed = match value {
            "1" => self.kubeseal(&secret),
            _ => self
                .desk
                .seal(&["encrypt", "--cert=cert.pem"], &secret)
                .expect_success(),
        };
        self.repository.write(&path(name), &sealed);
        self.repository.commit(&format!("Set {name} to {value}"))
    }

    /// Puts a SealedSecret there whose value nobody can open here: somebody took it from another namespace.
    pub(crate) fn break_it(&self, name: &str) -> String {
        let elsewhere = self.kubeseal(&secret("elsewhere", name, "not ours"));
        let here = format!("namespace: {}", self.namespace);
        let broken = elsewhere.replace("namespace: elsewhere", &here);
        self.repository.write(&path(name), &broken);
        self.repository.commit(&format!("Break {name}"))
    }

    pub(crate) fn remove(&self, name: &str) -> String {
        self.repository.remove(&path(name));
        self.repository.commit(&format!("Remove {name}"))
    }

    /// Puts a ConfigMap there, with these annotations in YAML's braces.
    pub(crate) fn note(&self, name: &str, annotations: &str) -> String {
        let namespace = &self.namespace;
        let map = format!(
            "apiVersion: v1\nkind: ConfigMap\n\
             metadata: {{name: {name}, namespace: {namespace}, annotations: {{{annotations}}}}}\n"
        );
        self.repository.write(&path(name), &map);
        self.repository.commit(&format!("Note {name}"))
    }

    fn kubeseal(&self, secret: &str) -> String {
        self.desk
            .kubeseal(&["--cert=cert.pem", "--format=yaml"], secret)
            .expect_success()
    }
}

fn secret(namespace: &str, name: &str, value: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {namespace}}}, \
         stringData: {{a: \"{value}\"}}}}"
    )
}

fn path(name: &str) -> String {
    format!("app/{name}.yaml")
}

/// What could be had; else says that the test did not run.
pub(crate) fn or_skip<T>(what: &str, outcome: Result<T, String>) -> Option<T> {
    outcome.map_err(|why| skip(what, &why)).ok()
}
