use std::collections::BTreeMap;

use seal_api::SealedSecret;
use seal_envelope::Plaintext;
use seal_template::{Budget, Data, Limits, Template};

use crate::{FailedItem, ItemError, Secret};

type Values = BTreeMap<String, Plaintext>;

/// Key work of one object in milliseconds: two RSA keys of 4096 bits, and no more of a thread that
/// other objects wait for.
const KEY_WORK: u64 = 2_000;

/// An item whose template failed.
#[derive(Debug)]
pub struct FailedTemplate {
    /// Its key.
    pub item: String,
    /// Why. Its text holds no value; its detail may, and is for the owner of the values alone.
    pub error: seal_template::Error,
}

/// The Secret that `sealed` would become if its sealed values were `values`: for trying templates
/// out with examples.
///
/// # Errors
/// Every item whose template fails.
pub fn render_with(
    sealed: &SealedSecret,
    mut values: Values,
) -> Result<Secret, Vec<FailedTemplate>> {
    let failed = render_all(sealed, &mut values, &[]);
    if !failed.is_empty() {
        return Err(failed);
    }
    let template = &sealed.spec.template;
    let mut metadata = template.metadata.clone().unwrap_or_default();
    metadata.name.clone_from(&sealed.metadata.name);
    metadata.namespace.clone_from(&sealed.metadata.namespace);
    Ok(Secret {
        metadata,
        type_: template.type_.clone(),
        immutable: template.immutable,
        data: values,
        string_data: Values::new(),
    })
}

/// Renders the templates of `sealed` into `opened`. An item that no key opened is empty to them.
pub(crate) fn render(sealed: &SealedSecret, opened: &mut Values, failed: &mut Vec<FailedItem>) {
    let unopened = failed.iter().filter(|item| item.error == ItemError::NoKey);
    let unopened: Vec<_> = unopened.map(|failed| failed.item.clone()).collect();
    let templates = render_all(sealed, opened, &unopened).into_iter();
    failed.extend(templates.map(|FailedTemplate { item, error }| FailedItem {
        item,
        error: ItemError::Template(error.to_string()),
    }));
}

/// All templates under one budget, as upstream's `unseal`.
///
/// A template sees the values and the plaintext siblings that are not also encrypted, raw. A null
/// takes the item of its name out. An encrypted item wins over a template of its name, which must
/// be right all the same.
fn render_all(
    sealed: &SealedSecret,
    values: &mut Values,
    unopened: &[String],
) -> Vec<FailedTemplate> {
    let Some(templates) = &sealed.spec.template.data else {
        return Vec::new();
    };
    let encrypted = &sealed.spec.encrypted_data;
    let siblings = templates
        .iter()
        .filter(|(item, _)| !encrypted.contains_key(*item));
    let siblings = siblings.filter_map(|(item, text)| Some((item, text.as_ref()?.as_bytes())));
    let opened = values.iter().map(|(item, value)| (item, value.as_bytes()));
    let unopened = unopened.iter().map(|item| (item, &[][..]));
    let data: Data = opened.chain(siblings).chain(unopened).collect();

    let mut budget = Budget::new(Limits {
        key_work: KEY_WORK,
        ..Limits::default()
    });
    let mut failed = Vec::new();
    for (item, template) in templates {
        let Some(text) = template else {
            values.remove(item);
            continue;
        };
        let rendered = Template::parse(item, text.as_bytes(), &mut budget)
            .and_then(|template| template.render(&data, &mut budget));
        match rendered {
            Ok(bytes) if !encrypted.contains_key(item) => {
                values.insert(item.clone(), bytes.into());
            }
            Ok(_) => {}
            Err(error) => failed.push(FailedTemplate {
                item: item.clone(),
                error,
            }),
        }
    }
    failed
}

/// The items that rendering again may make something else of, because their templates draw random bytes
/// or read the clock. Templates that do not parse give nothing at all.
pub fn drawn_items(sealed: &SealedSecret) -> impl Iterator<Item = &str> {
    let mut budget = Budget::default();
    let templates = sealed.spec.template.data.iter().flatten();
    let encrypted = &sealed.spec.encrypted_data;
    templates
        .filter(|(item, _)| !encrypted.contains_key(*item))
        .filter_map(move |(item, text)| {
            let template = Template::parse(item, text.as_ref()?.as_bytes(), &mut budget).ok()?;
            template.uses_random_or_time().then_some(item.as_str())
        })
}

/// Whether the Secret may become something else when it is unsealed again.
#[must_use]
pub fn uses_random_or_time(sealed: &SealedSecret) -> bool {
    drawn_items(sealed).next().is_some()
}
