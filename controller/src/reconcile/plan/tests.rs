use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use seal_api::RecordedSecret;
use seal_envelope::KeySize;
use seal_keyring::{KEY_LABEL, Key, KeyOrder, NewKey};

use super::super::{secret_cache::Controller, voucher::vouched};
use super::*;
use crate::status::{self, Ending};

static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
    let key = NewKey::generate(
        KeySize::Rsa2048,
        Timestamp::UNIX_EPOCH,
        SignedDuration::from_hours(1),
        "",
    );
    let secret = key
        .unwrap()
        .secret("ns", "k", Default::default(), Default::default())
        .unwrap();
    Keyring::new(
        [Arc::new(Key::from_secret(secret).unwrap())],
        KeyOrder::default(),
    )
});

/// A situation in which all is well; tests change one thing.
#[derive(Clone)]
struct Situation {
    sealed: SealedSecret,
    status: Option<SealedSecretStatus>,
    secret: Option<SecretMeta>,
    keyring: Keyring,
    inputs: String,
    drift: DriftPolicy,
    hopeless: bool,
}

impl Situation {
    fn settled() -> Self {
        let mut sealed = SealedSecret {
            metadata: ObjectMeta {
                name: Some("db".into()),
                namespace: Some("team-a".into()),
                uid: Some("uid".into()),
                generation: Some(3),
                ..ObjectMeta::default()
            },
            ..SealedSecret::default()
        };
        sealed.spec.encrypted_data.insert("a".into(), "QQ==".into());
        let record = Record {
            version: Record::VERSION,
            inputs: "hash".into(),
            secret: RecordedSecret {
                uid: "secret-uid".into(),
                resource_version: "7".into(),
            },
            mode: Mode::Owned,
            keys: vec![KEYRING.iter().next().unwrap().id().to_string()],
            values: vec![],
            voucher: String::new(),
        };
        let secret = SecretMeta {
            uid: "secret-uid".into(),
            resource_version: "7".into(),
            controller: Some(Controller {
                is_sealed_secret: true,
                name: "db".into(),
                uid: "uid".into(),
            }),
            ..SecretMeta::default()
        };
        let record = vouched(record, &KEYRING);
        let status = status::next(
            None,
            Some(3),
            Ending::Right,
            Some(record),
            Timestamp::UNIX_EPOCH,
        );
        let keyring = KEYRING.clone();
        Self {
            sealed,
            status,
            secret: Some(secret),
            keyring,
            inputs: "hash".into(),
            drift: DriftPolicy::Heal,
            hopeless: false,
        }
    }

    fn but(change: impl FnOnce(&mut Self)) -> Plan {
        let mut situation = Self::settled();
        change(&mut situation);
        situation.plan()
    }

    fn plan(&self) -> Plan {
        plan(&Observation {
            sealed: &self.sealed,
            status: self.status.as_ref(),
            inputs: &self.inputs,
            secret: self.secret.as_ref(),
            keyring: &self.keyring,
            drift: self.drift,
            hopeless: self.hopeless,
            guard: Guard {
                namespace: "sealed-secrets",
                key_prefix: "sealed-secrets-key",
            },
        })
    }

    fn secret(&mut self) -> &mut SecretMeta {
        self.secret.as_mut().unwrap()
    }

    /// A record that somebody who may write the status has changed.
    fn forge(&mut self, change: impl FnOnce(&mut Record)) {
        change(self.status.as_mut().unwrap().record.as_mut().unwrap());
    }

    /// Another record that we wrote.
    fn record(&mut self, change: impl FnOnce(&mut Record)) {
        self.forge(|record| {
            change(record);
            *record = vouched(record.clone(), &KEYRING);
        });
    }
}

fn reason(plan: &Plan) -> Option<Reason> {
    match plan {
        Plan::Fail(failure) => Some(failure.reason),
        _ => None,
    }
}

fn drift(same_inputs: bool) -> Plan {
    Plan::Update(Update {
        uid: "secret-uid".into(),
        merge: false,
        own: true,
        same_inputs,
        first_sight: false,
    })
}

/// The Secret is compared with what the object becomes, and written if it differs.
fn first_sight() -> Plan {
    Plan::Update(Update {
        uid: "secret-uid".into(),
        merge: false,
        own: true,
        same_inputs: false,
        first_sight: true,
    })
}

#[test]
fn nothing_is_done_when_all_is_as_it_was_left() {
    assert_eq!(Situation::but(|_| {}), Plan::Nothing);
}

#[test]
fn a_secret_that_was_touched_is_looked_at() {
    let touched = Situation::but(|it| it.secret().resource_version = "8".into());
    assert_eq!(touched, drift(true));
}

#[test]
fn a_secret_that_was_deleted_and_made_by_others_is_looked_at() {
    let other = Situation::but(|it| it.record(|it| it.secret.uid = "other".into()));
    assert_eq!(other, drift(true));
}

#[test]
fn a_secret_whose_mode_has_changed_is_looked_at() {
    let recorded = Situation::but(|it| it.record(|it| it.mode = Mode::Managed));
    assert_eq!(recorded, drift(true));
    let disowned = Situation::but(|it| {
        it.secret().controller = None;
        it.secret().managed = true;
    });
    assert_eq!(disowned, drift(true));
}

#[test]
fn an_object_whose_key_is_gone_is_looked_at() {
    let gone = Situation::but(|it| it.record(|it| it.keys.push("SHA256:gone".into())));
    assert_eq!(gone, drift(true));
}

#[test]
fn a_record_of_another_version_justifies_nothing() {
    let other = Situation::but(|it| it.record(|it| it.version += 1));
    assert_eq!(other, first_sight());
}

#[test]
fn changed_inputs_and_an_unseen_generation_are_looked_at() {
    let inputs = Situation::but(|it| it.inputs = "other".into());
    assert_eq!(inputs, drift(false));
    let generation = Situation::but(|it| it.sealed.metadata.generation = Some(4));
    assert_eq!(generation, drift(true));
    assert_eq!(Situation::but(|it| it.status = None), drift(false));
}

#[test]
fn a_forged_record_justifies_nothing() {
    for forged in [
        (|it| it.voucher = String::new()) as fn(&mut Record),
        |it| it.voucher = "zz".into(),
        |it| it.voucher = "00".repeat(32),
        |it| it.keys.clear(),
    ] {
        let plan = Situation::but(|it| it.forge(forged));
        assert_eq!(plan, first_sight());
    }
    // Somebody changed the Secret and would have us believe that we did.
    let touched = Situation::but(|it| {
        it.secret().resource_version = "8".into();
        it.forge(|it| it.secret.resource_version = "8".into());
    });
    assert_eq!(touched, first_sight());
    // Our own record of other inputs does not speak for these.
    let inputs = Situation::but(|it| {
        it.inputs = "other".into();
        it.forge(|it| it.inputs = "other".into());
    });
    assert_eq!(inputs, first_sight());
}

#[test]
fn a_forged_record_keeps_no_deleted_secret_from_being_made_again() {
    for mode in [Mode::Patched, Mode::Unowned] {
        let plan = Situation::but(|it| {
            it.secret = None;
            it.sealed.spec.template.metadata = Some(ObjectMeta {
                annotations: Some([(SKIP_SET_OWNER_REFERENCES.into(), "true".into())].into()),
                ..ObjectMeta::default()
            });
            it.forge(|it| it.mode = mode);
        });
        assert_eq!(plan, Plan::Create { repair: false });
    }
}

#[test]
fn drift_that_was_only_reported_is_put_right_once_the_policy_asks() {
    let reported = |it: &mut Situation| {
        let record = it.status.as_ref().unwrap().record.clone();
        let time = Timestamp::UNIX_EPOCH;
        it.status = status::next(it.status.as_ref(), Some(3), Ending::Drifted, record, time);
    };
    assert_eq!(Situation::but(reported), drift(true));
    let still = Situation::but(|it| {
        reported(it);
        it.drift = DriftPolicy::Report;
    });
    assert_eq!(still, Plan::Nothing);
}

#[test]
fn a_failed_object_is_not_settled() {
    let failure = Failure::new(Reason::ApiError, "no");
    let plan = Situation::but(|it| {
        it.status = status::next(
            it.status.as_ref(),
            Some(3),
            Ending::Failed(&failure),
            None,
            Timestamp::UNIX_EPOCH,
        );
    });
    assert_eq!(plan, drift(true));
}

#[test]
fn a_hopeless_situation_is_left_until_something_changes() {
    assert_eq!(
        Situation::but(|it| (it.status, it.hopeless) = (None, true)),
        Plan::Nothing
    );
}

#[test]
fn an_object_that_is_being_deleted_is_left_alone() {
    let plan = Situation::but(|it| {
        it.secret = None;
        it.sealed.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
    });
    assert_eq!(plan, Plan::Nothing);
}

#[test]
fn an_absent_secret_is_created_and_a_deleted_one_created_again() {
    assert_eq!(
        Situation::but(|it| (it.secret, it.status) = (None, None)),
        Plan::Create { repair: false }
    );
    assert_eq!(
        Situation::but(|it| it.secret = None),
        Plan::Create { repair: true }
    );
    let plan = Situation::but(|it| {
        it.record(|it| it.mode = Mode::Managed);
        it.secret = None;
    });
    assert_eq!(plan, Plan::Create { repair: true });
}

#[test]
fn a_deleted_secret_that_nobody_controlled_stays_deleted_until_its_inputs_change() {
    for mode in [Mode::Unowned, Mode::Patched] {
        let deleted = |it: &mut Situation| {
            it.record(|it| it.mode = mode);
            it.secret = None;
            it.sealed.spec.template.metadata = Some(ObjectMeta {
                annotations: Some([(SKIP_SET_OWNER_REFERENCES.into(), "true".into())].into()),
                ..ObjectMeta::default()
            });
        };
        assert_eq!(Situation::but(deleted), Plan::Nothing);
        let changed = Situation::but(|it| {
            deleted(it);
            it.inputs = "other".into();
        });
        assert_eq!(changed, Plan::Create { repair: false });
    }
}

#[test]
fn a_record_cannot_waive_the_owner_that_the_template_asks_for() {
    let forged = Situation::but(|it| {
        it.record(|it| it.mode = Mode::Unowned);
        it.secret = None;
    });
    assert_eq!(forged, Plan::Create { repair: true });
}

#[test]
fn without_a_record_the_status_vouches_for_nothing_whatever_is_to_be_done_about_drift() {
    let pruned = |it: &mut Situation| it.status.as_mut().unwrap().record = None;
    for policy in [DriftPolicy::Heal, DriftPolicy::Report, DriftPolicy::Ignore] {
        let plan = Situation::but(|it| {
            pruned(it);
            it.drift = policy;
        });
        assert_eq!(plan, first_sight());
        // The spec was changed, and the status says that it was seen.
        let forged = Situation::but(|it| {
            pruned(it);
            it.drift = policy;
            it.inputs = "other".into();
            it.sealed.metadata.generation = Some(4);
            it.status.as_mut().unwrap().observed_generation = Some(4);
        });
        assert_eq!(forged, first_sight());
    }
    let edited = Situation::but(|it| {
        pruned(it);
        it.sealed.metadata.generation = Some(4);
    });
    assert_eq!(edited, drift(false));
}

#[test]
fn a_secret_of_somebody_else_is_refused_unless_annotated() {
    let foreign = |it: &mut Situation| {
        it.secret().controller = None;
        it.status = None;
    };
    assert_eq!(reason(&Situation::but(foreign)), Some(Reason::NotOwned));
    let managed = Situation::but(|it| {
        foreign(it);
        it.secret().managed = true;
    });
    assert_eq!(managed, drift(false));
    let patched = Situation::but(|it| {
        foreign(it);
        it.secret().patch = true;
    });
    let expected = Update {
        uid: "secret-uid".into(),
        merge: true,
        own: false,
        same_inputs: false,
        first_sight: false,
    };
    assert_eq!(patched, Plan::Update(expected.clone()));
    let both = Situation::but(|it| {
        foreign(it);
        it.secret().patch = true;
        it.secret().managed = true;
    });
    assert_eq!(
        both,
        Plan::Update(Update {
            own: true,
            ..expected
        })
    );
}

#[test]
fn a_secret_controlled_by_another_kind_or_name_is_refused() {
    for change in [
        (|it: &mut Controller| it.is_sealed_secret = false) as fn(&mut Controller),
        |it| it.name = "other".into(),
    ] {
        let plan = Situation::but(|it| {
            let controller = it.secret().controller.as_mut().unwrap();
            controller.uid = "other".into();
            change(controller);
            it.status = None;
        });
        assert_eq!(reason(&plan), Some(Reason::NotOwned));
    }
}

#[test]
fn the_secret_of_an_older_object_of_the_same_name_is_adopted() {
    let plan = Situation::but(|it| {
        it.secret().controller.as_mut().unwrap().uid = "older".into();
        it.status = None;
    });
    assert_eq!(plan, drift(false));
}

#[test]
fn a_sealed_secret_cannot_plant_or_change_a_sealing_key() {
    let own = |it: &mut Situation| {
        it.sealed.metadata.namespace = Some("sealed-secrets".into());
        it.status = None;
    };
    assert_eq!(
        Situation::but(own),
        drift(false),
        "other Secrets there are fine"
    );
    let label = || Some([(KEY_LABEL.to_owned(), "anything".to_owned())].into());
    let planted = |it: &mut Situation| {
        it.sealed.spec.template.metadata = Some(ObjectMeta {
            labels: label(),
            ..ObjectMeta::default()
        });
    };
    let by_name = |name: &str| {
        Situation::but(|it| {
            own(it);
            it.sealed.metadata.name = Some(name.into());
        })
    };
    let over_a_key = Situation::but(|it| {
        own(it);
        it.secret().key_label = true;
    });
    for plan in [
        by_name("sealed-secrets-key"),
        by_name("sealed-secrets-key9rfd5"),
        over_a_key,
    ] {
        assert_eq!(reason(&plan), Some(Reason::Protected));
    }
    let elsewhere = Situation::but(|it| {
        planted(it);
        it.status = None;
    });
    assert_eq!(
        elsewhere,
        drift(false),
        "in other namespaces the label means nothing"
    );
}

#[test]
fn without_a_key_only_objects_without_ciphertext_go_on() {
    let no_keys = |it: &mut Situation| {
        it.keyring = Keyring::default();
        it.status = None;
    };
    assert_eq!(reason(&Situation::but(no_keys)), Some(Reason::NoKeys));
    let plain = Situation::but(|it| {
        no_keys(it);
        it.sealed.spec.encrypted_data.clear();
    });
    assert_eq!(plain, drift(false));
}
